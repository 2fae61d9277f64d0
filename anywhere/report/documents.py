"""Checked documents for people: where, what, how to fix it; the worst last, what passed in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.model import Finding, Report, Status, Target, Verdict
from anywhere.report.shown.commands import command_line
from anywhere.report.shown.words import COLOURS, MARKS, VERDICTS, WORDS, count
from anywhere.report.style import PLAIN, Style, fill
from anywhere.wording import some

PLACE_WIDTH, CHECK_WIDTH = 9, 31
STDIN = "stdin"
HOSTS = "hosts"  # the target of the hosts that definitions were placed on
SHOWN = (Status.SKIP, Status.WARN, Status.ERROR, Status.FAIL)


def render(report: Report, style: Style = PLAIN) -> str:
    """One block a document that has something to say, the worst last, then one line for all."""
    order = sorted(report.targets, key=lambda target: list(VERDICTS).index(target.verdict))
    quiet = [target for target in order if _is_quiet(target)]
    lines = [line for target in order if not _is_quiet(target) for line in _target(target, style)]
    if quiet:
        names = some([target.name for target in quiet], 6)
        lines += [*fill(f"{style.paint('green')('✓')} no problem in {names}", style.width), ""]
    return "\n".join([*lines, _total(report, style), *_next(order[-1:])]) + "\n"


def _next(worst: Sequence[Target]) -> Iterator[str]:
    """The command that fixes most of the worst document, where one can: converting what external instances refuse."""
    for target in worst:
        names = {f.subject.partition("/")[0]: None for f in target.findings if f.check.startswith("taskdef.")}
        failing = [f for f in target.findings if f.status is Status.FAIL and f.check.startswith("taskdef.")]
        if target.name != STDIN and any(f.evidence.get("launch_type") == "external" for f in failing):
            chosen = ("--name", failing[0].subject.partition("/")[0]) if len(names) > 1 else ()
            yield f"Next: {command_line(('anywhere', 'taskdef', 'convert', target.name, '--to', 'external', *chosen))}"


def _is_quiet(target: Target) -> bool:
    return all(f.status is Status.PASS and not f.evidence.get("note") for f in target.findings)


def _target(target: Target, style: Style) -> Iterator[str]:
    yield style.bold(target.name)
    passed = [f for f in target.findings if f.status is Status.PASS and not f.evidence.get("note")]
    for finding in target.findings:
        if finding.status is Status.PASS and finding.evidence.get("note"):
            yield from _finding(finding, style)
    if passed:
        yield f"  {style.paint('green')(MARKS[Status.PASS])} {len(passed)} passed"
    for status in SHOWN:
        for finding in sorted((f for f in target.findings if f.status is status), key=_place):
            yield from _finding(finding, style)
    yield ""


def _place(finding: Finding) -> tuple[int, int]:
    line, column = finding.evidence.get("line"), finding.evidence.get("column")
    return (line if isinstance(line, int) else 0, column if isinstance(column, int) else 0)


def _finding(finding: Finding, style: Style) -> Iterator[str]:
    line, column = _place(finding)
    place = f"{line}:{column}" if line else ""
    mark = style.paint(COLOURS[finding.status])(MARKS[finding.status])
    text = f"{finding.subject}: {finding.summary}"
    indent = " " * (PLACE_WIDTH + CHECK_WIDTH + 4)
    first, *rest = fill(text, style.width - len(indent))
    yield f"  {mark} {place:<{PLACE_WIDTH}}{finding.check:<{CHECK_WIDTH}}{first}"
    for more in rest:
        yield indent + more
    if finding.remedy:
        patch = "  [patch in --format json]" if finding.evidence.get("patch") else ""
        for more in fill(f"→ {finding.remedy.text}{patch}", style.width - len(indent)):
            yield style.dim(indent + more)


def _total(report: Report, style: Style) -> str:
    counts = {status: sum(f.status is status for t in report.targets for f in t.findings) for status in SHOWN}
    words = [
        count(counts[Status.FAIL], "failure"),
        count(counts[Status.WARN], "warning"),
        f"{counts[Status.SKIP]} not known",
    ]
    documents = sum(target.kind == "document" and target.name != HOSTS for target in report.targets)
    many = f"{documents} document" + ("s" if documents != 1 else "")
    verdict = report.verdict
    paint = style.paint(COLOURS[VERDICTS[verdict]])
    return paint(style.bold(WORDS[Verdict(verdict)])) + f": {many}, {', '.join(words)}"
