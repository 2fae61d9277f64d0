"""ARP entries set by hand that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from anywhere.checks.base import trouble
from anywhere.checks.network.link.aims import ID, MOST_AIMS, own, shown
from anywhere.checks.network.own_routes import own_routes
from anywhere.checks.remedies import remedy
from anywhere.evidence import Own
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.link.neighbours import answers_here, fixed_neighbour
from anywhere.facts.network.kernel_routes import Hop, hop
from anywhere.facts.network.survey import Survey
from anywhere.hosts.base import Host
from anywhere.model import Finding, Stage, Status
from anywhere.settings import Settings

CAUSE = "egress.wrong-route"


def misled(host: Host, settings: Settings, hops: Mapping[Aim, Hop], seen: Sequence[Survey]) -> Iterator[Finding]:
    """Next hops with a link address set by hand, by which nothing at all answers, not even the next hop itself. What another
    route of this host would reach is left to the check of the routes."""
    by_next: dict[tuple[str, str], list[Aim]] = {}
    told = {
        address
        for finding in own_routes.judge(host, settings)
        for address in cast(Own, finding.evidence).get("explains", ())
    }
    for aim, taken in hops.items():
        if taken.device and not taken.error and aim.address not in told:
            by_next.setdefault((taken.device, taken.gateway or aim.address), []).append(aim)
    for (device, address), stopped in by_next.items():
        link = fixed_neighbour(host, device, address)
        if link and not _carries(host, device, address, seen) and answers_here(host, device, address) is False:
            yield _entry(host, device, address, link, stopped)


def _carries(host: Host, device: str, address: str, seen: Sequence[Survey]) -> bool:
    """Whether anything answered by this next hop."""
    alive = {
        a.source for one in seen for v in one.visits if v.lookup for a in v.lookup.servers if a.source and not a.reason
    }
    alive |= {
        probe.address for one in seen for probe in one.probes if probe.stage is not Stage.CONNECT and probe.address
    }
    for one in sorted(alive)[:MOST_AIMS]:
        taken = None if ":" in one else hop(host, one)
        if taken and (taken.device, taken.gateway or one) == (device, address):
            return True
    return False


def _entry(host: Host, device: str, address: str, link: str, stopped: Sequence[Aim]) -> Finding:
    behind = "" if [aim.address for aim in stopped] == [address] else f" nor {shown(stopped)} behind it"
    return trouble(
        ID,
        Status.FAIL,
        address,
        f"the ARP entry of this host for {address} is set by hand ({link}, permanent), and "
        + (f"neither {address}{behind} answers" if behind else f"{address} does not answer"),
        cause=CAUSE,
        remedy=remedy(
            host,
            f"Take the entry away, here and in what sets it (/etc/ethers, a network script), so that the kernel asks for the "
            f"link address of {address}; or correct it by what the card of {address} has.",
            ("ip", "neigh", "del", address, "dev", device),
            look=(("ip", "neigh", "show", "dev", device),),
        ),
        evidence=own(stopped),
    )
