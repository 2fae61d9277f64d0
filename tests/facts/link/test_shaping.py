"""tc's words, as it prints them."""

from __future__ import annotations

import pytest

from anywhere.facts.link.shaping import at_once, shapers
from anywhere.facts.network.routes import IPV4_ROUTES
from anywhere.hosts.base import Completed
from anywhere.hosts.recording import Recording

NETEM = "qdisc netem 8001: dev eth0 root refcnt 2 limit 1000"
# By default a gateway on eth0; a pod's device has a route without one.
ROUTES = "head\neth0 00000000 0100000A 0003 0 0 0 00000000\nveth1 0200000A 00000000 0005 0 0 0 FFFFFFFF\n"


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
