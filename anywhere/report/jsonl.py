"""JSON lines: a target a line, as it would stand in the JSON report; of many hosts a last line sums them up."""

from __future__ import annotations

from anywhere.model import Report, Target
from anywhere.printable import json_text
from anywhere.report.fleet.view import as_dict
from anywhere.report.json import SCHEMA, target_dict


def render(report: Report) -> str:
    """All lines."""
    return "".join(line(target) for target in report.targets) + closing(report)


def line(target: Target) -> str:
    """One target with its newline."""
    return json_text({"schema": SCHEMA, **target_dict(target)}) + "\n"


def closing(report: Report) -> str:
    """The last line, empty for one target."""
    if len(report.targets) < 2:
        return ""
    return json_text({"schema": SCHEMA, "verdict": str(report.verdict), "fleet": as_dict(report)}) + "\n"
