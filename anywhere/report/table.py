"""The report for people: what passed in one line a check, the worst last, then the one next command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from anywhere.catalogue.checks import CHECK, CHECK_TEXTS
from anywhere.model import Cause, Finding, Report, Status, Target, Verdict
from anywhere.report.fleet import table
from anywhere.report.fleet.view import is_registered
from anywhere.report.shown.commands import blocks, command_line, first_line
from anywhere.report.style import PLAIN, Style, fill

MARKS = {Status.PASS: "✓", Status.SKIP: "·", Status.WARN: "!", Status.ERROR: "?", Status.FAIL: "✗"}
WORDS = {
    Verdict.READY: "READY",
    Verdict.WARNINGS: "READY, WITH WARNINGS",
    Verdict.UNKNOWN: "COULD NOT JUDGE",
    Verdict.NOT_READY: "NOT READY",
}
COLOURS = {Status.PASS: "green", Status.SKIP: "dim", Status.WARN: "yellow", Status.ERROR: "magenta", Status.FAIL: "red"}
VERDICTS = {
    Verdict.READY: Status.PASS,
    Verdict.WARNINGS: Status.WARN,
    Verdict.UNKNOWN: Status.ERROR,
    Verdict.NOT_READY: Status.FAIL,
}
SUBJECTS_SHOWN = 6
FOLDED_WORDS = 3
BLOCKS = 2  # hosts that are shown whole
CHECK_WIDTH = 26


def render(report: Report, style: Style = PLAIN) -> str:
    """One block a target, the worst target last; of many hosts a line each, and what they have in common."""
    if sum(target.kind == "host" for target in report.targets) > BLOCKS:
        return "\n".join(table.lines(report, style)) + "\n"
    order = sorted(report.targets, key=lambda target: list(VERDICTS).index(target.verdict))
    return "\n".join("\n".join(_target(target, style)) for target in order) + "\n"


def _target(target: Target, style: Style) -> Iterator[str]:
    yield style.bold(f"{target.name}") + style.dim(f"   {facts_line(target)}")
    yield ""
    for status in Status:
        rows = [finding for finding in target.findings if finding.status is status]
        yield from _rows(status, rows, style)
    yield from _matrix(target, style)
    for cause in target.causes:
        yield ""
        yield from _cause(cause, style)
    yield ""
    yield from _verdict(target, style)


def _matrix(target: Target, style: Style) -> Iterator[str]:
    """Component by setting, where any component has a proxy: declared beside effective where the two differ."""
    rows = [matrix for f in target.findings if isinstance(matrix := f.evidence.get("matrix"), dict)]
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
            value += f"   (declared: {declared[name]}; restart it)"
        yield f"  {head:<12}{name:<13}{value}"
        head = ""
    needed = row.get("needed", {}).get("NO_PROXY", "")
    if needed and effective:
        yield f"  {'':<12}{'needed':<13}NO_PROXY with {needed}"


def facts_line(target: Target) -> str:
    """The host in one line."""
    system = target.facts.get("os")
    name = system.get("name", "") if isinstance(system, dict) else ""
    parts = [str(part) for part in (name, target.facts.get("arch", ""), target.facts.get("kernel", "")) if part]
    return " · ".join([*parts, f"{target.seconds:.1f} s"])


def _rows(status: Status, findings: Sequence[Finding], style: Style) -> Iterator[str]:
    """Passes are folded by check, skips by what they wait for; what needs a person is shown one by one."""
    if status is Status.SKIP:
        yield from _skips(findings, style)
        return
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.check, "" if status is Status.PASS else finding.summary), []).append(finding)
    for (check, _), rows in groups.items():
        text = rows[0].summary if len(rows) == 1 else _folded(status, rows)
        subject = f"{rows[0].subject}: " if len(rows) == 1 and rows[0].subject not in text else ""
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
            yield from _row(Status.SKIP, f"{len(names)} checks", f"{reason}: {', '.join(names)}", style)


def _row(status: Status, head: str, text: str, style: Style) -> Iterator[str]:
    mark = style.paint(COLOURS[status])(MARKS[status])
    lines = fill(text, style.width - CHECK_WIDTH - 4)
    yield f"  {mark} {head:<{CHECK_WIDTH}}{lines[0]}"
    for line in lines[1:]:
        yield " " * (CHECK_WIDTH + 4) + line


def _folded(status: Status, rows: Sequence[Finding]) -> str:
    if status is Status.PASS:
        words = Counter(row.summary for row in rows).most_common()
        shown = "; ".join(f"{count} × {text}" if count > 1 else text for text, count in words[:FOLDED_WORDS])
        rest = sum(count for _, count in words[FOLDED_WORDS:])
        return shown + (f"; {rest} more" if rest else "")
    subjects = [row.subject for row in rows]
    more = f" and {len(subjects) - SUBJECTS_SHOWN} more" if len(subjects) > SUBJECTS_SHOWN else ""
    return f"{rows[0].summary}: {', '.join(subjects[:SUBJECTS_SHOWN])}{more}"


def _cause(cause: Cause, style: Style) -> Iterator[str]:
    paint = style.paint(COLOURS[cause.severity])
    yield f"{paint(str(cause.severity).upper())}  {style.bold(cause.code)}"
    for line in fill(cause.summary, style.width - 6):
        yield f"      {line}"
    for line in fill(f"Mend: {cause.remedy.text}", style.width - 6):
        yield f"      {line}"
    for place, commands in blocks(cause.remedy):
        yield from [style.dim(f"      {place}:")] if place else []
        yield from (style.dim(f"      $ {command}") for command in commands)


def _verdict(target: Target, style: Style) -> Iterator[str]:
    status = VERDICTS[target.verdict]
    fails = [cause for cause in target.causes if cause.severity is Status.FAIL]
    warns = [cause for cause in target.causes if cause.severity is Status.WARN]
    counts = [f"{len(causes)} {word}" for causes, word in ((fails, "to mend"), (warns, "to look at")) if causes]
    words = WORDS[target.verdict] + (", as far as was judged" if target.facts.get("partial") else "")
    words += _unproven(target)
    yield style.paint(COLOURS[status])(style.bold(words)) + (f": {', '.join(counts)}" if counts else "")
    yield f"Next: {next_command(target)}"


def _unproven(target: Target) -> str:
    """What the verdict rests on where containers' packets were not sent: rules and routes that were read."""
    ways = [finding for finding in target.findings if finding.check == "containers.egress"]
    is_read = any(one.status is Status.PASS and one.evidence.get("proven") is False for one in ways)
    return f" ({ways[0].summary})" if is_read else ""


