"""tc's words, IPsec policies and routing rules, as the programs print them."""

from __future__ import annotations

import pytest

from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.firewall.ipsec import keyed_peers, parse_policies, stopping
from anywhere.facts.network.routes import IPV4_ROUTES
from anywhere.facts.ways.own_card import at_once, shapers
from anywhere.facts.ways.rule_choice import chosen_by
from anywhere.hosts.base import Completed
from anywhere.hosts.recording import Recording

NETEM = "qdisc netem 8001: dev eth0 root refcnt 2 limit 1000"
# By default a gateway on eth0; a pod's device has a route without one.
ROUTES = "head\neth0 00000000 0100000A 0003 0 0 0 00000000\nveth1 0200000A 00000000 0005 0 0 0 FFFFFFFF\n"
AIM = Aim("203.0.113.10", 443, "tcp")


class Tc:
    """A host that has only tc."""

    name, system = "local", "Linux"

    def __init__(self, qdiscs: str, classes: str = "") -> None:
        self.said = {"qdisc": qdiscs, "class": classes}
        self.asked: list[tuple[str, ...]] = []

    def run(self, argv: tuple[str, ...], **_: object) -> Completed:
        self.asked.append(argv)
        return Completed(argv, 0, self.said.get(argv[1], ""))

    def read(self, path: str, **_: object) -> bytes:
        return ROUTES.encode() if path == IPV4_ROUTES else b""

    def listdir(self, path: str) -> list[str]:
        return []


@pytest.mark.parametrize(
    ("line", "does"),
    [
        (f"{NETEM} delay 500ms  50ms", "delays each packet by 500 ms"),
        (f"{NETEM} delay 2s loss 30%", "loses 30% of the packets and delays each packet by 2 s"),
        (f"{NETEM} loss random 12.5% corrupt 10%", "loses 12.5% of the packets and damages 10% of the packets"),
        (f"{NETEM} delay 20ms rate 64Kbit", "lets 64 kbit/s through"),
        (f"{NETEM} delay 20ms loss 1%", ""),
        ("qdisc tbf 8006: dev eth0 root refcnt 3 rate 64Kbit burst 4Kb lat 100ms", "lets 64 kbit/s through"),
        ("qdisc tbf 8006: dev eth0 root refcnt 3 rate 100Mbit burst 4Kb lat 100ms", ""),
        ("qdisc fq_codel 0: dev eth0 root refcnt 2 limit 10240p flows 1024 quantum 1514 target 5ms", ""),
        ("qdisc htb 1: dev eth0 root refcnt 2 r2q 10 default 0x10 direct_packets_stat 0", "lets 128 kbit/s through"),
        ("qdisc htb 1: dev eth0 root refcnt 2 r2q 10 default 0 direct_packets_stat 0", ""),
        ("qdisc", ""),
    ],
)
def test_what_shaping_does(line: str, does: str) -> None:
    classes = "class htb 1:10 root prio 0 rate 64Kbit ceil 128Kbit burst 1600b cburst 1600b\n"
    found = shapers(Tc(line + "\n", classes))  # type: ignore[arg-type]  # it has what is asked
    assert [one.does for one in found] == [does] * bool(does)


def test_a_run_does_not_fill_a_narrow_card() -> None:
    host = Tc("qdisc tbf 1: dev eth0 root refcnt 3 rate 128Kbit burst 4Kb lat 100ms\n")
    assert at_once(host, 128) == 2  # type: ignore[arg-type]
    assert at_once(Recording(None, {}), 128) == 128
    pod = Tc("qdisc tbf 1: dev veth1 root refcnt 3 rate 128Kbit burst 4Kb lat 100ms\n")
    assert at_once(pod, 128) == 128  # type: ignore[arg-type]


def test_the_fix_takes_away_what_hangs_there_alone() -> None:
    line = "qdisc netem 30: dev eth0 parent 1:3 limit 1000 delay 500ms"
    host = Tc(f"qdisc prio 1: dev eth0 root refcnt 2 bands 3\n{line}\n")
    assert [one.place for one in shapers(host)] == [("parent", "1:3")]  # type: ignore[arg-type]


@pytest.mark.parametrize(("curves", "count"), [("", 0), (" ul m1 0bit d 0us m2 128Kbit", 1), (" ul m2 1Gbit", 0)])
def test_only_the_upper_limit_of_hfsc_takes_away(curves: str, count: int) -> None:
    host = Tc(
        "qdisc hfsc 1: dev eth0 root default 10\n", f"class hfsc 1:10 parent 1: sc m1 0bit d 0us m2 100Kbit{curves}\n"
    )
    assert len(shapers(host)) == count  # type: ignore[arg-type]


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


def test_keys_are_not_read() -> None:
    host = Tc("")
    assert keyed_peers(host) == frozenset()  # type: ignore[arg-type]
    assert host.asked == [("ip", "xfrm", "state", "list", "nokeys")]
    assert keyed_peers(Recording(None, {})) is None


@pytest.mark.parametrize(
    ("rule", "is_chosen"),
    [
        ("500:\tfrom all ipproto tcp dport 443 blackhole", True),
        ("500:\tfrom all dport 440-450 prohibit", True),
        ("500:\tfrom all dport 53 prohibit", False),
        ("500:\tfrom all uidrange 0-0 prohibit", True),
        ("500:\tfrom all uidrange 1000-2000 prohibit", False),
        ("500:\tfrom all to 203.0.113.0/24 unreachable", True),
        ("500:\tfrom 10.0.0.0/8 prohibit", False),
        ("500:\tfrom all iif eth1 prohibit", False),
        ("500:\tfrom all iif lo prohibit", True),
        ("500:\tfrom all fwmark 0x1 lookup 100", False),
        ("500:\tnot from all fwmark 0xca6c lookup 51820", True),
        ("500:\tfrom all tos 0x10 prohibit", False),
        ("500:\tnonsense", False),
    ],
)
def test_the_packets_of_a_rule(rule: str, is_chosen: bool) -> None:
    assert chosen_by(rule, AIM) is is_chosen
    assert chosen_by("100:\tfrom all fwmark 0x1/0xf lookup 100", AIM, 0x31)
