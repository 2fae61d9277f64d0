"""What is lost on the ways out: the kernel's count of what it sent again, and where that is high, many short connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from anywhere.errors import NotRecorded
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Host, Probe
from anywhere.model import Reason
from anywhere.threads import fan_out

TRIGGER = 0.1  # of the segments sent again: a healthy path has next to none, so that only a bad one is looked at closer
ROUND = 256  # connections at once, of the 1,024 files that a process may have open
UNDECIDED = (0.2, 0.29)  # shares of one round that a path with two or with three losses in ten may both have by chance
ROUNDS = 4  # enough to tell these apart
ANSWERS_WITHIN = 0.25  # seconds; the kernel itself asks again after one


def loss(host: Host, visits: Sequence[Visit]) -> float:
    """The share of segments that are lost, there and back, between 0 and 1; 0 where next to none is."""
    good = [probe for one in visits for probe in one.probes if probe.ok and probe.sent]
    sent, resent = sum(probe.sent for probe in good), sum(probe.resent for probe in good)
    if not sent or resent / sent < TRIGGER:
        return 0.0
    near = [probe for probe in good if _round_trip(probe) < ANSWERS_WITHIN / 2]
    unanswered = _rounds(host, near) if near else []
    return sum(unanswered) / len(unanswered) if unanswered else resent / sent


def _rounds(host: Host, near: Sequence[Probe]) -> list[bool]:
    """Of each connection whether nothing answered it; more of them while so many leave it to chance, and time is left."""
    unanswered: list[bool] = []
    for number in range(ROUNDS):
        if host.deadline.left() < 4 * ANSWERS_WITHIN:
            break
        try:
            unanswered += _unanswered(host, near, range(number * ROUND, (number + 1) * ROUND))
        except NotRecorded:
            break  # the run that was saved had no time for them, or needed no more
        if not unanswered or not UNDECIDED[0] < sum(unanswered[:ROUND]) / ROUND < UNDECIDED[1]:
            break
    return unanswered


def _unanswered(host: Host, near: Sequence[Probe], numbers: range) -> list[bool]:
    """Connections at once to what is near; none to what only a proxy reaches."""
    specs = [
        replace(near[number % len(near)].spec, proxy="", scheme="tcp", path=f"{number}", patience=ANSWERS_WITHIN)
        for number in numbers
        if not near[number % len(near)].spec.proxy
    ]
    return [probe.reason is Reason.TIMEOUT for probe in fan_out([partial(host.probe, spec) for spec in specs])]


def _round_trip(probe: Probe) -> float:
    """Seconds, at most: a handshake may have been held up (a neighbour's address that was asked for first), not all."""
    return min(filter(None, (probe.connect_seconds, probe.tls_seconds, probe.http_seconds)))
