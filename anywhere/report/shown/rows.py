"""Every finding in a line, the worst last; and the proxy settings of each component."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.model import Finding, Status, Target
from anywhere.report.shown.words import COLOURS, MARKS
from anywhere.report.style import Style, fill
from anywhere.wording import some

SUBJECTS_SHOWN = 6
REACH, UPGRADE = "endpoints.reach", "endpoints.websocket"
FOLDED_WORDS = 3
CHECK_WIDTH = 26
NARROW = 60  # columns below which a text does not fit beside the name of its check


def all_rows(target: Target, style: Style) -> Iterator[str]:
    """All findings: passes folded by check, skips by their reason, what needs a person one by one."""
    for status in Status:
        yield from rows(status, [finding for finding in target.findings if finding.status is status], style)


def rows(status: Status, findings: Sequence[Finding], style: Style) -> Iterator[str]:
    """Passes are folded by check, skips by what they wait for; what needs a person is shown one by one."""
    if status is Status.SKIP:
        yield from _skips(findings, style)
        return
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.check, "" if status is Status.PASS else finding.summary), []).append(finding)
    for (check, _), group in groups.items():
        text = group[0].summary if len(group) == 1 else _folded(status, group)
        subject = f"{group[0].subject}: " if len(group) == 1 and group[0].subject not in text else ""
        yield from _row(status, check, f"{subject}{text}", style)


def _skips(findings: Sequence[Finding], style: Style) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        reasons.setdefault(finding.summary, []).append(finding.check)
    for reason, checks in reasons.items():
        names = list(dict.fromkeys(checks))
        if len(names) == 1:
            yield from _row(Status.SKIP, names[0], reason, style)
        else:
            said = "apply only after registration" if reason == AFTER_REGISTRATION else reason
            yield from _row(Status.SKIP, f"{len(names)} checks", f"{said}: {', '.join(names)}", style)


def _row(status: Status, head: str, text: str, style: Style) -> Iterator[str]:
    mark = style.paint(COLOURS[status])(MARKS[status])
    if style.width < NARROW:
        yield f"  {mark} {head}"
        yield from (f"      {line}" for line in fill(text, style.width - 6))
        return
    lines = fill(text, style.width - CHECK_WIDTH - 4)
    yield f"  {mark} {head:<{CHECK_WIDTH}}{lines[0]}"
    for line in lines[1:]:
        yield " " * (CHECK_WIDTH + 4) + line


def _folded(status: Status, rows: Sequence[Finding]) -> str:
    if status is Status.PASS and rows[0].check == REACH:
        return f"{len(rows)} endpoints answer (403 or 404 is expected without credentials)"
    if status is Status.PASS and rows[0].check == UPGRADE:
        return f"{len(rows)} endpoints answer the WebSocket upgrade"
    if status is Status.PASS:
        words = Counter(row.summary for row in rows).most_common()
        shown = "; ".join(f"{count} × {text}" if count > 1 else text for text, count in words[:FOLDED_WORDS])
        rest = sum(count for _, count in words[FOLDED_WORDS:])
        return shown + (f"; {rest} more" if rest else "")
    return f"{rows[0].summary}: {some([row.subject for row in rows], SUBJECTS_SHOWN)}"


def matrix(target: Target, style: Style) -> Iterator[str]:
    """Component by setting, where any component has a proxy: declared beside effective where the two differ."""
    rows = [row for f in target.findings if isinstance(row := f.evidence.get("matrix"), dict)]
    if not any(row.get("effective") or row.get("declared") for row in rows):
        return
    yield ""
    yield style.bold(f"  {'component':<12}{'setting':<13}value")
    for row in rows:
        yield from _settings(row)


def _settings(row: dict[str, Any]) -> Iterator[str]:
    declared, effective = row.get("declared", {}), row.get("effective", {})
    head = str(row.get("component", ""))
    for name in dict.fromkeys([*effective, *declared]) or ("HTTPS_PROXY",):
        value = effective.get(name, "not set")
        if name in declared and declared[name] != value:
            value += f"   (declared: {declared[name]}; restart the component)"
        yield f"  {head:<12}{name:<13}{value}"
        head = ""
    needed = row.get("needed", {}).get("NO_PROXY", "")
    if needed and effective:
        yield f"  {'':<12}{'needed':<13}NO_PROXY with {needed}"
