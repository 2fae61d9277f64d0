"""A pytest plugin: second tries for single tests, with a reason each, and failures that are known, with a date each."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

KNOWN_TROUBLE = Path(__file__).parent.parent / "known_trouble.toml"


@dataclass(frozen=True)
class Trouble:
    """A test that is known to fail: `test` is its id, the id without parameters for all of them, or a file."""

    test: str
    date: datetime.date
    reason: str


def known_trouble(text: str) -> tuple[Trouble, ...]:
    """The entries of the list. Raises UsageError when one lacks its test, date or reason."""
    found = []
    for entry in tomllib.loads(text).get("trouble", []):
        test, date, reason = (entry.get(key) for key in ("test", "date", "reason"))
        if not (test and isinstance(date, datetime.date) and reason):
            raise pytest.UsageError(f"known trouble needs test, date (YYYY-MM-DD, without quotes) and reason: {entry}")
        found.append(Trouble(test, date, reason))
    return tuple(found)


def mark(items: Iterable[pytest.Item], troubles: Sequence[Trouble]) -> None:
    """Put what pytest acts on where a test has a `second_try` or stands on the list."""
    by_test = {trouble.test: trouble for trouble in troubles}
    for item in items:
        for marker in item.iter_markers("second_try"):
            if not marker.kwargs.get("reason"):
                raise pytest.UsageError(f"{item.nodeid}: second_try needs a reason")
            item.add_marker(pytest.mark.flaky(reruns=1))
        names = (item.nodeid, item.nodeid.partition("[")[0], item.nodeid.partition("::")[0])
        known = next((by_test[name] for name in names if name in by_test), None)
        if known:
            item.add_marker(pytest.mark.xfail(reason=f"known since {known.date}: {known.reason}", strict=False))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "second_try(reason): waits for a kernel or a daemon; a failure is tried once more"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Read the list once and mark."""
    mark(items, known_trouble(KNOWN_TROUBLE.read_text() if KNOWN_TROUBLE.exists() else ""))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were tried twice, and which; and of each known trouble that failed, how."""
    tries: Mapping[str, list[pytest.TestReport]] = terminalreporter.stats
    for report in tries.get("xfailed", []):
        crash = getattr(report.longrepr, "reprcrash", None)
        terminalreporter.write_line(f"failed as known: {report.nodeid}: {crash.message if crash else report.longrepr}")
    names = sorted({report.nodeid for report in tries.get("rerun", [])})
    terminalreporter.write_line(f"tried twice: {len(names)}" + "".join(f"\n  {name}" for name in names))
