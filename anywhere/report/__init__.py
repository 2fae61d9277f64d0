"""The output formats: each a pure function of the report, in its own file, imported when asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from anywhere.errors import BadInput
from anywhere.model import Report

if TYPE_CHECKING:
    from anywhere.report.sarif import Rules

FORMATS = {
    "table": "anywhere.report.table",
    "json": "anywhere.report.json",
    "jsonl": "anywhere.report.jsonl",
    "tap": "anywhere.report.tap",
    "prometheus": "anywhere.report.prometheus",
    "markdown": "anywhere.report.markdown",
    "html": "anywhere.report.page.html",
    "junit": "anywhere.report.junit",
    "sarif": "anywhere.report.sarif",
}
FOR_PROGRAMS = frozenset({"json", "jsonl"})  # values exact, what is harmful as escapes


def renderer(name: str, rules: Rules | None = None) -> Callable[[Report], str]:
    """The function that writes a format, harmless to show; SARIF explains the `rules`, by id.

    Raises BadInput with the near misses for an unknown one.
    """
    BadInput.require("format", name, FORMATS)
    render: Callable[..., str] = import_module(FORMATS[name]).render
    if name in FOR_PROGRAMS:
        return render
    from anywhere.report.shown.harmless import harmless

    more = {"rules": rules} if name == "sarif" and rules else {}
    return lambda report: render(harmless(report), **more)
