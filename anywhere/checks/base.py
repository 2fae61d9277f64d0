"""What a check is: a generator of findings about a recorded host, listed in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.settings import Settings

Judge = Callable[[Host, Settings], Iterator[Finding]]

TOPICS = ("system", "network", "endpoints", "netfilter", "containers", "agents")


@frozen
class Check:
    """A check: its id (`topic.slug`, a row of catalogue/checks.py), and the generator of its findings."""

    id: str
    judge: Judge

    @property
    def topic(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


def check(id: str) -> Callable[[Judge], Check]:
    """Make a check from a generator: `@check("system.os")`. Its texts are in catalogue/checks.py."""
    return lambda judge: Check(id, judge)


def passed(check: str, subject: str, summary: str, **evidence: object) -> Finding:
    """A pass."""
    return Finding(check, Status.PASS, subject, summary, evidence=evidence)


def skipped(check: str, subject: str, summary: str, *, because: str = "", **evidence: object) -> Finding:
    """Not checked, and why: `because` names the prerequisite that failed or what is needed."""
    return Finding(check, Status.SKIP, subject, summary, evidence={"because": because or summary, **evidence})


NEEDS_ROOT = "root"


def needs_root(check: str, subject: str, summary: str, *, or_else: str = "", **evidence: object) -> Finding:
    """Not checked, since this user lacks the rights: root has them (`or_else` names another way)."""
    because = f"{NEEDS_ROOT}, or {or_else}" if or_else else NEEDS_ROOT
    return skipped(check, subject, summary, because=because, **evidence)


def is_hidden(finding: Finding) -> bool:
    """Whether a finding was made by `needs_root`."""
    because = str(finding.evidence.get("because", ""))
    return finding.status is Status.SKIP and (because == NEEDS_ROOT or because.startswith(f"{NEEDS_ROOT}, "))


def unknown(check: str, subject: str, summary: str, **evidence: object) -> Finding:
    """An error: it could not be checked although it should have been."""
    return Finding(check, Status.ERROR, subject, summary, evidence=evidence)


def trouble(
    check: str,
    status: Status,
    subject: str,
    summary: str,
    *,
    cause: str = "",
    remedy: Remedy | None = None,
    stage: Stage | None = None,
    reason: Reason | None = None,
    seconds: float = 0.0,
    evidence: Mapping[str, object] | None = None,
) -> Finding:
    """A fail or a warning; `cause` is the cause code where the check itself knows it."""
    return Finding(check, status, subject, summary, stage, reason, evidence or {}, remedy, seconds, cause)
