"""TAP 14: a test point a finding, the host's name first. A warning passes, and its text says so."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.model import Finding, Report, Status, Target
from anywhere.printable import json_text


def render(report: Report) -> str:
    """The whole document."""
    points = [(target, finding) for target in report.targets for finding in target.findings]
    lines = ["TAP version 14", f"1..{len(points)}"]
    for number, (target, finding) in enumerate(points, 1):
        lines += _point(number, target, finding)
    return "\n".join(lines) + "\n"


def _point(number: int, target: Target, finding: Finding) -> Iterator[str]:
    ok = finding.status in (Status.PASS, Status.SKIP, Status.WARN)
    name = f"{target.name} {finding.check} {finding.subject}"
    words = f"{'ok' if ok else 'not ok'} {number} - {_escaped(name)}"
    if finding.status is Status.SKIP:
        yield f"{words} # SKIP {_line(finding.summary)}"
        return
    yield words
    if finding.status is not Status.PASS:
        yield "  ---"
        yield f"  status: {finding.status}"
        yield f"  summary: {json_text(finding.summary)}"
        if finding.reason:
            yield f"  reason: {finding.reason}"
        if finding.remedy:
            yield f"  remedy: {json_text(finding.remedy.text)}"
        yield "  ..."


def _line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """A description: # begins a directive, so it is escaped, and so is the escape."""
    return _line(text).replace("\\", "\\\\").replace("#", "\\#")
