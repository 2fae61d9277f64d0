"""Network modes side by side, for people."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.model import Finding, Report, Status
from anywhere.report.style import PLAIN, Style, fill

ASPECTS = {
    "instances": "tasks a host",
    "ports": "ports",
    "discovery": "found by",
    "isolation": "isolation",
    "credentials": "credentials",
}
WIDTH = 16


def render(report: Report, style: Style = PLAIN) -> str:
    """For every definition its modes, each with what it means; the present one is marked."""
    lines: list[str] = []
    for target in report.targets:
        subject = ""
        for finding in target.findings:
            if finding.subject != subject:
                subject = finding.subject
                lines += [style.bold(f"{subject}") + style.dim(f"   {target.name}"), ""]
            lines += [*_mode(finding, style), ""]
    return "\n".join(lines)


def _mode(finding: Finding, style: Style) -> Iterator[str]:
    name = finding.check.partition(".")[2]
    now = "   (in force)" if finding.evidence.get("current") else ""
    if finding.status is not Status.PASS:
        yield f"  {style.dim(name)}{now}"
        yield f"    {style.paint('red')('not possible')}: {finding.summary}"
        return
    yield f"  {style.paint('green')(name)}{now}"
    for key, label in ASPECTS.items():
        first, *rest = fill(str(finding.evidence.get(key, "")), style.width - WIDTH - 4)
        yield f"    {label:<{WIDTH}}{first}"
        for line in rest:
            yield " " * (WIDTH + 4) + line