def next_command(target: Target) -> str:
    """The one thing to type now."""
    if target.causes:
        worst = target.causes[-1]
        return first_line(worst.remedy) if worst.remedy.commands else f"anywhere explain {worst.code}"
    errors = [finding for finding in target.findings if finding.status is Status.ERROR]
    if errors:
        return command_line(_look_again(target, errors[0].check))
    if target.kind == "document":
        return "nothing to change"
    again = command_line(_check(target))
    if target.facts.get("partial"):
        return again
    if is_registered(target) is None:
        return again if target.reach else f"sudo {again}"
    if is_registered(target):
        verify = command_line(("anywhere", "rules", "verify", *target.reach))
        return f"{verify}, and {again} from time to time"
    return f"register it with AWS's installer, then {again}"


def _look_again(target: Target, id: str) -> tuple[str, ...]:
    """The command that says more about what could not be judged."""
    row = CHECK_TEXTS.get(id)
    if row is None or row.asked_by != CHECK:
        return ("anywhere", "explain", id)
    return (*_check(target), "--only", id, "--format", "json")


def _check(target: Target) -> tuple[str, ...]:
    regions = target.facts.get("regions")
    known = regions if isinstance(regions, (list, tuple)) else ()
    return ("anywhere", "check", *(("--region", str(known[0])) if known else ()), *target.reach)
