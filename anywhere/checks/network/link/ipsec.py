"""IPsec policies that stop what this host sends, or the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anywhere.checks.base import trouble
from anywhere.checks.network.link.aims import ID, own, shown
from anywhere.checks.remedies import remedy
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.firewall.ipsec import POLICIES, STATES, Policy, keyed_peers, policies, stopping
from anywhere.facts.network.kernel_routes import Hop
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status

CAUSE = "egress.host-firewall"


def blocked(host: Host, hops: Mapping[Aim, Hop]) -> Iterator[Finding]:
    """The policies of this host that stop what went without an answer."""
    found = policies(host)
    keyed = keyed_peers(host) if found else frozenset()
    by_policy: dict[Policy, list[Aim]] = {}
    for aim, taken in hops.items():
        sources = [taken.source] if taken.source else _addresses(host)
        if policy := stopping(found, keyed, sources, aim, taken.device):
            by_policy.setdefault(policy, []).append(aim)
    for policy, stopped in by_policy.items():
        yield _stopped_by(host, policy, stopped)


def _addresses(host: Host) -> list[str]:
    return [one.partition("/")[0] for card in host.inventory().interfaces for one in card.addresses]


def _stopped_by(host: Host, policy: Policy, stopped: Sequence[Aim]) -> Finding:
    what = "the answers of" if policy.direction == "in" else "what it sends to"
    if policy.blocks:
        why = f"drops {what} {shown(stopped)}"
    elif policy.direction == "in":
        why = f"accepts {what} {shown(stopped)} only when encrypted, and sends there in plain"
    else:
        why = f"encrypts {what} {shown(stopped)}, and no key is agreed with {', '.join(policy.peers)}"
    text = (
        "Take the policy away, here and in what sets it (strongSwan, Libreswan, a script), or exempt these addresses in it."
        if policy.blocks
        else "Bring the IPsec connection up (`swanctl --initiate`, `ipsec auto --up`); if it is no longer used, take the "
        "policy away, here and in what sets it, or exempt these addresses in it."
    )
    return trouble(
        ID,
        Status.FAIL,
        "IPsec policy",
        f"this host's own IPsec policy {why}: {policy.text}",
        cause=CAUSE,
        remedy=remedy(
            host,
            text,
            ("ip", "xfrm", "policy", "delete", *policy.selector),
            look=(POLICIES, STATES),
        ),
        evidence=own(stopped),
    )
