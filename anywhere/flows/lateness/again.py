"""Results that may tell of this machine's own delay instead of the host: measured again, or said to be not judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anywhere.flows.target import LOST
from anywhere.model import Finding, Reason, Remedy, Status, Target

PARALLEL = 2  # at once, when all others are done
TIMED = frozenset(
    (
        Reason.TIMEOUT,
        Reason.NAMESERVER_TIMEOUT,
        Reason.TLS_TIMEOUT,
        Reason.HTTP_TIMEOUT,
        Reason.UNREACHABLE,
        Reason.PROXY_UNREACHABLE,
    )
)
SLOW = "egress.slow"
BUSY = "not checked: this machine was too busy to separate its own delay from the host's"
REMEDY = Remedy("Run it again when this machine is less busy, or with fewer hosts at once: --parallel 4")


def is_timed(finding: Finding) -> bool:
    """Whether this finding rests on something that did not come in time."""
    if finding.status in (Status.PASS, Status.SKIP):
        return False
    late = finding.evidence.get("because") in ("deadline", LOST) or finding.evidence.get("timed") is True
    return late or finding.cause == SLOW or finding.reason in TIMED


def depends_on_time(target: Target) -> bool:
    """Whether another measurement could end otherwise for time's sake alone."""
    return any(map(is_timed, target.findings))


def unjudged(target: Target) -> Target:
    """The target without what may be our own delay: those findings become errors, and their causes go.

    What is an error already claims nothing about the host's health: a host that did not answer twice keeps its cause, and
    what there was no time for says that it was this machine's.
    """
    findings = tuple(_unjudged(one) if _is_claim(one) else one for one in target.findings)
    kept = [
        cause
        for cause in target.causes
        if cause.severity is Status.ERROR or not _rests_on_time(cause.findings, target.findings)
    ]
    return replace(target, findings=findings, causes=tuple(kept))


def _rests_on_time(places: Sequence[int], findings: Sequence[Finding]) -> bool:
    known = [findings[place] for place in places if place < len(findings)]
    return bool(known) and all(map(is_timed, known))


def _is_claim(finding: Finding) -> bool:
    return is_timed(finding) and (finding.status is not Status.ERROR or finding.evidence.get("because") == "deadline")


def _unjudged(finding: Finding) -> Finding:
    evidence = {**finding.evidence, "seen": finding.summary}
    return replace(finding, status=Status.ERROR, summary=BUSY, reason=None, evidence=evidence, remedy=REMEDY, cause="")
