"""The output formats: each a pure function of the report, in its own file, imported when asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from anywhere.errors import BadInput, did_you_mean
from anywhere.model import Report

FORMATS = {
    "table": "anywhere.report.table",
    "json": "anywhere.report.json",
    "jsonl": "anywhere.report.jsonl",
    "tap": "anywhere.report.ci.tap",
    "prometheus": "anywhere.report.prometheus",
    "markdown": "anywhere.report.markdown",
    "html": "anywhere.report.page.html",
    "junit": "anywhere.report.ci.junit",
    "sarif": "anywhere.report.ci.sarif",
}
FOR_PROGRAMS = frozenset({"json", "jsonl"})  # values exact, what is harmful as escapes


def renderer(name: str) -> Callable[[Report], str]:
    """The function that writes a format, harmless to show. Raises BadInput with the near misses for an unknown one."""
    if name not in FORMATS:
        hint = did_you_mean(name, FORMATS, f"formats are {', '.join(FORMATS)}")
        raise BadInput(f"there is no format {name!r}: {hint}")
    render: Callable[[Report], str] = import_module(FORMATS[name]).render
    if name in FOR_PROGRAMS:
        return render
    from anywhere.report.harmless import harmless

    return lambda report: render(harmless(report))
