"""The report on many hosts for people: a line a host, then the causes and their hosts, then the counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.model import Report, Target, Verdict
from anywhere.report.fleet.together import of_all
from anywhere.report.fleet.view import Group, Outlier, groups, is_registered, outliers, verdicts
from anywhere.report.shown.cause import remedy_lines
from anywhere.report.shown.commands import command_line, first_step
from anywhere.report.shown.step import registering
from anywhere.report.shown.words import COLOURS
from anywhere.report.shown.words import VERDICTS as STATUS
from anywhere.report.style import Style, fill
from anywhere.wording import some

WORDS = {
    Verdict.READY: "ready",
    Verdict.WARNINGS: "warnings",
    Verdict.UNKNOWN: "not checked",
    Verdict.NOT_READY: "not ready",
}
READY_SHOWN = 40  # more hosts that are ready are only counted
HOSTS_SHOWN = 8


def lines(report: Report, style: Style) -> Iterator[str]:
    """All lines; the worst hosts last and the gravest cause last, then the counts and the next step."""
    yield from _hosts(report.targets, style)
    for group in reversed(groups(report)):
        yield ""
        yield from _cause(group, style)
    rows = outliers(report)
    if rows:
        yield ""
        yield style.bold("Unlike the rest")
        for one in rows:
            yield from _outlier(one, style)
    yield ""
    yield _counts(report, style)
    yield from _next(report, style)


def codes(report: Report, style: Style) -> Iterator[str]:
    """The causes' codes with the number of hosts, then the counts."""
    for group in reversed(groups(report)):
        severity = style.paint(COLOURS[group.severity])(str(group.severity).upper())
        yield f"{severity} {group.code} ({len(group.hosts)} of {group.of})"
    yield _counts(report, style)


def _hosts(targets: Sequence[Target], style: Style) -> Iterator[str]:
    ready = [target for target in targets if target.verdict is Verdict.READY]
    shown = [target for target in targets if target.verdict is not Verdict.READY or len(ready) <= READY_SHOWN]
    width = min(40, max((len(target.name) for target in shown), default=10))
    if len(shown) < len(targets):
        yield style.dim(f"  {len(targets) - len(shown)} hosts are ready")
    for target in sorted(shown, key=lambda target: list(WORDS).index(target.verdict)):
        status = STATUS[target.verdict]
        word = style.paint(COLOURS[status])(f"{WORDS[target.verdict]:<10}")
        head = f"  {target.name:<{width}}  {word}  {target.seconds:5.1f} s"
        first, *rest = fill(", ".join(cause.code for cause in target.causes), style.width - width - 24)
        yield f"{head}  {first}".rstrip()
        yield from (" " * (width + 24) + line for line in rest)


def _cause(group: Group, style: Style) -> Iterator[str]:
    paint = style.paint(COLOURS[group.severity])
    count = f"{len(group.hosts)} of {group.of}"
    yield f"{paint(str(group.severity).upper())}  {style.bold(f'{count}: {group.code}')}"
    for line in fill(group.text, style.width - 6):
        yield f"      {line}"
    for line in fill(f"On {some(group.hosts, HOSTS_SHOWN)}", style.width - 6):
        yield style.dim(f"      {line}")
    yield from remedy_lines(group.remedy, style)


def _outlier(one: Outlier, style: Style) -> Iterator[str]:
    text = f"{one.fact} {one.value} (elsewhere {one.usual}): {some(one.hosts, HOSTS_SHOWN)}"
    for number, line in enumerate(fill(text, style.width - 4)):
        yield ("  ~ " if not number else "    ") + line


def _counts(report: Report, style: Style) -> str:
    counted = verdicts(report)
    parts = [
        style.paint(COLOURS[STATUS[verdict]])(f"{count} {WORDS[verdict]}")
        for verdict, count in reversed(counted.items())
    ]
    return style.bold(f"{len(report.targets)} hosts: ") + ", ".join(parts)


def _next(report: Report, style: Style) -> Iterator[str]:
    found = groups(report)
    if not found:
        yield f"Next: {_when_ready(report.targets)}"
        return
    yield style.dim("Every host in detail: the same command with --output fleet.html")
    yield f"Next: {first_step(found[0].remedy)}"


def _when_ready(targets: Sequence[Target]) -> str:
    """What comes after hosts without a cause: registering those that surely are not registered."""
    states = {target.name: is_registered(target) for target in targets}
    unregistered = [target for target in targets if states[target.name] is False]
    if unregistered:
        return command_line(registering(unregistered[0], of_all([target.reach for target in unregistered])))
    return command_line(("anywhere", "rules", "verify", *of_all([target.reach for target in targets])))
