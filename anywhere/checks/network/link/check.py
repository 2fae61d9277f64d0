"""What lies below this host's own routes: IPsec policies, the size of a card's packets, neighbours set by hand, shaping."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.network.host_firewall import UNANSWERED, unanswered
from anywhere.checks.network.link import ipsec, mtu, neighbours, shaping
from anywhere.checks.network.link.aims import ID, MOST_AIMS
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.link.shaping import shapers
from anywhere.facts.network.kernel_routes import hop
from anywhere.facts.network.survey import Survey
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Status
from anywhere.settings import Settings
from anywhere.wording import count

LOST = {
    *UNANSWERED,
    Reason.NAMESERVER_TIMEOUT,
    Reason.SERVER_FAILURE,
    Reason.TLS_TIMEOUT,
    Reason.TLS_RESET,
    Reason.HTTP_TIMEOUT,
}


@check(ID)
def own_link(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    # Before the surveys: what is shaped may use up all the time.
    held = shapers(host)
    seen = tuple(surveys(host, settings))
    aims = list(
        dict.fromkeys(aim for one in seen for aim in (*unanswered(one), *_stalled(one)) if ":" not in aim.address)
    )
    failing = any(map(_fails, seen))
    slow = any(map(shaping.is_slow, seen)) or shaping.outlasts(held, seen)
    if not aims and not (held and (failing or slow)):
        yield passed(ID, "card", "everything that was asked gave an answer")
        return
    hops = {aim: taken for aim in aims[:MOST_AIMS] if (taken := hop(host, aim.address))}
    found = [*ipsec.blocked(host, hops), *mtu.too_small(host, hops)]
    found = found or [*neighbours.misled(host, settings, hops, seen)]
    found = found or [*shaping.held_back(host, held, aims, seen, Status.FAIL if failing else Status.WARN)]
    yield from found
    if not found:
        yield passed(ID, "card", f"nothing below the routes is known to stop {count(hops, 'address', 'addresses')}")


def _stalled(seen: Survey) -> Iterator[Aim]:
    """What took a connection and was silent then."""
    for visit in (*seen.visits, *seen.extra):
        for probe in visit.probes:
            if probe.stalled and not probe.late and probe.address and visit.dialled_port:
                yield Aim(probe.address, visit.dialled_port, "tcp")


def _fails(seen: Survey) -> bool:
    """Whether an endpoint fails in a way that late or lost packets explain; that a name does not exist is none."""
    reasons = {probe.reason for visit in seen.visits if not visit.ok for probe in visit.probes}
    reasons |= {visit.lookup.reason for visit in seen.visits if visit.lookup and not visit.probes}
    return bool(reasons & LOST)


CHECKS: tuple[Check, ...] = (own_link,)
