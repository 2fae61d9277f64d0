"""The launch types that a document itself names. Nothing is guessed: what is not said is not known."""

from __future__ import annotations

from anywhere.taskdef.rule import EC2, EVERY, FARGATE, MANAGED
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.node import Node, Unknown

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
WHAT_DECIDES = "requiresCompatibilities, the launch type or strategy of a service in the same run, or --launch-type"


def launches(item: Definition | Service) -> list[str]:
    """The launch types that an item names, in fixed order; none where that is not known."""
    found = _of_service(item) if isinstance(item, Service) else _of_definition(item)
    return [launch for launch in EVERY if launch in found]


def _of_definition(definition: Definition) -> set[str]:
    """What it requires, and what its services start it on."""
    named = _required(definition)
    for service in definition.services:
        named |= _asked(service, definition)
    return named


def _of_service(service: Service) -> set[str]:
    """Its launch type, else its strategy, else what its definition requires."""
    if service.node.at("launchType").raw is not None or service.node.at("capacityProviderStrategy").raw:
        return _asked(service, service.definition)
    return _required(service.definition) if service.definition else set()


def _required(definition: Definition) -> set[str]:
    return {launch for entry in definition.node.at("requiresCompatibilities").each() if (launch := _launch(entry))}


def _launch(node: Node) -> str:
    name = node.raw.lower().replace("_", "-") if isinstance(node.raw, str) else ""
    return name if name in EVERY and node.raw == node.raw.upper() else ""


def _asked(service: Service, definition: Definition | None) -> set[str]:
    launch = service.node.at("launchType")
    if launch.raw is not None:
        return {name} if (name := _launch(launch)) else set()
    found = {_provider(service, item, definition) for item in service.node.at("capacityProviderStrategy").each()}
    return set() if "" in found else found


def _provider(service: Service, item: Node, definition: Definition | None) -> str:
    """The launch type of one provider of a strategy; empty where it is not known."""
    name = item.at("capacityProvider").raw
    if isinstance(name, Unknown):
        resource = service.resources.get(name.ref)
        if not isinstance(resource, dict) or resource.get("Type") != "AWS::ECS::CapacityProvider":
            return ""
        properties = resource.get("Properties")
        managed = isinstance(properties, dict) and "ManagedInstancesProvider" in properties
        return MANAGED if managed else EC2
    if not isinstance(name, str):
        return ""
    if name in FARGATE_PROVIDERS:
        return FARGATE
    required = _required(definition) if definition else set()
    return MANAGED if MANAGED in required and EC2 not in required else EC2
