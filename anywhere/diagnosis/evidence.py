"""What the rules read off a finding's evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from anywhere.diagnosis.engine import Case
from anywhere.model import Finding, Reason, Stage, Status

REACH = "endpoints.reach"
CONNECT_REASONS = (Reason.TIMEOUT, Reason.REFUSED, Reason.UNREACHABLE)


def reached(case: Case, *stages: Stage) -> Iterator[tuple[int, Finding]]:
    """The unexplained endpoint findings that stopped at one of these stages."""
    return ((i, f) for i, f in case.trouble(REACH) if f.stage in stages)


def direct(case: Case) -> list[Finding]:
    """All judged findings of endpoints that go out without a proxy."""
    return [f for f in case.of(REACH) if not f.evidence.get("proxy") and f.status is not Status.ERROR]


def proxied(case: Case) -> list[Finding]:
    """All judged findings of endpoints that go out through a proxy."""
    return [f for f in case.of(REACH) if f.evidence.get("proxy") and f.status is not Status.ERROR]


def look(finding: Finding, name: str) -> str:
    """What a second look showed, empty when it was not taken."""
    return str(finding.evidence.get("second_look", {}).get(name, ""))


def answers(outcome: str) -> bool:
    """Whether a second look got any answer."""
    return outcome.startswith(("passes", "answers"))


def is_page(finding: Finding) -> bool:
    """Whether a device on the way answered the request itself: a page for people, a redirect, a fault of its own."""
    answered = bool((finding.evidence.get("http") or {}).get("status"))
    return finding.reason is Reason.CAPTIVE_PORTAL or (finding.reason is Reason.HTTP_ERROR and answered)


def issuer(finding: Finding) -> str:
    """The organisation that issued the presented certificate."""
    tls: dict[str, Any] = finding.evidence.get("tls") or {}
    return str(tls.get("issuer_organization") or tls.get("issuer") or "")


def count(findings: Sequence[object], noun: str = "endpoint") -> str:
    """`1 endpoint`, `14 endpoints`."""
    return f"{len(findings)} {noun}{'' if len(findings) == 1 else 's'}"


def names(findings: Iterable[Finding], most: int = 3) -> str:
    """The first subjects without their ports, and how many more."""
    subjects = list(dict.fromkeys(finding.subject.partition(":443")[0] for finding in findings))
    more = f" and {len(subjects) - most} more" if len(subjects) > most else ""
    return ", ".join(subjects[:most]) + more


def components(findings: Iterable[Finding]) -> str:
    """The components that suffer."""
    found = sorted({str(f.evidence["component"]) for f in findings if f.evidence.get("component")})
    return " and ".join(found) if len(found) < 3 else ", ".join(found)


def first_host(findings: Iterable[Finding]) -> str:
    """The first subject that is a real host name, for a command to try."""
    return next((f.subject.rpartition(":")[0] for f in findings if "*" not in f.subject and ":" in f.subject), "")


def proxy_of(findings: Iterable[Finding]) -> str:
    """The proxy in the evidence."""
    return next((str(f.evidence["proxy"]) for f in findings if f.evidence.get("proxy")), "the proxy")


def details(findings: Iterable[Finding]) -> list[str]:
    """The distinct details of all addresses."""
    found = [str(a.get("detail", "")) for f in findings for a in f.evidence.get("addresses", ())]
    return list(dict.fromkeys(detail for detail in found if detail))
