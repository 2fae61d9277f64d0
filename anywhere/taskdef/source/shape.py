"""Documents held against the tables of shapes: what differs, and the value that rules may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anywhere.documents.pointer import token
from anywhere.taskdef.shapes.faults import LOOSE, TYPE, UNKNOWN, Branches, Fault, Reading, faults, is_placeholder, sound
from anywhere.taskdef.shapes.table import API, CLOUDFORMATION, table
from anywhere.taskdef.source.node import BROKEN, Unknown

TO_REPLACE = frozenset(
    ("networkMode", "pidMode", "ipcMode", "cpu", "memory", "operatingSystemFamily", "cpuArchitecture", "logDriver")
)
"""Fields whose rules compare the value with a list or read a number."""
ADDED = "added"
"""The kind of a fault that is a field which describe-task-definition adds and register-task-definition refuses."""
READ_ONLY = (
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
)

Read = tuple[Any, tuple[Fault, ...]]


def read_api(value: Mapping[str, Any], kind: str, described: bool = False) -> Read:
    """A document of the ECS API; `described` for what a describe command printed, which has fields of its own."""
    shapes = table(API)
    root = shapes.root(kind)
    assert root is not None
    found = tuple(map(_read_only, faults(value, root, Reading(shapes, strict=not described))))
    return _open(sound(value, found, BROKEN)), found


def _open(value: Any) -> Any:
    """The document with the words that somebody will replace in these fields as what cannot be known yet."""
    if isinstance(value, list):
        return [_open(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _placeholder(item) if key[:1].lower() + key[1:] in TO_REPLACE else _open(item)
        for key, item in value.items()
    }


def _placeholder(value: Any) -> Any:
    is_open = isinstance(value, str) and is_placeholder(value)
    return Unknown(f"the placeholder {value}") if is_open else _open(value)


def _read_only(fault: Fault) -> Fault:
    name = fault.pointer[1:]
    if fault.kind != UNKNOWN or name not in READ_ONLY:
        return fault
    text = f"{name} is added by describe-task-definition: register-task-definition refuses it"
    return replace(fault, kind=ADDED, text=text, advice="take it out", fix=("remove",))


def read_properties(properties: object, kind: str, branches: Branches) -> Read:
    """The properties of a CloudFormation resource. Numbers, flags and text stand for each other there."""
    shapes = table(CLOUDFORMATION)
    root = shapes.root(kind)
    assert root is not None
    found = tuple(faults(properties, root, Reading(shapes, coerce=True, branches=branches)))
    return _open(sound(properties, found, BROKEN)), found


def read_generated(value: Any, kind: str) -> Read:
    """A document that Terraform made: its provider has checked all but the containers, which are the author's JSON."""
    shapes = table(API)
    root = shapes.root(kind)
    assert root is not None
    found = tuple(faults(value, root, Reading(shapes, coerce=True, strict=False)))
    named = tuple(fault for fault in found if fault.pointer.startswith(token("containerDefinitions") + "/"))
    return _open(sound(value, found, BROKEN)), tuple(fault for fault in named if fault.kind in (TYPE, LOOSE))
