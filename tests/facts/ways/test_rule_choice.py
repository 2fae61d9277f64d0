"""Which packets a routing rule of ip chooses."""

from __future__ import annotations

import pytest

from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.ways.rule_choice import chosen_by

AIM = Aim("203.0.113.10", 443, "tcp")


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
