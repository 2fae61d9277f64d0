"""The tables of shapes, loaded once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from importlib.resources import files

from anywhere.frozen import frozen

API, CLOUDFORMATION = "api", "cloudformation"
SCALARS = ("string", "integer", "long", "double", "float", "boolean", "document")
# Classes of Unicode that Python's expressions spell differently: letters and numbers, and separators, which are neither tabs
# nor ends of lines.
_SEPARATORS = " \\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_CLASSES = (("\\p{L}", "\\w"), ("\\p{N}", "\\d"), ("\\p{Z}", _SEPARATORS))


@frozen
class Shape:
    """One shape. `kind` is `structure`, `list`, `map`, `document` or a scalar's type.

    `fields` are a structure's, `one` says that exactly one of them is given; `item` is the shape of a list's or map's
    members; `least` and `most` bound a number, or the length of a text or list.
    """

    name: str
    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    one: bool = False
    item: str = ""
    enum: tuple[object, ...] = ()
    least: float | None = None
    most: float | None = None
    pattern: re.Pattern[str] | None = None

    @property
    def title(self) -> str:
        """The name for people: without the resource that CloudFormation's begin with."""
        return self.name.rpartition(".")[2].removesuffix("Request")


@frozen
class Table:
    """All shapes of a notation; `roots` by kind of document, `source` names version and origin."""

    source: str
    roots: Mapping[str, str]
    shapes: Mapping[str, Shape]

    def root(self, kind: str) -> Shape | None:
        """The shape of a document, None for a kind that the notation does not have."""
        name = self.roots.get(kind)
        return self.shapes[name] if name else None


@cache
def table(notation: str) -> Table:
    """The table of `api` or `cloudformation`."""
    found = json.loads((files("anywhere.taskdef.shapes") / "data" / f"{notation}.json").read_text())
    shapes = {name: Shape(name, name) for name in SCALARS}
    shapes |= {name: _shape(name, row) for name, row in found["shapes"].items()}
    return Table(found["source"], found["roots"], shapes)


def _shape(name: str, row: Mapping[str, object]) -> Shape:
    kind = next((ours for key, ours in (("fields", "structure"), ("list", "list"), ("map", "map")) if key in row), "")
    fields, required, enum = row.get("fields", {}), row.get("required", ()), row.get("enum", ())
    least, most, pattern = row.get("min"), row.get("max"), row.get("pattern")
    return Shape(
        name,
        kind or str(row["is"]),
        fields if isinstance(fields, dict) else {},
        tuple(required) if isinstance(required, list) else (),
        bool(row.get("one")),
        str(row.get("list") or row.get("map") or ""),
        tuple(enum) if isinstance(enum, list) else (),
        least if isinstance(least, (int, float)) else None,
        most if isinstance(most, (int, float)) else None,
        _pattern(pattern) if isinstance(pattern, str) else None,
    )


def _pattern(text: str) -> re.Pattern[str]:
    for theirs, ours in _CLASSES:
        text = text.replace(theirs, ours)
    return re.compile(text)
