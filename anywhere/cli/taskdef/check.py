"""Running the rules over files, and showing what they say."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from anywhere.cli.say import say
from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.model import Finding, Report, Status, Target
from anywhere.taskdef import RULES
from anywhere.taskdef.judge import UNREAD, Options, judge
from anywhere.wording import now

UNREADABLE = 2


@frozen
class Selection:
    """Which rules count. Raises BadInput for an unknown one when it is applied."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    demote: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises BadInput, with the near misses, for a rule that there is not."""
        known = [UNREAD, *(rule.id for rule in RULES)]
        for id in (*self.only, *self.skip, *self.demote):
            BadInput.require("rule", id, known)

    def apply(self, target: Target) -> Target:
        """The target with the findings that count."""
        kept = [f for f in target.findings if (not self.only or f.check in self.only) and f.check not in self.skip]
        return replace(target, findings=tuple(self._demoted(finding) for finding in kept))

    def _demoted(self, finding: Finding) -> Finding:
        if finding.status is not Status.FAIL or finding.check not in self.demote:
            return finding
        return replace(finding, status=Status.WARN, evidence={**finding.evidence, "demoted": True})


def judge_files(
    files: Sequence[str],
    options: Options,
    selection: Selection,
    ignore_others: bool,
    format: str,
    output: str,
    strict: bool,
    verbose: bool = False,
) -> int:
    """Check these files and show the report; the exit code. `verbose` keeps what could not be checked in SARIF."""
    from anywhere.flows.documents import read_documents

    selection.check()
    _renderer(format)
    found = read_documents(files, ignore_others)
    complain(found.problems)
    if not found.documents:
        return UNREADABLE if found.problems else 0
    targets = []
    began, started = time.monotonic(), now()
    for target in judge(found.documents, options):
        seconds, began = time.monotonic() - began, time.monotonic()
        targets.append(selection.apply(replace(target, started=started, seconds=round(seconds, 4))))
    report = Report(tuple(targets))
    code = UNREADABLE if found.problems else report.exit_code(strict)
    show_documents(report if verbose or format != "sarif" else _without_skips(report), format, output)
    return code


def _without_skips(report: Report) -> Report:
    """A code host shows each result as something to act on; what could not be checked is none."""
    kept = [replace(t, findings=tuple(f for f in t.findings if f.status is not Status.SKIP)) for t in report.targets]
    return replace(report, targets=tuple(kept))


def advise_files(files: Sequence[str], launch: str, os: str, format: str, output: str) -> int:
    """Show what each network mode means for the definitions of these files; the exit code."""
    from anywhere.cli.output import write
    from anywhere.flows.documents import read_documents
    from anywhere.report.modes import render as table
    from anywhere.report.shown.harmless import harmless
    from anywhere.report.style import PLAIN, style_for
    from anywhere.taskdef.modes import findings

    _renderer(format)
    found = read_documents(files)
    complain(found.problems)
    targets = [
        Target(
            document.name,
            "document",
            now(),
            findings=tuple(
                finding
                for definition in document.content.definitions
                for finding in findings(definition, launch, os, document.parsed.locator())
            ),
        )
        for document in found.documents
        if document.content.definitions
    ]
    if targets and format == "table":
        style = PLAIN if output else style_for(sys.stdout)
        write(table(harmless(Report(tuple(targets))), style), output, coloured=style.colour)
    elif targets:
        show_documents(Report(tuple(targets)), format, output)
    return UNREADABLE if found.problems else 0


def show_targets(targets: Sequence[Target], format: str, output: str) -> int:
    """Show checked targets; the exit code."""
    report = Report(tuple(replace(target, started=now()) for target in targets))
    show_documents(report, format, output)
    return report.exit_code()


def show_documents(report: Report, format: str, output: str = "") -> None:
    """Render a report on documents and write it."""
    from anywhere.cli.output import write

    if format == "table":
        from anywhere.report.documents import render
        from anywhere.report.shown.harmless import harmless
        from anywhere.report.style import PLAIN, style_for

        style = PLAIN if output else style_for(sys.stdout)
        write(render(harmless(report), style), output, coloured=style.colour)
        return
    write(_renderer(format)(report), output)


def _renderer(format: str) -> Callable[[Report], str]:
    from anywhere.report import renderer

    return renderer(format, {rule.id: rule for rule in RULES})


def complain(problems: Iterable[str]) -> None:
    """One line each on standard error."""
    for problem in problems:
        say(problem)
