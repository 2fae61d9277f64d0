"""`anywhere taskdef convert`: the new definition alone to standard output, everything else beside it."""

from __future__ import annotations

from anywhere.cli.say import note
from anywhere.errors import BadInput
from anywhere.printable import json_text
from anywhere.taskdef.convert import CHANGED, DECIDE, DROPPED, Converted, convert
from anywhere.taskdef.source.content import Definition
from anywhere.taskdef.source.load import Document

SCHEMA = "anywhere/conversion/1"
TITLES = {CHANGED: "Changed", DROPPED: "Dropped", DECIDE: "For you to decide"}


def convert_file(file: str, name: str, mode: str, role: str, os: str, changes: str) -> int:
    """Convert one definition of a file; the exit code."""
    from anywhere.cli.output import write
    from anywhere.flows.documents import read_documents

    found = read_documents([file])
    if found.problems or not found.documents:
        raise BadInput(found.problems[0] if found.problems else f"{file}: holds no task definition")
    if len(found.documents) > 1:
        raise BadInput(f"{file}: convert takes one file, and this names {len(found.documents)}")
    document = found.documents[0]
    definition = _chosen(document, name)
    result = convert(definition, os, mode, role)
    listed = json_text(_as_dict(document, definition, result), 2) + "\n"
    if changes:
        write(listed, changes)
    else:
        note(_for_people(definition, result))
    write(json_text(result.definition, 2) + "\n")
    return 1 if result.failing else 0


def _chosen(document: Document, name: str) -> Definition:
    definitions = document.content.definitions
    matching = [d for d in definitions if name in ("", d.name, d.family)]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(d.name for d in definitions)
    if not definitions:
        raise BadInput(f"{document.name}: holds no task definition to convert")
    raise BadInput(f"{document.name}: say which definition with --name: {names}")


def _as_dict(document: Document, definition: Definition, result: Converted) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "document": document.name,
        "definition": definition.name,
        "base": definition.place.base or definition.place.source(""),
        "changes": [{"kind": c.kind, "pointer": c.pointer, "text": c.text} for c in result.changes],
        "patch": list(result.patch),
        "diff": result.diff,
        "failing": [mark.summary for mark in result.failing],
    }


def _for_people(definition: Definition, result: Converted) -> str:
    lines = [f"{definition.name}, for external instances"]
    for kind, title in TITLES.items():
        rows = [change for change in result.changes if change.kind == kind]
        lines += ["", f"{title}:", *(f"  {row.pointer or '/'}\n      {row.text}" for row in rows)] if rows else []
    if result.failing:
        lines += ["", "Still failing:", *(f"  {mark.node.pointer}\n      {mark.summary}" for mark in result.failing)]
    if result.diff:
        lines += ["", *result.diff.splitlines()]
    return "\n".join(lines) + "\n"
