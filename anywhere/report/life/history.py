"""The last changes that `anywhere watch` has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anywhere import __version__
from anywhere.printable import json_text, printable
from anywhere.redact import redact

SCHEMA = "anywhere/history/1"
SHOWN = 20


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """All that is kept, oldest first, without the snapshots."""
    changes = [{name: value for name, value in row.items() if name not in ("schema", "snapshot")} for row in rows]
    body = {"schema": SCHEMA, "tool": {"name": "anywhere", "version": __version__}, "changes": changes}
    return json_text(body, 2) + "\n"


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The last ones, the latest at the end."""
    if not rows:
        return "no change seen yet: `anywhere watch` keeps them\n"
    lines: list[str] = []
    for row in rows[-SHOWN:]:
        lines.append(
            f"{row.get('time', '')}  {row.get('host', '')}  {row.get('was') or 'start'} -> {row.get('verdict', '')}"
        )
        lines += [f"    {one.get('code', '')}: {one.get('summary', '')}" for one in row.get("causes", ())]
        lines += [f"    changed: {said}" for said in row.get("drift", ())]
    return "".join(f"{printable(redact(line))}\n" for line in lines)
