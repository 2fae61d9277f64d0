"""Rules on what a request to run tasks overrides: the definition with the overrides in place is held against the rules on
definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from anywhere.model import Status
from anywhere.taskdef.rule import EVERY, Case, Mark, Rule, marks, rule
from anywhere.taskdef.rules import environment, limits, names, platform, roles, size, sources
from anywhere.taskdef.source.content import Definition, Place
from anywhere.taskdef.source.node import Node, Unknown

_RULES: tuple[Rule, ...] = (
    names.role_arn,
    roles.execution_role,
    environment.environment,
    platform.gpu,
    platform.inference_accelerator,
    size.memory,
    size.cpu,
    size.fargate_size,
    limits.hard_limit,
)
# A field of TaskOverride, and that of the definition whose value it replaces.
_OF_TASK = {
    "cpu": "cpu",
    "memory": "memory",
    "taskRoleArn": "taskRoleArn",
    "executionRoleArn": "executionRoleArn",
    "inferenceAcceleratorOverrides": "inferenceAccelerators",
}
_AMOUNTS = ("memory", "memoryReservation")
_NOT_HERE = Unknown("the task definition is not here", present=None)


@rule(
    "service.overrides",
    "overrides of a request",
    scope="service",
    launch=EVERY,
    meaning="What a request overrides follows the same rules as the definition: amounts of CPU and memory, roles, variables, "
    "environment files, GPUs. Elastic Inference has ended, for overrides too.",
    fine="overrides that the launch type takes, or none",
    source=f"{sources.RUN_TASK}, field overrides; {sources.API}, types TaskOverride and ContainerOverride",
)
def overrides(case: Case, node: Node) -> Iterator[Mark]:
    given = node.at("overrides")
    definition = case.definition or _unknown(given)
    base = definition.node.raw
    if not isinstance(given.raw, dict) or not isinstance(base, dict):
        return
    if not isinstance(base.get("containerDefinitions"), list):
        return
    value, places = _merged(base, given)
    before = {(mark.node.pointer, mark.summary) for mark in _marks(case, definition)}
    for mark in _marks(case, replace(definition, node=Node(value))):
        where = _place(mark.node.pointer, places)
        if where and (mark.node.pointer, mark.summary) not in before:
            yield Mark(mark.status, Node(mark.node.raw, where), mark.summary, mark.remedy)


def _unknown(given: Node) -> Definition:
    """A definition of which only the names of the containers are known."""
    fields = {*_OF_TASK.values(), "networkMode", "runtimePlatform"} - {
        "memory"
    }  # each container's can be checked without
    of_containers = ("image", *_AMOUNTS, "environment", "environmentFiles", "resourceRequirements")
    names = [item.at("name").raw for item in given.at("containerOverrides").each()]
    containers = [dict.fromkeys(of_containers, _NOT_HERE) | {"name": name} for name in names]
    return Definition("", Node(dict.fromkeys(fields, _NOT_HERE) | {"containerDefinitions": containers}), Place())


def _marks(case: Case, definition: Definition) -> Iterator[Mark]:
    there = replace(case, definition=definition)
    for one in _RULES:
        if case.launch in one.launch:
            yield from (mark for mark in marks(one, there) if mark.status in (Status.FAIL, Status.WARN))


def _merged(base: Mapping[str, Any], given: Node) -> tuple[dict[str, Any], dict[str, str]]:
    """The definition with the overrides in place, and the pointer of each field that they replace."""
    value, places = dict(base), {}
    for theirs, ours in _OF_TASK.items():
        if given.at(theirs).raw is not None:
            value[ours] = given.at(theirs).raw
            places["/" + ours] = given.at(theirs).pointer
    containers = list(base["containerDefinitions"])
    for item in given.at("containerOverrides").each():
        at = next((at for at, one in enumerate(containers) if _is_named(one, item.at("name").raw)), None)
        if at is None or not isinstance(item.raw, dict):
            continue
        containers[at] = containers[at] | {key: raw for key, raw in item.raw.items() if raw is not None}
        root = f"/containerDefinitions/{at}/"
        places |= {root + key: item.at(key).pointer for key in item.raw}
        if set(_AMOUNTS) & item.raw.keys():  # one is compared with the other
            places = {root + key: item.pointer for key in _AMOUNTS} | places
    if "/memory" in places:  # each container's limit is compared with it
        limits = {f"/containerDefinitions/{at}/memory": places["/memory"] for at in range(len(containers))}
        places = limits | places
    return value | {"containerDefinitions": containers}, places


def _is_named(container: object, name: object) -> bool:
    return isinstance(container, dict) and isinstance(name, str) and container.get("name") == name


def _place(pointer: str, places: Mapping[str, str]) -> str:
    """The pointer in the request for one in the definition; empty where the request does not override it."""
    field = next((field for field in places if pointer == field or pointer.startswith(field + "/")), None)
    return places[field] + pointer[len(field) :] if field is not None else ""
