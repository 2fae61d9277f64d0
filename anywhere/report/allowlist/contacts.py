"""What a run would contact, as a table, JSON (schemas/contacts-1.json) and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields

from anywhere.declared.contacts import KINDS, Announced, Contact
from anywhere.printable import json_text, printable
from anywhere.report.allowlist.sheet import cell

SCHEMA = "anywhere/contacts/1"
COLUMNS = tuple(field.name for field in fields(Contact))
TITLES: Mapping[str, str] = {
    "login": "Logs in to",
    "question": "Asks (DNS)",
    "connection": "Connects to",
    "command": "Runs",
    "file": "Reads",
    "folder": "Lists",
}
WIDEST = 96  # columns of a target in the table


def as_json(plans: Sequence[Announced]) -> str:
    """For tools."""
    hosts = [
        {"host": one.host, "notes": list(one.notes), "contacts": [asdict(row) for row in one.rows]} for one in plans
    ]
    return json_text({"schema": SCHEMA, "hosts": hosts}, 2) + "\n"


def as_csv(plans: Sequence[Announced]) -> str:
    """For spreadsheets: one line a row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("host", *COLUMNS))
    for one in plans:
        for row in one.rows:
            writer.writerow(map(cell, (one.host, *(getattr(row, name) or "" for name in COLUMNS))))
    return out.getvalue()


def as_table(plans: Sequence[Announced]) -> str:
    """For people: the rows of each host by kind."""
    return "\n".join(_host(one) for one in plans)


def _host(one: Announced) -> str:
    lines = [f"{one.host}: what a check would do; nothing was contacted, nothing was started", *one.notes]
    for kind in KINDS:
        rows = [row for row in one.rows if row.kind == kind]
        if rows:
            lines += ["", f"{TITLES[kind]} ({len(rows)})"]
            lines += dict.fromkeys(f"  {printable(_row(row))}" for row in rows)
    return "\n".join(lines) + "\n"


def _row(row: Contact) -> str:
    target = row.target if len(row.target) <= WIDEST else row.target[: WIDEST - 3] + "..."
    port = f":{row.port}" if row.port else ""
    way = {
        "question": f" of {row.address}",
        "connection": f"{port} by {row.address}",
        "login": f" at {row.address}{port}",
    }
    who = f" ({row.who})" if row.who else ""
    end = "".join((f"; {row.why}" if row.why else "", f"; only if {row.when}" if row.when else ""))
    return f"{target}{way.get(row.kind, '')}{who}{end}"


FORMATS: Mapping[str, Callable[[Sequence[Announced]], str]] = {"table": as_table, "json": as_json, "csv": as_csv}
