"""A card whose packets are smaller than IPv4 allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anywhere.checks.base import trouble
from anywhere.checks.network.link.aims import ID, own, shown
from anywhere.checks.remedies import remedy
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.network.kernel_routes import Hop
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status

CAUSE = "egress.path-mtu"
LEAST_MTU, USUAL_MTU = 576, 1500  # bytes; the first is what every IPv4 host must be able to take (RFC 791)


def too_small(host: Host, hops: Mapping[Aim, Hop]) -> Iterator[Finding]:
    """The cards on the way of what went without an answer whose packets are too small."""
    cards = {card.name: card.mtu for card in host.inventory().interfaces}
    by_card: dict[str, list[Aim]] = {}
    for aim, taken in hops.items():
        if 0 < cards.get(taken.device, 0) < LEAST_MTU:
            by_card.setdefault(taken.device, []).append(aim)
    for card, stopped in by_card.items():
        yield trouble(
            ID,
            Status.FAIL,
            card,
            f"MTU of this host's card {card} is {cards[card]} bytes (IPv4 needs {LEAST_MTU}): answers of {shown(stopped)} "
            "do not fit",
            cause=CAUSE,
            remedy=remedy(
                host,
                "Set the MTU of the card, here and where it is kept (netplan `mtu`, NetworkManager `802-3-ethernet.mtu`, "
                "systemd-networkd MTUBytes=, DHCP option 26).",
                ("ip", "link", "set", "dev", card, "mtu", str(USUAL_MTU)),
                look=(("ip", "-d", "link", "show", "dev", card),),
            ),
            evidence=own(stopped),
        )
