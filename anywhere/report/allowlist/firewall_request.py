"""A firewall request with both ends, as a table, JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass

from anywhere.printable import json_text, printable
from anywhere.report.allowlist.sheet import cell

SCHEMA = "anywhere/firewall-request/1"
COLUMNS = ("source", "host", "name", "port", "way", "component", "phases", "needed", "reason", "fails")
TITLES = ("Source", "Host", "Destination", "Port", "Way", "Who connects", "When", "Needed", "Why", "Now")


def _rows(flows: Sequence[object]) -> list[dict[str, object]]:
    return [asdict(flow) for flow in flows if is_dataclass(flow) and not isinstance(flow, type)]


def as_csv(flows: Sequence[object]) -> str:
    """One line a flow, a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(flows):
        writer.writerow([cell(_text(row[name])) for name in COLUMNS])
    return out.getvalue()


def as_json(flows: Sequence[object]) -> str:
    """For tools."""
    return json_text({"schema": SCHEMA, "flows": _rows(flows)}, 2) + "\n"


def as_table(flows: Sequence[object]) -> str:
    """For people."""
    lines = [TITLES, *(tuple(printable(_text(row[name])) for name in COLUMNS) for row in _rows(flows))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(f"{word:{width}}" for word, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, (list, tuple)) else str(value)


FORMATS: Mapping[str, Callable[[Sequence[object]], str]] = {"table": as_table, "json": as_json, "csv": as_csv}
