"""The report as JSON, in the form of schemas/report-1.json."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere import __version__
from anywhere.model import Cause, Finding, Remedy, Report, Target
from anywhere.printable import json_text
from anywhere.report.fleet import view

SCHEMA = "anywhere/report/1"


def render(report: Report) -> str:
    """The report as indented JSON with a final newline."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """The same text a target at a time: that of a thousand of them takes more memory than all else."""
    frame = json_text({**as_dict(Report(())), "verdict": str(report.verdict)}, 2)
    if not report.targets:
        yield frame + "\n"
        return
    yield frame.removesuffix("[]\n}") + "["
    for place, target in enumerate(report.targets):
        text = json_text(target_dict(target), 2)
        yield "," * (place > 0) + "\n    " + text.replace("\n", "\n    ")
    yield "\n  ]"
    for name, value in _of_many(report).items():
        text = json_text(value, 2)
        yield f',\n  "{name}": ' + text.replace("\n", "\n  ")
    yield "\n}\n"


def as_dict(report: Report) -> dict[str, object]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "anywhere", "version": __version__},
        "verdict": str(report.verdict),
        "targets": [target_dict(target) for target in report.targets],
        **_of_many(report),
    }


def _of_many(report: Report) -> dict[str, object]:
    """What only many hosts together show."""
    hosts = sum(target.kind == "host" for target in report.targets)
    return {"fleet": view.as_dict(report)} if hosts > 1 else {}


def target_dict(target: Target) -> dict[str, object]:
    """One target as plain values."""
    return {
        "kind": target.kind,
        "name": target.name,
        "verdict": str(target.verdict),
        "started": target.started,
        "seconds": target.seconds,
        "facts": dict(target.facts),
        "causes": [cause_dict(cause) for cause in target.causes],
        "findings": [finding_dict(finding) for finding in target.findings],
        **({"reach": list(target.reach)} if target.reach else {}),
    }


def cause_dict(cause: Cause) -> dict[str, object]:
    """A cause as plain values."""
    return {
        "code": cause.code,
        "severity": str(cause.severity),
        "summary": cause.summary,
        "subjects": list(cause.subjects),
        "remedy": _remedy(cause.remedy),
        "findings": list(cause.findings),
    }


def finding_dict(finding: Finding) -> dict[str, object]:
    """A finding as plain values."""
    return {
        "check": finding.check,
        "status": str(finding.status),
        "subject": finding.subject,
        "stage": str(finding.stage) if finding.stage else None,
        "reason": str(finding.reason) if finding.reason else None,
        "summary": finding.summary,
        "evidence": dict(finding.evidence),
        "remedy": _remedy(finding.remedy) if finding.remedy else None,
        "seconds": round(finding.seconds, 4),
    }


def _remedy(remedy: Remedy) -> dict[str, object]:
    row: dict[str, object] = {"text": remedy.text, "commands": [list(command) for command in remedy.commands]}
    more = {"where": list(remedy.where), "ask": remedy.ask, "look": list(map(list, remedy.look))}
    more["look_where"] = list(remedy.look_where)
    return row | {name: value for name, value in more.items() if value}
