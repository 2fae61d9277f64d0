"""The report for people. By default a host is its problems: what passed in a line a topic, the causes with the worst
last, the counts, the next step; all findings, or the verdict alone, on request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from textwrap import shorten

from anywhere.model import Report, Status, Target
from anywhere.report.fleet import table
from anywhere.report.shown import cause as block
from anywhere.report.shown.rows import all_rows, matrix, rows
from anywhere.report.shown.step import next_step
from anywhere.report.shown.words import COLOURS, MARKS, VERDICTS, WORDS, counts, is_after_registration
from anywhere.report.style import PLAIN, Style

ERRORS_SHOWN, LONGEST = 3, 120  # rows, characters
SCREEN = 30  # lines that a host may take, unless it has many causes
TOPIC_WIDTH = 12


class Detail(StrEnum):
    """How much is shown: the verdict and the codes, the problems, or every finding."""

    VERDICT = "verdict"
    PROBLEMS = "problems"
    ALL = "all"


def render(report: Report, style: Style = PLAIN, detail: Detail = Detail.PROBLEMS) -> str:
    """One block a target, the worst target last; of more than one host what they have in common."""
    order = sorted(report.targets, key=lambda target: list(VERDICTS).index(target.verdict))
    many = sum(target.kind == "host" for target in report.targets) > 1
    if detail is Detail.VERDICT:
        return "".join(f"{line}\n" for line in (table.codes(report, style) if many else _codes(order, style)))
    if not many:
        return "\n".join("\n".join(_target(target, style, detail)) for target in order) + "\n"
    every = [_body(target, style, detail) for target in order] if detail is Detail.ALL else []
    return "\n".join([*("\n".join([*lines, ""]) for lines in every), *table.lines(report, style)]) + "\n"


def _codes(order: list[Target], style: Style) -> Iterator[str]:
    for target in order:
        for cause in target.causes:
            yield f"{style.paint(COLOURS[cause.severity])(str(cause.severity).upper())} {cause.code}"
        yield _verdict(target, style)


def _target(target: Target, style: Style, detail: Detail) -> list[str]:
    end = [_verdict(target, style), f"Next: {next_step(target)}"]
    return [*_body(target, style, detail, len(end)), "", *end]


def _body(target: Target, style: Style, detail: Detail, left: int = 0) -> list[str]:
    """Without the verdict; as short as it must be for one screen, of which `left` lines are needed below."""
    head = [style.bold(target.name) + style.dim(f"   {facts_line(target)}"), ""]
    if detail is Detail.ALL:
        head += [*all_rows(target, style), *matrix(target, style)]
        return head + [line for cause in target.causes for line in ("", *block.lines(cause, target, style))]
    head += [*_topics(target, style), *_changes(target, style), *_open(target, style)]
    for length in (block.FULL, block.SHORT, block.SHORTEST):
        shown = [line for cause in target.causes for line in ("", *block.lines(cause, target, style, length))]
        if len(head) + len(shown) + 1 + left <= SCREEN:
            break
    return head + shown


def _topics(target: Target, style: Style) -> Iterator[str]:
    """What was checked, in a line a topic: the worst mark, and how many of each kind."""
    topics = dict.fromkeys(finding.check.partition(".")[0] for finding in target.findings)
    for topic in topics:
        found = [finding for finding in target.findings if finding.check.partition(".")[0] == topic]
        worst = max((finding.status for finding in found), key=lambda status: status.rank)
        later = sum(map(is_after_registration, found))
        kinds = [(status, sum(finding.status is status for finding in found)) for status in Status]
        words = {
            Status.PASS: "passed",
            Status.SKIP: "skipped",
            Status.WARN: "warned",
            Status.ERROR: "not checked",
            Status.FAIL: "failed",
        }
        numbers = [(number - later if status is Status.SKIP else number, words[status]) for status, number in kinds]
        numbers.insert(2, (later, "after registration"))
        if worst is Status.SKIP and not any(number for number, word in numbers if word == "skipped"):
            continue
        mark = style.paint(COLOURS[worst])(MARKS[worst])
        yield f"  {mark} {topic:<{TOPIC_WIDTH}}{', '.join(f'{number} {word}' for number, word in numbers if number)}"


def _changes(target: Target, style: Style) -> Iterator[str]:
    """What a configuration file changed about the verdict."""
    notes = target.facts.get("config")
    for note in notes if isinstance(notes, list | tuple) else ():
        yield style.dim(f"  · {'config':<{TOPIC_WIDTH}}{note}")


def _open(target: Target, style: Style) -> Iterator[str]:
    """What could not be checked and has no cause that says so."""
    named = {place for cause in target.causes for place in cause.findings}
    errors = [f for place, f in enumerate(target.findings) if f.status is Status.ERROR and place not in named]
    short = [replace(f, summary=shorten(f.summary, LONGEST, placeholder="...")) for f in errors[:ERRORS_SHOWN]]
    if errors:
        yield ""
        yield from rows(Status.ERROR, short, style)
    if len(errors) > ERRORS_SHOWN:
        yield style.dim(f"  and {len(errors) - ERRORS_SHOWN} more not checked: -v lists them")


def facts_line(target: Target) -> str:
    """The host in one line."""
    system = target.facts.get("os")
    name = system.get("name", "") if isinstance(system, dict) else ""
    parts = [str(part) for part in (name, target.facts.get("arch", ""), target.facts.get("kernel", "")) if part]
    if source := target.facts.get("region_source"):
        regions = target.facts.get("regions")
        parts.append(f"{', '.join(map(str, regions)) if isinstance(regions, list | tuple) else ''} (from {source})")
    return " · ".join([*parts, f"{target.seconds:.1f} s"])


def _verdict(target: Target, style: Style) -> str:
    words = WORDS[target.verdict] + (" (partial run)" if target.facts.get("partial") else "") + _unproven(target)
    found = counts(target.causes, target.findings)
    return style.paint(COLOURS[VERDICTS[target.verdict]])(style.bold(words)) + (f": {found}" if found else "")


def _unproven(target: Target) -> str:
    """What the verdict rests on where containers' packets were not sent: rules and routes that were read."""
    ways = [finding for finding in target.findings if finding.check == "containers.egress"]
    unproven = next((one for one in ways if one.evidence.get("proven") is False), None)
    if unproven is None:
        return ""
    return f" ({unproven.summary})" if unproven.status is Status.PASS else " (containers' way: not known)"
