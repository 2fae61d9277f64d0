"""A definition while it is converted: its value, the operations so far, and what they were for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from anywhere.documents.patch import apply
from anywhere.documents.pointer import tokens
from anywhere.frozen import frozen
from anywhere.taskdef.rule import EXTERNAL, Case, Edit
from anywhere.taskdef.source import cloudformation
from anywhere.taskdef.source.content import Definition, Place
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.source.shape import read_api

CHANGED, DROPPED, DECIDE = "changed", "dropped", "decide"


@frozen
class Change:
    """One thing that is different, or that a person must settle. `pointer` is in the new definition's notation."""

    kind: str
    pointer: str
    text: str


@dataclass
class Draft:
    """The definition as it is so far, in its own notation with its own root as pointer root."""

    raw: object
    is_template: bool
    os: str
    patch: list[dict[str, object]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def definition(self) -> Definition:
        if self.is_template:
            return cloudformation.read_definition(self.raw, "", "")
        assert isinstance(self.raw, dict)
        read, found = read_api(self.raw, "task-definition")
        return Definition("definition", Node(read), Place(), faults=found)

    def case(self) -> Case:
        return Case(EXTERNAL, self.definition(), None, self.os)

    def edit(self, kind: str, text: str, *edits: Edit) -> None:
        """Apply edits and remember what for."""
        self.apply(kind, text, self.definition().place.patch(edits))

    def apply(self, kind: str, text: str, operations: Sequence[dict[str, Any]]) -> None:
        """Apply operations in the definition's own notation and remember what for."""
        self.raw = apply(self.raw, operations)
        self.patch += operations
        self.changes.append(Change(kind, operations[0]["path"], text))

    def written(self, node: Node) -> str:
        """A value as the document writes it: intrinsics as JSON."""
        found: Any = self.raw
        for key in tokens(self.definition().place.source(node.pointer)):
            found = found[int(key)] if isinstance(found, list) else found.get(key)
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return ", ".join(found)
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    def undecided(self, found: Sequence[tuple[str, Node, str]]) -> None:
        """List what rules could not check: title of the rule, node, why. What hangs on one unknown value is one entry."""
        definition = self.definition()
        grouped: dict[tuple[str, str], dict[str, None]] = {}
        for title, node, why in found:
            outer = definition.node.unknown_above(node.pointer)
            key = (outer.pointer, f"not known before deployment: {outer.raw.why}") if outer else (node.pointer, why)
            grouped.setdefault(key, {})[title] = None
        said = {change.pointer for change in self.changes if "not known before deployment" in change.text}
        for (pointer, why), titles in grouped.items():
            what = "".join(titles) if len(titles) == 1 else f"{len(titles)} rules"
            if (place := definition.place.source(pointer)) not in said:
                self.changes.append(Change(DECIDE, place, f"not checked ({what}): {why}"))

    def decide(self, node: Node, text: str) -> None:
        self.changes.append(Change(DECIDE, self.definition().place.source(node.pointer), text))
