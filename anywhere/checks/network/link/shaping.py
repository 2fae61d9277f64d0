"""This host's own traffic shaping, where connections feel it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from anywhere.checks.base import trouble
from anywhere.checks.endpoints.visit import is_late, is_lossy
from anywhere.checks.network.host_firewall import UNANSWERED
from anywhere.checks.network.link.aims import ID, own
from anywhere.checks.remedies import remedy
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.link.shaping import Shaper, is_under
from anywhere.facts.network.go_names import plain_servers
from anywhere.facts.network.routes import route_to, routes
from anywhere.facts.network.survey import Survey
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Stage, Status

CAUSE = "egress.slow"
SLOW_STEP = 1.0  # seconds for a handshake
TOO_NARROW = 32_000  # bits per second: with less, what one run sends takes longer than it may


def is_slow(seen: Survey) -> bool:
    """Whether what answers is late, or packets were lost on the way."""
    times = sorted(probe.tls_seconds for probe in seen.probes if probe.ok)
    slow = bool(times) and times[len(times) // 2] > SLOW_STEP
    return slow or is_lossy(seen) or bool(plain_servers([one.lookup for one in seen.visits if one.lookup]))


def outlasts(held: Iterable[Shaper], seen: Sequence[Survey]) -> bool:
    """Whether the time of the run was over before all was asked, and one of these is too narrow for a run."""
    return any(0 < one.rate < TOO_NARROW for one in held) and any(
        is_late(visit) for one in seen for visit in one.visits
    )


def _is_on_the_way(host: Host, shaper: Shaper, seen: Sequence[Survey]) -> bool:
    """Whether packets to what is asked pass the card, by the main table."""
    addresses = [a.source for one in seen for v in one.visits if v.lookup for a in v.lookup.servers if a.source]
    addresses += [probe.address for one in seen for probe in one.probes if probe.address]
    taken = [route_to(one, routes(host)) for one in dict.fromkeys(addresses)]
    return is_under(host, shaper, {one.interface for one in taken if one})


def _is_felt(shaper: Shaper, seen: Sequence[Survey]) -> bool:
    """Whether what gets through shows that packets are late or lost: where nothing gets through, or all else is quick,
    something else may drop what gave no answer."""
    felt = any(map(is_slow, seen)) or any(map(_stops_midway, seen)) or outlasts((shaper,), seen)
    return shaper.silences or felt


def _stops_midway(seen: Survey) -> bool:
    """Whether a connection stalled after it began, or a nameserver answers some questions and not others."""
    if any(one.stalled and one.stage is not Stage.CONNECT and one.reason not in UNANSWERED for one in seen.probes):
        return True
    answers = [answer for one in seen.visits if one.lookup for answer in one.lookup.servers]
    silent = {one.source for one in answers if one.reason is Reason.NAMESERVER_TIMEOUT and not one.late}
    return any(one.source in silent and not one.reason for one in answers)


def held_back(
    host: Host, held: Iterable[Shaper], aims: Sequence[Aim], seen: Sequence[Survey], status: Status
) -> Iterator[Finding]:
    """What shapes the way of these connections, so that they feel it."""
    for one in held:
        if _is_felt(one, seen) and _is_on_the_way(host, one, seen):
            yield _finding(host, one, aims, status)


def _finding(host: Host, shaper: Shaper, aims: Sequence[Aim], status: Status) -> Finding:
    return trouble(
        ID,
        status,
        shaper.device,
        f"this host's own traffic shaping {shaper.does} on {shaper.device}: {shaper.text}",
        cause=CAUSE,
        remedy=remedy(
            host,
            "Take the shaping away, here and in what sets it (wondershaper, tcconfig, a test of a slow network, a script), or "
            "give it a wider limit.",
            ("tc", "qdisc", "del", "dev", shaper.device, *shaper.place),
            look=(("tc", "-s", "qdisc", "show"), ("tc", "-s", "class", "show", "dev", shaper.device)),
        ),
        evidence={**own(aims), "shapes": True},
    )
