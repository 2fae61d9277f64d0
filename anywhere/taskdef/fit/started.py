"""A definition as a service or request starts it: with that one's constraints, strategy and overrides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.node import Node

# Source: API reference, types TaskOverride and ContainerOverride (what a host has to have).
_OF_TASK = ("cpu", "memory", "taskRoleArn", "executionRoleArn")
_OF_CONTAINER = ("cpu", "memory", "memoryReservation", "resourceRequirements", "environmentFiles")


def started(definition: Definition) -> Iterator[Definition]:
    """The definition once for each service and request that starts it; itself where there is none or one without
    overrides."""
    services = definition.services
    names = [service.name for service in services]
    for place, service in enumerate(services, 1):
        own = f"{service.name} {place}" if names.count(service.name) > 1 else service.name
        name = definition.name if len(services) == 1 else f"{definition.name}/{own}"
        node = Node(_overridden(definition.node.raw, service), definition.node.pointer)
        yield replace(definition, name=name, node=node, services=(service,))
    if not services:
        yield definition


def _overridden(raw: Any, service: Service) -> Any:
    overrides = service.node.at("overrides").raw
    if service.kind != "run" or not isinstance(raw, dict) or not isinstance(overrides, dict):
        return raw
    changed = raw | _given(overrides, _OF_TASK)
    listed = overrides.get("containerOverrides")
    named = {
        item["name"]: item
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    }
    containers = raw.get("containerDefinitions")
    if named and isinstance(containers, list):
        changed["containerDefinitions"] = [_container(container, named) for container in containers]
    return changed


def _container(raw: Any, named: Mapping[str, Mapping[str, Any]]) -> Any:
    name = raw.get("name") if isinstance(raw, dict) else None
    return raw | _given(named[name], _OF_CONTAINER) if isinstance(name, str) and name in named else raw


def _given(overrides: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: overrides[name] for name in names if overrides.get(name) is not None}
