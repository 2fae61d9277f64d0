"""A report whose texts are harmless to show, whoever wrote them: a host, a proxy, a certificate, a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anywhere.model import Cause, Finding, Remedy, Report, Target
from anywhere.printable import printable, printable_value


def harmless(report: Report) -> Report:
    """The report for people: each text in one line, without characters that steer a terminal or the reading direction.

    Commands keep their exact words: `anywhere.report.shown.commands` quotes them where they are shown.
    """
    return Report(tuple(map(_target, report.targets)))


def _target(target: Target) -> Target:
    return replace(
        target,
        name=printable(target.name),
        kind=printable(target.kind),
        started=printable(target.started),
        facts=_values(target.facts),
        causes=tuple(map(cause_printable, target.causes)),
        findings=tuple(map(finding_printable, target.findings)),
    )


def cause_printable(cause: Cause) -> Cause:
    """The cause in harmless texts."""
    return replace(
        cause,
        code=printable(cause.code),
        summary=printable(cause.summary),
        subjects=tuple(map(printable, cause.subjects)),
        remedy=_remedy(cause.remedy),
    )


def finding_printable(finding: Finding) -> Finding:
    """The finding in harmless texts."""
    return replace(
        finding,
        check=printable(finding.check),
        subject=printable(finding.subject),
        summary=printable(finding.summary),
        evidence=_values(finding.evidence),
        remedy=_remedy(finding.remedy) if finding.remedy else None,
        cause=printable(finding.cause),
    )


def _remedy(remedy: Remedy) -> Remedy:
    where, look_where = (tuple(map(printable, names)) for names in (remedy.where, remedy.look_where))
    return replace(remedy, text=printable(remedy.text), ask=printable(remedy.ask), where=where, look_where=look_where)


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    made = printable_value(dict(values))
    return made if isinstance(made, dict) else {}
