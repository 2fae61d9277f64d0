"""JSON patches (RFC 6902): made by rules, applied by `convert` and by tests."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from anywhere.documents.pointer import tokens

Operation = Mapping[str, object]


class PatchError(ValueError):
    """An operation that does not fit the document."""


def apply(document: object, operations: Iterable[Operation]) -> object:
    """The document after these operations (add, remove, replace, test); the document given stays as it was.

    Raises PatchError where an operation does not fit.
    """
    root = {"": copy.deepcopy(document)}
    for operation in operations:
        path = ["", *tokens(str(operation["path"]))]
        parent: object = root
        for part in path[:-1]:
            parent = _member(parent, part)
        _act(parent, path[-1], operation)
    return root[""]


def _act(parent: Any, key: str, operation: Operation) -> None:
    kind = operation["op"]
    if kind == "add":
        _add(parent, key, operation["value"])
        return
    found = _member(parent, key)
    if kind == "remove":
        del parent[_index(parent, key)]
    elif kind == "replace":
        parent[_index(parent, key)] = copy.deepcopy(operation["value"])
    elif kind != "test":
        raise PatchError(f"unknown operation {kind}")
    elif found != operation["value"]:
        raise PatchError(f"{operation['path']} is not what the test expects")


def _add(parent: object, key: str, value: object) -> None:
    if isinstance(parent, list):
        position = len(parent) if key == "-" else int(key)
        if position > len(parent):
            raise PatchError(f"no position {key}")
        parent.insert(position, copy.deepcopy(value))
    elif isinstance(parent, dict):
        parent[key] = copy.deepcopy(value)
    else:
        raise PatchError(f"nothing can be added under {key}")


def _member(parent: Any, key: str) -> Any:
    try:
        return parent[_index(parent, key)]
    except (KeyError, IndexError, TypeError, ValueError):
        raise PatchError(f"no member {key}") from None


def _index(parent: object, key: str) -> object:
    return int(key) if isinstance(parent, list) else key
