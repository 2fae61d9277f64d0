"""Documents held against the tables of shapes: what differs, and the value that rules may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from anywhere.documents.pointer import token
from anywhere.taskdef.shapes.faults import LOOSE, TYPE, UNKNOWN, Branches, Fault, Reading, faults, is_placeholder, sound
from anywhere.taskdef.shapes.table import API, CLOUDFORMATION, table
from anywhere.taskdef.source.content import FREE_MAPS
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
    return _opened(sound(value, found, BROKEN)), found


def _opened(value: Any) -> Any:
    """The document with Unknown in the place of placeholders, in the fields of TO_REPLACE."""
    if isinstance(value, list):
        return [_opened(item) for item in value]
    return {key: _field(key, item) for key, item in value.items()} if isinstance(value, dict) else value


def _field(key: str, value: Any) -> Any:
    name = key[:1].lower() + key[1:]  # CloudFormation begins names with a capital letter
    if name in TO_REPLACE and isinstance(value, str) and is_placeholder(value):
        return Unknown(f"the placeholder {value}")
    return value if name in FREE_MAPS else _opened(value)


def _read_only(fault: Fault) -> Fault:
    name = fault.pointer[1:]
    if fault.kind != UNKNOWN or name not in READ_ONLY:
        return fault
    text = f"{name} is added by describe-task-definition: register-task-definition refuses it"
    return replace(fault, kind=ADDED, text=text, advice="take it out", fix=("remove",))


def read_properties(properties: object, kind: str, branches: Branches, sure: Callable[[object], bool]) -> Read:
    """The properties of a CloudFormation resource. Numbers, flags and text stand for each other there."""
    shapes = table(CLOUDFORMATION)
    root = shapes.root(kind)
    assert root is not None
    found = tuple(faults(properties, root, Reading(shapes, coerce=True, branches=branches, sure=sure)))
    return _opened(sound(properties, found, BROKEN)), found


def read_generated(value: Any, kind: str) -> Read:
    """A document that Terraform made: its provider has checked all but the containers, which are the author's JSON. What
    looks like a placeholder there is what will be registered."""
    shapes = table(API)
    root = shapes.root(kind)
    assert root is not None
    found = tuple(faults(value, root, Reading(shapes, coerce=True, strict=False)))
    named = tuple(fault for fault in found if fault.pointer.startswith(token("containerDefinitions") + "/"))
    return sound(value, found, BROKEN), tuple(fault for fault in named if fault.kind in (TYPE, LOOSE))
