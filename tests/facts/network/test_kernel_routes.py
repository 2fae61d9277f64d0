"""`ip route get` and `ip route show table all`, as iproute2 prints them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from anywhere.facts.network.kernel_routes import (
    RULES,
    TABLES,
    Hop,
    TableRoute,
    answers_by,
    covers,
    hop,
    parse_hop,
    parse_tables,
)
from anywhere.hosts.base import Completed
from tests.support.fakehost import FakeHost

ARGV = ("ip", "-4", "route", "get", "203.0.113.10")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("203.0.113.10 via 10.0.0.1 dev eth0 src 10.0.0.2 uid 0 \n    cache \n", Hop("eth0", "10.0.0.1", "10.0.0.2")),
        (
            "203.0.113.10 via 10.0.0.1 dev eth0 src 10.0.0.2\n    cache mtu 1400\n",
            Hop("eth0", "10.0.0.1", "10.0.0.2", 1400),
        ),
        ("203.0.113.10 via 10.0.0.1 dev eth0\n    cache expires 599sec mtu 1300\n", Hop("eth0", "10.0.0.1")),
        ("local 10.0.0.2 from 172.17.0.9 dev lo table local\n", Hop("lo")),
        ("unreachable 203.0.113.10 dev lo\n", Hop(error="unreachable")),
    ],
    ids=["plain", "an MTU of the route", "an MTU that was learned", "the host itself", "refused"],
)
def test_the_kernels_answer(text: str, found: Hop) -> None:
    assert parse_hop(Completed(ARGV, 0, text)) == found


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("Invalid cross-device link", "reverse-path"),
        ("Network is unreachable", "no-route"),
        ("No route to host", "unreachable"),
        ("Permission denied", "prohibited"),
        ("Invalid argument", "discarded"),
    ],
)
def test_the_kernels_refusals(said: str, error: str) -> None:
    assert parse_hop(Completed(ARGV, 2, "", f"RTNETLINK answers: {said}\n")) == Hop(error=error)


def test_what_is_no_answer_of_the_kernel_says_nothing() -> None:
    assert parse_hop(Completed(ARGV, 1, "", "ip: invalid option\n")) is None
    assert hop(FakeHost(), "203.0.113.10") is None
    assert answers_by(FakeHost(), "203.0.113.10", 443, "eth1") is None


@pytest.mark.parametrize(
    ("said", "rc", "is_open"),
    [
        ("0.000913 .", 0, True),
        ("0.000913 .", 56, True),  # connected, and then not HTTP
        ("0.000000 .", 28, False),
        ("0,000000 .", 7, False),
        ("", 127, None),
        ("", 28, None),
        ("0.000000 .", 45, None),  # the card cannot be chosen
    ],
)
def test_another_card_is_tried_with_curl(said: str, rc: int, is_open: bool | None) -> None:
    class Curl(FakeHost):
        def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
            assert argv[0] == "curl" and "eth1" in argv
            return Completed(tuple(argv), rc, said)

    assert answers_by(Curl(), "203.0.113.10", 443, "eth1") is is_open


def test_tables_with_vrf_refusals_and_several_next_hops() -> None:
    text = """default via 10.1.0.1 dev eth1 table 10
unreachable default table 20 metric 4278198272
default metric 100
\tnexthop via 10.2.0.1 dev eth2 weight 1
\tnexthop via 10.3.0.1 dev eth3 weight 1
10.2.0.0/24 dev eth2 proto kernel scope link src 10.2.0.9
broadcast 10.2.0.255 dev eth2 table local proto kernel scope link src 10.2.0.9
local 10.2.0.9 dev eth2 table local proto kernel scope host src 10.2.0.9
"""
    found = parse_tables(text.splitlines())
    assert found == (
        TableRoute("default", "eth1", "10.1.0.1", 0, "10"),
        TableRoute("default", "", "", 4278198272, "20", True, "unreachable"),
        TableRoute("default", "eth2", "10.2.0.1", 100),
        TableRoute("default", "eth3", "10.3.0.1", 100),
        TableRoute("10.2.0.0/24", "eth2"),
    )
    assert [covers(route, "10.2.0.7") for route in found] == [True] * 5
    assert not covers(found[-1], "10.3.0.7")
    assert found[0].text == "via 10.1.0.1 dev eth1, table 10"


@pytest.mark.parametrize(
    ("tables", "rules", "error"),
    [
        ("default via 10.0.0.1 dev eth0\n", "", "reverse-path"),
        ("default via 10.0.0.1 dev eth0\nblackhole 172.17.0.0/16 table 107\n", "", "discarded"),
        ("default via 10.0.0.1 dev eth0\n", "100:\tfrom all to 172.17.0.0/16 blackhole\n", "discarded"),
    ],
)
def test_newer_kernels_say_invalid_argument_of_the_reverse_path_too(tables: str, rules: str, error: str) -> None:
    argv = ("ip", "-4", "route", "get", "172.17.0.5", "from", "203.0.113.10", "iif", "eth1")
    refused = Completed(argv, 2, "", "RTNETLINK answers: Invalid argument\n")
    host = FakeHost(commands={argv: refused, TABLES: tables, RULES: rules})
    found = hop(host, "172.17.0.5", source="203.0.113.10", device="eth1")
    assert found is not None and found.error == error
