"""Markdown for a ticket: the verdict, the causes with their fixes and hosts, and what differs from the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anywhere.model import Report, Status, Verdict
from anywhere.report.fleet.view import Group, groups, outliers, problems, verdicts
from anywhere.report.shown.commands import looks, prose, script_lines
from anywhere.wording import some

WORDS = {
    Verdict.READY: "ready",
    Verdict.WARNINGS: "ready, with warnings",
    Verdict.UNKNOWN: "not checked completely",
    Verdict.NOT_READY: "not ready",
}
MARKS = {Status.FAIL: "fail", Status.WARN: "warn", Status.ERROR: "not checked"}
HOSTS_SHOWN, SUBJECTS_SHOWN, ROWS_SHOWN = 10, 8, 50
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&])")
_OPENS_A_BLOCK = re.compile(r"\A(\d{0,9})([-+=.)])")
_TICKS = re.compile("`+")


def render(report: Report) -> str:
    """The complete text, in GitHub's flavor."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    one = report.targets[0].name if len(report.targets) == 1 else f"{len(report.targets)} hosts"
    yield f"# {_text(one)}: {WORDS[report.verdict]}"
    yield ""
    if len(report.targets) > 1:
        yield ", ".join(f"{count} {WORDS[verdict]}" for verdict, count in reversed(verdicts(report).items())) + "."
        yield ""
    found = groups(report)
    if not found:
        yield from _alone(report) if problems(report) else ("No failures and no warnings.",)
        return
    yield from _table(found, len(report.targets))
    for group in found:
        yield from _group(report, group)
    yield from _outliers(report)
    yield from _hosts(report)


def _alone(report: Report) -> Iterator[str]:
    """Findings on documents stand for themselves: no cause explains them."""
    yield "| where | rule | severity | what | fix |"
    yield "|---|---|---|---|---|"
    for name, one in problems(report):
        place = ":".join(str(one.evidence[key]) for key in ("line", "column") if key in one.evidence)
        where, fix = f"{name}:{place}" if place else name, one.remedy.text if one.remedy else ""
        yield f"| {_text(where)} | {_cell(one.check)} | {MARKS[one.status]} | {_text(one.summary)} | {_text(fix)} |"


def _table(found: Sequence[Group], of: int) -> Iterator[str]:
    yield "| cause | severity |" + (" hosts |" if of > 1 else "") + " what |"
    yield "|---|---|" + ("---|" if of > 1 else "") + "---|"
    for group in found:
        hosts = f" {len(group.hosts)} of {of} |" if of > 1 else ""
        yield f"| {_cell(group.code)} | {MARKS[group.severity]} |{hosts} {_text(group.text)} |"


def _group(report: Report, group: Group) -> Iterator[str]:
    yield ""
    yield f"## {_code(group.code)}"
    yield ""
    yield _text(group.text) + ("" if group.text.endswith(".") else ".")
    if len(report.targets) > 1:
        yield f"On {some([_text(name) for name in group.hosts], HOSTS_SHOWN)}."
    subjects = [s for t in report.targets for c in t.causes if c.code == group.code for s in c.subjects]
    yield f"Seen at {some([_text(name) for name in dict.fromkeys(subjects)], SUBJECTS_SHOWN)}."
    yield ""
    yield f"**Fix:** {_sentences(prose(group.remedy.text))}"
    if group.remedy.commands:
        yield ""
        lines = script_lines(group.remedy)
        fence = _fence(lines)
        yield f"{fence}sh"
        yield from lines
        yield fence
    if group.remedy.ask:
        yield ""
        yield f"**Request:** {_sentences(prose(group.remedy.ask))}"
    if found := list(looks(group.remedy)):
        yield ""
        yield f"To look closer: {', '.join(map(_code, found))}"


def _outliers(report: Report) -> Iterator[str]:
    rows = outliers(report)
    if not rows:
        return
    yield ""
    yield "## Unlike the rest"
    yield ""
    yield "| | here | elsewhere | hosts |"
    yield "|---|---|---|---|"
    for one in rows:
        hosts = some([_text(name) for name in one.hosts], HOSTS_SHOWN)
        yield f"| {_text(one.fact)} | {_text(one.value)} | {_text(one.usual)} | {hosts} |"


def _hosts(report: Report) -> Iterator[str]:
    rows = [target for target in report.targets if target.verdict is not Verdict.READY]
    if len(report.targets) < 2 or not rows:
        return
    yield ""
    yield "## Hosts"
    yield ""
    yield "| host | verdict | causes |"
    yield "|---|---|---|"
    for target in rows[:ROWS_SHOWN]:
        codes = ", ".join(_cell(cause.code) for cause in target.causes)
        yield f"| {_text(target.name)} | {WORDS[target.verdict]} | {codes} |"
    if len(rows) > ROWS_SHOWN:
        yield ""
        yield f"And {len(rows) - ROWS_SHOWN} more."


def _text(text: str) -> str:
    return _OPENS_A_BLOCK.sub(r"\1\\\2", _escaped(" ".join(text.split())))


def _escaped(plain: str) -> str:
    return _SPECIAL.sub(r"\\\1", plain)


def _sentences(text: str) -> str:
    """A text whose commands are code, so that they can be copied; where backticks do not pair, all of it is text."""
    pieces = " ".join(text.split()).split("`")
    if len(pieces) % 2 == 0 or not all(piece.strip() for piece in pieces[1::2]):
        return _text(text)
    return "".join(_code(piece) if place % 2 else _escaped(piece) for place, piece in enumerate(pieces))


def _code(text: str) -> str:
    """A code span; the fence is longer than what the text holds (CommonMark, section 6.1)."""
    plain = " ".join(text.split())
    fence = "`" * (max(map(len, _TICKS.findall(plain)), default=0) + 1)
    return f"{fence} {plain} {fence}" if "`" in plain else f"`{plain}`"


def _cell(code: str) -> str:
    """A code span in a table, where a bar would end the cell (GitHub Flavored Markdown, section 4.10)."""
    return _code(code).replace("|", "\\|")


def _fence(lines: Sequence[str]) -> str:
    return "`" * max(3, *(len(ticks) + 1 for line in lines for ticks in _TICKS.findall(line)), 0)
