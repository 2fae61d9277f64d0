"""What a host said, before it becomes part of a report: without secrets, and harmless to show."""

from __future__ import annotations

from dataclasses import replace

from anywhere.model import Cause, Finding, Remedy
from anywhere.printable import printable, printable_value
from anywhere.redact import redact, redact_value


def clean(text: str) -> str:
    """One line without secrets and without characters that steer a terminal."""
    return printable(redact(text))


def clean_finding(finding: Finding) -> Finding:
    """The finding with clean texts. Evidence keeps its exact characters for programs."""
    evidence = redact_value(dict(finding.evidence))
    return replace(
        finding,
        subject=clean(finding.subject),
        summary=clean(finding.summary),
        evidence=evidence if isinstance(evidence, dict) else {},
        remedy=_remedy(finding.remedy) if finding.remedy else None,
    )


def clean_cause(cause: Cause) -> Cause:
    """The cause with clean texts: its summary quotes evidence, such as an issuer, a realm or a status line."""
    subjects = tuple(map(clean, cause.subjects))
    return replace(cause, summary=clean(cause.summary), subjects=subjects, remedy=_remedy(cause.remedy))


def clean_facts(facts: dict[str, object]) -> dict[str, object]:
    """Facts with clean texts at any depth."""
    made = printable_value(redact_value(facts))
    return made if isinstance(made, dict) else {}


def _remedy(remedy: Remedy) -> Remedy:
    return replace(remedy, text=clean(remedy.text), ask=clean(remedy.ask))
