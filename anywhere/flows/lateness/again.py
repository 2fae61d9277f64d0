"""Results that may tell of this machine's own delay instead of the host: measured again, or said to be not judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anywhere.flows.hosts import Hosts
from anywhere.flows.target import CHECK as REACH
from anywhere.flows.target import LOST
from anywhere.model import Cause, Finding, Reason, Remedy, Status, Target

PARALLEL = 4  # at once, when all others are done
MORE = 20.0  # seconds for each of them beyond what a host may take, and for its login
LEAST_TRY = 2.0  # seconds that a second try needs
HURRY = 0.5  # seconds after which a host that was silent gives its place to the next one: waiting costs nothing
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


def with_room(hosts: Hosts, parallel: int = PARALLEL, login: float = MORE) -> Hosts:
    """The same hosts, so many at once at most, with more time for each, of that so many seconds for its login."""
    ssh = replace(hosts.ssh, connect_timeout=hosts.ssh.connect_timeout + login)
    return replace(hosts, parallel=min(parallel, hosts.parallel), seconds=hosts.seconds + MORE, ssh=ssh)


def is_timed(finding: Finding) -> bool:
    """Whether this finding rests on something that did not come in time."""
    if finding.status in (Status.PASS, Status.SKIP):
        return False
    late = finding.evidence.get("because") in ("deadline", LOST) or finding.evidence.get("timed") is True
    return late or finding.cause == SLOW or finding.reason in TIMED


def depends_on_time(target: Target) -> bool:
    """Whether another measurement could end otherwise for time's sake alone."""
    return any(map(is_timed, target.findings))


def is_silent(target: Target) -> bool:
    """Whether the host did not take our connection in time, or hung up."""
    return any(_of_reach(one) and "was_up" not in one.evidence for one in target.findings)


def is_stuck(target: Target) -> bool:
    """Whether the host had let us log in, and then did not answer in time."""
    return any(_of_reach(one) and "was_up" in one.evidence for one in target.findings)


def _of_reach(finding: Finding) -> bool:
    return finding.check == REACH and finding.evidence.get("timed") is True


def unjudged(target: Target) -> Target:
    """The target without what may be our own delay: those findings become errors, and their causes go.

    A host that did not answer twice, the second time when the others were done, keeps its cause, which claims nothing about
    its health. What there was no time for says that the time was this machine's.
    """
    findings = tuple(_unjudged(one) if _is_claim(one) else one for one in target.findings)
    kept = [cause for cause in target.causes if not _is_own_delay(cause, target.findings)]
    return replace(target, findings=findings, causes=tuple(kept))


def _is_own_delay(cause: Cause, findings: Sequence[Finding]) -> bool:
    known = [findings[place] for place in cause.findings if place < len(findings)]
    return bool(known) and all(map(_is_claim, known))


def _is_claim(finding: Finding) -> bool:
    had_no_time = finding.evidence.get("because") == "deadline"
    return is_timed(finding) and (finding.status is not Status.ERROR or had_no_time)


def _unjudged(finding: Finding) -> Finding:
    evidence = {**finding.evidence, "seen": finding.summary}
    return replace(finding, status=Status.ERROR, summary=BUSY, reason=None, evidence=evidence, remedy=REMEDY, cause="")
