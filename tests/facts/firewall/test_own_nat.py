"""What the host's own NAT rules certainly do to its packets, and what is not known of them."""

from __future__ import annotations

import pytest

from anywhere.facts.firewall.diverted import HOOKS, _certain
from anywhere.facts.firewall.iptables_walk import Packet, Verdict, owned_by
from anywhere.facts.firewall.nftables_walk import _meta

OWN = frozenset({"10.0.0.5", "2001:db8::5"})


@pytest.mark.parametrize(
    ("to", "is_foreign"),
    [
        ("10.0.0.5", False),
        ("10.0.0.5:1024-2048", False),
        ("2001:db8::5", False),
        ("10.0.0.5-10.0.0.9", False),
        ("198.51.100.9", True),
        ("2001:db8::9", True),
    ],
)
def test_a_source_is_foreign_where_the_host_does_not_have_it(to: str, is_foreign: bool) -> None:
    verdict = Verdict("SNAT", f"-A POSTROUTING -j SNAT --to-source {to}", True)
    found = list(_certain([("nat POSTROUTING (nft)", "iptables", verdict)], HOOKS["POSTROUTING"], OWN))
    assert bool(found) is is_foreign


def test_a_set_of_users_is_not_known() -> None:
    packet = Packet(uid=0)
    assert _meta("skuid", "@exempt", packet) is None
    assert (_meta("skuid", 0, packet), _meta("skuid", 1000, packet), _meta("skuid", "root", packet)) == (
        True,
        False,
        True,
    )
    assert owned_by("1000-2000", 0) is False
