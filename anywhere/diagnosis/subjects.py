"""Hosts, addresses, components and proxy of findings, worded for sentences and commands."""

from __future__ import annotations

from collections.abc import Iterable

from anywhere.diagnosis.evidence import Seen
from anywhere.model import Finding
from anywhere.wording import some


def names(findings: Iterable[Finding], most: int = 3) -> str:
    """The first subjects without their ports, and how many more."""
    return some(list(dict.fromkeys(finding.subject.partition(":443")[0] for finding in findings)), most)


def components(findings: Iterable[Finding]) -> str:
    """The affected components."""
    found = sorted({component for f in findings if (component := Seen(f).component)})
    return " and ".join(found) if len(found) < 3 else ", ".join(found)


def host_of(finding: Finding) -> str:
    """The subject `host:port` without its port."""
    return finding.subject.rpartition(":")[0]


def first_host(findings: Iterable[Finding]) -> str:
    """The first subject that is one host, not a pattern: for a command to try. Empty without one."""
    return next((host_of(f) for f in findings if "*" not in f.subject and ":" in f.subject), "")


def proxy_of(findings: Iterable[Finding]) -> str:
    """The URL of the proxy in use, or `the proxy` where it is not known."""
    return next((proxy for f in findings if (proxy := Seen(f).proxy)), "the proxy")


def addresses(findings: Iterable[Finding], most: int = 3) -> str:
    """The first addresses that failed, and how many more; the names where no address was tried."""
    found = list(dict.fromkeys(address for f in findings for address in Seen(f).failed))
    return some(found, most) if found else names(findings)


def details(findings: Iterable[Finding]) -> list[str]:
    """The distinct details of all addresses."""
    found = [a.get("detail", "") for f in findings for a in Seen(f).addresses]
    return list(dict.fromkeys(detail for detail in found if detail))
