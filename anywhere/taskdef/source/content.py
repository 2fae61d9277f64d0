"""A file's content in ECS terms: the definitions, services and run requests in it, by the names of the ECS API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any

from anywhere.documents.pointer import token, tokens
from anywhere.frozen import frozen
from anywhere.taskdef.shapes.faults import Fault
from anywhere.taskdef.source.node import Node, Unknown

# Objects whose keys are data, and keep their spelling in every notation.
FREE_MAPS = frozenset({"options", "driverOpts", "labels", "dockerLabels"})


@frozen
class Place:
    """Where a canonical value stands in its document.

    `base` is the pointer of its root; `names` maps canonical pointers to source pointers where the names differ;
    `encode` turns a canonical key into the document's own (None where the document is generated, so that a patch to it
    would fix nothing); `is_there` is whether the document has something at the root.
    """

    base: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    encode: Callable[[str], str] | None = str
    is_there: bool = True

    def source(self, pointer: str) -> str:
        """The document's pointer for a canonical one, or for its nearest ancestor in a generated document."""
        if not self.names:
            return self.base + pointer
        missing: list[str] = []
        while pointer and pointer not in self.names:
            pointer, _, last = pointer.rpartition("/")
            missing.insert(0, last)
        found = self.names.get(pointer, self.base)
        if self.encode is None:
            return found
        parent = pointer.rpartition("/")[2]
        for key in tokens("/" + "/".join(missing)) if missing else ():
            found += token(key if parent in FREE_MAPS else self.encode(key))
            parent = key
        return found

    def value(self, value: object) -> object:
        """A canonical value in the document's own names."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict) and self.encode is not None:
            encode = self.encode
            return {encode(key): item if key in FREE_MAPS else self.value(item) for key, item in value.items()}
        return value

    def patch(self, edits: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Canonical edits as an RFC 6902 patch of the document; empty for a generated one."""
        if self.encode is None:
            return []
        root: list[dict[str, Any]] = [] if self.is_there else [{"op": "add", "path": self.base, "value": {}}]
        return root + [
            {"op": edit[0], "path": self.source(edit[1])} | ({"value": self.value(edit[2])} if len(edit) > 2 else {})
            for edit in edits
        ]


@frozen
class Definition:
    """One task definition. `key` is how services of the same document point to it (a CloudFormation logical id, a
    Terraform address), `name` how people know it, `origin` the value as a template writes it; `faults` is what differs
    from its shape, with pointers in the document's own names below `place.base`; `outer` the template's resources."""

    name: str
    node: Node
    place: Place
    key: str = ""
    services: tuple[Service, ...] = ()
    origin: object = None
    faults: tuple[Fault, ...] = ()
    outer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The family, or nothing where it cannot be known."""
        raw = self.node.at("family").raw
        return raw if isinstance(raw, str) else ""


@frozen
class Service:
    """One service, task set or run request. `kind` is `service`, `task-set` or `run`; `definition` what it runs, where
    that is in the same run of the tool; `resources` the template around it, for what it refers to; `fields` are those that
    its request has (none: not known)."""

    name: str
    kind: str
    node: Node
    place: Place
    target: str = ""
    definition: Definition | None = None
    resources: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    fields: frozenset[str] = frozenset()

    def takes(self, name: str) -> bool:
        """Whether the request has this field: one that changes a service lacks some of those that create it."""
        return not self.fields or name in self.fields


@frozen
class Content:
    """What a document holds. `unread` names what was seen and cannot be known: pointer and why."""

    definitions: tuple[Definition, ...] = ()
    services: tuple[Service, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to judge."""
        return not (self.definitions or self.services or self.unread)


def name_of(node: Node, key: str, fallback: str) -> str:
    """The name under a key where it is known, else the fallback."""
    raw = node.at(key).raw
    if isinstance(raw, Unknown) or raw in (None, ""):
        return fallback
    return str(raw)
