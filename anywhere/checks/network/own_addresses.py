"""An endpoint's address that this host itself has: what it sends there never leaves it.

The kernel looks the table `local` up before all others (ip-rule(8), priority 0), so no route helps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.checks.base import trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.remedies import remedy
from anywhere.evidence import Own
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.network.resolv_conf import is_loopback, pins
from anywhere.facts.network.routes import is_private
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings


def own_addresses(host: Host, settings: Settings, stopped: Sequence[Aim]) -> Iterator[Finding]:
    """One finding an address. Private ones are left out (a proxy or a resolver of the site may run on this host), and those
    that /etc/hosts gives to a name, which the finding about that file names."""
    named = {visit.endpoint.host for seen in surveys(host, settings) for visit in seen.visits}
    pinned = {pin.address for pin in pins(host, named) or ()}
    cards = {own: card.name for card in host.inventory().interfaces for own in card.addresses}
    for address, aim in {aim.address: aim for aim in reversed(stopped)}.items():
        own = next((one for one in cards if one.partition("/")[0] == address), "")
        remote = aim.protocol == "tcp" and not is_private(address) and not is_loopback(address)
        if own and remote and address not in pinned:
            yield _mine(host, address, aim.port, own, cards[own])


def _mine(host: Host, address: str, port: int, own: str, card: str) -> Finding:
    text = (
        f"Take the address off the card {card}, here and where it is set (netplan, keepalived, a script for tests); if it is a "
        "service's own, give that another one."
    )
    evidence: Own = {"explains": [address], "names": []}
    return trouble(
        "network.own-routes",
        Status.FAIL,
        card,
        f"this host itself has the address {address} ({card}): what it sends to {address}:{port} never leaves it",
        cause="egress.wrong-route",
        remedy=remedy(host, text, ("ip", "addr", "del", own, "dev", card), look=(("ip", "route", "get", address),)),
        evidence=evidence,
    )
