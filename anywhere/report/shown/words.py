"""Marks, colors and words that the formats for people share."""

from __future__ import annotations

from collections.abc import Iterable

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.model import Cause, Finding, Status, Verdict

MARKS = {Status.PASS: "✓", Status.SKIP: "·", Status.WARN: "!", Status.ERROR: "?", Status.FAIL: "✗"}
WORDS = {
    Verdict.READY: "READY",
    Verdict.WARNINGS: "READY, WITH WARNINGS",
    Verdict.UNKNOWN: "NOT CHECKED COMPLETELY",
    Verdict.NOT_READY: "NOT READY",
}
COLOURS = {Status.PASS: "green", Status.SKIP: "dim", Status.WARN: "yellow", Status.ERROR: "magenta", Status.FAIL: "red"}
VERDICTS = {
    Verdict.READY: Status.PASS,
    Verdict.WARNINGS: Status.WARN,
    Verdict.UNKNOWN: Status.ERROR,
    Verdict.NOT_READY: Status.FAIL,
}


def count(number: int, noun: str) -> str:
    """`1 failure`, `2 failures`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def is_after_registration(finding: Finding) -> bool:
    """Whether a finding was not judged because registration itself installs what it looks at."""
    because = finding.evidence.get("because")
    return finding.status is Status.SKIP and AFTER_REGISTRATION in (finding.summary, because)


def counts(causes: Iterable[Cause], findings: Iterable[Finding]) -> str:
    """`1 failure, 1 warning, 31 passed, 14 after registration, 3 skipped`."""
    severities, rows = [cause.severity for cause in causes], list(findings)
    later = sum(map(is_after_registration, rows))
    parts = [
        (severities.count(Status.FAIL), count(severities.count(Status.FAIL), "failure")),
        (severities.count(Status.WARN), count(severities.count(Status.WARN), "warning")),
        *(
            (number, f"{number} {word}")
            for number, word in (
                (sum(f.status is Status.ERROR for f in rows), "not checked"),
                (sum(f.status is Status.PASS for f in rows), "passed"),
                (later, "after registration"),
                (sum(f.status is Status.SKIP for f in rows) - later, "skipped"),
            )
        ),
    ]
    return ", ".join(text for number, text in parts if number)
