"""`anywhere taskdef convert`: the new definition alone to standard output, everything else beside it."""

from __future__ import annotations

import sys

from anywhere.cli.say import note
from anywhere.documents.edit import edit
from anywhere.documents.patch import PatchError, apply
from anywhere.errors import BadInput, ParseError
from anywhere.frozen import frozen
from anywhere.printable import json_text
from anywhere.taskdef.convert import Converted, convert
from anywhere.taskdef.draft import CHANGED, DECIDE, DROPPED
from anywhere.taskdef.rule import Mark
from anywhere.taskdef.source.cloudformation import as_api
from anywhere.taskdef.source.content import Definition
from anywhere.taskdef.source.load import Document
from anywhere.taskdef.source.parse import parse

SCHEMA = "anywhere/conversion/1"
ROOT = "(root)"
"""For people: the pointer of a complete document is an empty text (RFC 6901)."""
TITLES = {CHANGED: "Changed", DROPPED: "Dropped", DECIDE: "For you to decide"}


@frozen
class Wanted:
    """How to convert: `name` chooses one definition of several, `mode` is what awsvpc becomes, `role` the execution role
    for where one is missing, `family` the family to give; `bare` prints a template's definition alone."""

    name: str = ""
    mode: str = "bridge"
    role: str = ""
    family: str = ""
    os: str = ""
    bare: bool = False


def convert_file(file: str, wanted: Wanted, changes: str, output: str = "") -> int:
    """Convert one definition of a file; the exit code."""
    from anywhere.cli.output import write
    from anywhere.flows.documents import read_documents

    found = read_documents([file])
    if found.problems or not found.documents:
        raise BadInput(found.problems[0] if found.problems else f"{file}: holds no task definition")
    if len(found.documents) > 1:
        raise BadInput(f"{file}: convert takes one file, and this names {len(found.documents)}")
    document = found.documents[0]
    definition = _chosen(document, wanted.name)
    is_template = bool(definition.place.names) and definition.place.encode is not None
    if is_template and wanted.bare:
        definition = as_api(definition)
    result = convert(definition, wanted.os, wanted.mode, wanted.role, wanted.family)
    whole = is_template and not wanted.bare and definition.key
    shown = _in_place(document, definition, result) if whole else json_text(result.definition, 2) + "\n"
    listed = json_text(_as_dict(document, definition, result), 2) + "\n"
    if changes:
        write(listed, changes)
    else:
        note(_for_people(definition, result))
    _give(shown, output)
    return 1 if result.failing else 0


def _give(text: str, output: str) -> None:
    """Write the definition exactly to a file or pipe; only a terminal gets text that cannot steer it."""
    from anywhere.cli.output import write

    is_exact = output not in ("", "-") or not sys.stdout.isatty()
    write(text if is_exact else text.replace("\r\n", "\n"), output, exact=is_exact)


def _in_place(document: Document, definition: Definition, result: Converted) -> str:
    """The template's own text with nothing changed but this resource. Raises BadInput where aliases or merged keys would
    carry the change elsewhere."""
    base = definition.place.base
    operations = [{**operation, "path": base + str(operation["path"])} for operation in result.patch]
    parsed = document.parsed
    try:
        text = edit(parsed.text, parsed.is_json, operations)
        same = parse(text.encode(), document.name).value == apply(parsed.value, operations)
    except (PatchError, ParseError):
        same = False
    if not same:
        raise BadInput(
            f"{document.name}: {definition.name} cannot be changed in place (aliases or merged keys): use --bare"
        )
    return text


def _chosen(document: Document, name: str) -> Definition:
    definitions = document.content.definitions
    matching = [d for d in definitions if name in ("", d.name, d.family)]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(d.name for d in definitions)
    if not definitions:
        raise BadInput(f"{document.name}: holds no task definition to convert")
    raise BadInput(f"{document.name}: say which definition with --resource: {names}")


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


def _failing(mark: Mark) -> str:
    advice = "give it with --family NAME" if mark.summary == "family is missing" else mark.remedy
    where = mark.source if mark.source is not None else mark.node.pointer
    return f"  {where or ROOT}\n      {mark.summary}" + (f": {advice}" if advice else "")


def _for_people(definition: Definition, result: Converted) -> str:
    lines = [f"{definition.name}, for external instances"]
    for kind, title in TITLES.items():
        rows = [change for change in result.changes if change.kind == kind]
        lines += ["", f"{title}:", *(f"  {row.pointer or ROOT}\n      {row.text}" for row in rows)] if rows else []
    if result.failing:
        lines += ["", "Still failing:", *(_failing(mark) for mark in result.failing)]
    if result.diff:
        lines += ["", *result.diff.splitlines()]
    return "\n".join(lines) + "\n"
