"""IPsec policies, as ip prints them."""

from __future__ import annotations

import pytest

from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.firewall.ipsec import keyed_peers, parse_policies, stopping
from anywhere.hosts.base import Completed
from anywhere.hosts.recording import Recording

AIM = Aim("203.0.113.10", 443, "tcp")
POLICIES = """src 0.0.0.0/0 dst 203.0.113.0/24 proto tcp dport 443
\tdir out action block priority 100 ptype main
src 10.0.0.5/32 dst 203.0.113.0/24
\tdir out priority 200 ptype main
\ttmpl src 10.0.0.5 dst 198.51.100.1
\t\tproto esp reqid 1 mode tunnel
src 0.0.0.0/0 dst 0.0.0.0/0
\tsocket in priority 0 ptype main
src 203.0.113.0/24 dst 10.0.0.5/32
\tdir in priority 0 ptype main
\ttmpl src 198.51.100.1 dst 10.0.0.5
\t\tproto esp reqid 1 mode tunnel
\t\tlevel use
""".splitlines()


def test_the_policy_that_stops_a_packet() -> None:
    found = tuple(parse_policies(POLICIES))
    assert [one.direction for one in found] == ["out", "out", "in"]
    blocks = stopping(found, frozenset(), ["10.0.0.5"], AIM)
    assert blocks is not None and blocks.blocks
    other = Aim("203.0.113.10", 53, "udp")
    tunnel = stopping(found, frozenset(), ["10.0.0.5"], other)
    assert tunnel is not None and tunnel.peers == ("198.51.100.1",)
    assert stopping(found, frozenset({"198.51.100.1"}), ["10.0.0.5"], other) is None
    assert stopping(found, frozenset(), ["10.0.0.6"], other) is None


TUNNEL = """src 0.0.0.0/0 dst 0.0.0.0/0{}
\tdir out priority 500 ptype main{}
\ttmpl src 10.0.0.5 dst 198.51.100.1
\t\tproto esp"""


@pytest.mark.parametrize(
    ("dev", "mark", "tail", "stops"),
    [
        ("", "", "", True),
        ("", "\n\tmark 0x2a/0xff", "", False),
        ("", "\n\tmark 0/0", "", True),
        ("", "", "\n\tif_id 0x2a", False),
        ("", "", "\n\t\tlevel use", False),
        (" dev eth1", "", "", False),
        (" dev eth0", "", "", True),
    ],
)
def test_the_packets_of_a_policy(dev: str, mark: str, tail: str, stops: bool) -> None:
    found = tuple(parse_policies((TUNNEL.format(dev, mark) + tail).splitlines()))
    assert bool(stopping(found, frozenset(), ["10.0.0.5"], AIM, "eth0")) is stops
    assert not stopping(found, None, ["10.0.0.5"], AIM, "eth0")


class Silent:
    """A host whose commands print nothing."""

    name, system = "local", "Linux"

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def run(self, argv: tuple[str, ...], **_: object) -> Completed:
        self.asked.append(argv)
        return Completed(argv, 0, "")


def test_keys_are_not_read() -> None:
    host = Silent()
    assert keyed_peers(host) == frozenset()  # type: ignore[arg-type]
    assert host.asked == [("ip", "xfrm", "state", "list", "nokeys")]
    assert keyed_peers(Recording(None, {})) is None
