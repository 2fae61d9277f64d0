"""`terraform show -json` of a plan or a state: the ECS resources, by the names of the ECS API.

The document is generated, so a patch to it would fix nothing: findings name the resource address and attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from anywhere.documents.json import parse_json
from anywhere.documents.pointer import token
from anywhere.errors import ParseError
from anywhere.taskdef.source.content import FREE_MAPS, Content, Definition, Place, Service
from anywhere.taskdef.source.node import Node, Unknown
from anywhere.taskdef.source.parse import too_deep
from anywhere.taskdef.source.shape import read_generated

_KINDS = {"aws_ecs_service": "service", "aws_ecs_task_set": "task-set"}
_DEFINITION = "aws_ecs_task_definition"
_TAGS = ("tags", "tagsAll")
_TO_API = {
    "volume": "volumes",
    "load_balancer": "loadBalancers",
    "inference_accelerator": "inferenceAccelerators",
    "elb_name": "loadBalancerName",
    "configure_at_launch": "configuredAtLaunch",
    "volume_configuration": "volumeConfigurations",
    "size_in_gib": "sizeInGiB",
    "vpc_lattice_configurations": "vpcLatticeConfigurations",
    "enable_fault_injection": "enableFaultInjection",
    "name": "name",
}
_LIMITS = {
    "deploymentMinimumHealthyPercent": "minimumHealthyPercent",
    "deploymentMaximumPercent": "maximumPercent",
}
_KEYS = re.compile(r"\[[^\]]*\]")
# Blocks that Terraform shows as a list of one, and the API as an object.
_SINGLE = frozenset(
    [
        "runtimePlatform",
        "proxyConfiguration",
        "ephemeralStorage",
        "deploymentController",
        "networkConfiguration",
        "efsVolumeConfiguration",
        "dockerVolumeConfiguration",
        "fsxWindowsFileServerVolumeConfiguration",
        "authorizationConfig",
        "serviceConnectConfiguration",
        "deploymentConfiguration",
        "linearConfiguration",
        "canaryConfiguration",
    ]
)


def is_terraform(value: Mapping[str, object]) -> bool:
    """Whether an object is what `terraform show -json` prints."""
    return "format_version" in value and any(key in value for key in ("resource_changes", "planned_values", "values"))


def read_terraform(value: Mapping[str, object]) -> Content:
    """The ECS resources that will be there after the plan, or that are in the state."""
    references = dict(_references(_at(value, "configuration", "root_module"), ""))
    definitions, services = [], []
    for address, kind, attributes, unknowns, pointer in _resources(value):
        raw = _marked(attributes, unknowns)
        if kind == _DEFINITION:
            definitions.append(_definition(address, raw, pointer))
        elif kind in _KINDS:
            services.append(_service(address, kind, raw, pointer, references))
    return Content(tuple(definitions), tuple(services))


def _resources(value: Mapping[str, object]) -> Iterator[tuple[str, str, object, object, str]]:
    """Address, type, attributes, which of them are known after apply, and the pointer to the attributes."""
    changes = value.get("resource_changes")
    if isinstance(changes, list):
        for at, change in enumerate(changes):
            planned = _at(change, "change")
            if isinstance(_at(planned, "after"), dict) and _at(change, "mode") != "data":
                pointer = f"/resource_changes/{at}/change/after"
                yield (
                    _text(change, "address"),
                    _text(change, "type"),
                    planned["after"],
                    planned.get("after_unknown"),
                    pointer,
                )
        return
    for root in ("planned_values", "values"):
        yield from _module(_at(value, root, "root_module"), f"/{root}/root_module")


def _module(module: object, pointer: str) -> Iterator[tuple[str, str, object, object, str]]:
    for at, resource in enumerate(_list(module, "resources")):
        if isinstance(_at(resource, "values"), dict) and _at(resource, "mode") != "data":
            here = f"{pointer}/resources/{at}/values"
            yield _text(resource, "address"), _text(resource, "type"), resource["values"], None, here
    for at, child in enumerate(_list(module, "child_modules")):
        yield from _module(child, f"{pointer}/child_modules/{at}")


def _references(module: object, prefix: str) -> Iterator[tuple[str, str]]:
    """For each service of the configuration, the address of the definition that it names."""
    for resource in _list(module, "resources"):
        names = _at(resource, "expressions", "task_definition", "references")
        if _text(resource, "type") in _KINDS and isinstance(names, list):
            found = [name for name in names if isinstance(name, str) and name.startswith(_DEFINITION + ".")]
            if found:
                yield prefix + _text(resource, "address"), prefix + ".".join(found[-1].split(".")[:2])
    calls = _at(module, "module_calls")
    for name, call in calls.items() if isinstance(calls, dict) else ():
        yield from _references(_at(call, "module"), f"{prefix}module.{name}.")


def _definition(address: str, raw: object, pointer: str) -> Definition:
    names: dict[str, str] = {}
    value = _canonical(raw, "", pointer, names)
    place = Place(pointer, names, None)
    if not isinstance(value, dict):
        return Definition(address, Node(value), place, key=_bare(address))
    containers, volumes = value.get("containerDefinitions"), value.get("volumes")
    if isinstance(containers, str):
        value["containerDefinitions"] = _containers(containers, address)
    for volume in volumes if isinstance(volumes, list) else ():
        if isinstance(volume, dict) and volume.get("hostPath"):
            volume["host"] = {"sourcePath": volume.pop("hostPath")}
    proxy = value.get("proxyConfiguration")
    if isinstance(proxy, dict) and isinstance(proxy.get("properties"), dict):
        proxy["properties"] = [{"name": name, "value": item} for name, item in proxy["properties"].items()]
    if isinstance(value.get("tags"), dict):
        value["tags"] = [{"key": name, "value": item} for name, item in value["tags"].items()]
    read, found = read_generated(value, "task-definition")
    return Definition(address, Node(read), place, key=_bare(address), faults=found)


def _containers(text: str, address: str) -> object:
    """The containers, which a plan holds as JSON inside a string: all of them stand where the string stands."""
    try:
        containers = parse_json(text)
        too_deep(containers)
    except ParseError as error:
        raise ParseError(f"container_definitions of {address}: {error}") from None
    return containers


def _service(address: str, kind: str, raw: object, pointer: str, references: Mapping[str, str]) -> Service:
    names: dict[str, str] = {}
    value = _canonical(raw, "", pointer, names)
    place = Place(pointer, names, None)
    if not isinstance(value, dict):
        return Service(address, _KINDS[kind], Node(value), place, references.get(_bare(address), ""))
    flat = value.get("networkConfiguration")
    if isinstance(flat, dict):
        assign = flat.get("assignPublicIp")
        if isinstance(assign, bool):
            flat["assignPublicIp"] = "ENABLED" if assign else "DISABLED"
        value["networkConfiguration"] = {"awsvpcConfiguration": flat}
    if "name" in value:
        value["serviceName"] = value.pop("name")
    _plural(value.get("serviceConnectConfiguration"))
    limits = {name: value.pop(own, None) for own, name in _LIMITS.items()}
    if any(limit is not None for limit in limits.values()):
        kept = value.get("deploymentConfiguration")
        known = {name: limit for name, limit in limits.items() if limit is not None}
        value["deploymentConfiguration"] = (kept if isinstance(kept, dict) else {}) | known
    target = value.get("taskDefinition")
    named = target if isinstance(target, str) else references.get(_bare(address), "")
    read, _ = read_generated(value, _KINDS[kind])
    return Service(address, _KINDS[kind], Node(read), place, named)


def _plural(connect: object) -> None:
    """The blocks of Service Connect by the names of the API, which has lists of them."""
    services = connect.pop("service", None) if isinstance(connect, dict) else None
    if isinstance(connect, dict) and isinstance(services, list):
        for service in services:
            if isinstance(service, dict) and "clientAlias" in service:
                service["clientAliases"] = service.pop("clientAlias")
        connect["services"] = services


def _bare(address: str) -> str:
    """An address without its count or for_each keys."""
    return _KEYS.sub("", address)


def _marked(value: object, unknowns: object) -> object:
    """The attributes with Unknown where the plan says "known after apply"."""
    if unknowns is True:
        return Unknown("known after apply", present=None)
    if isinstance(unknowns, dict):
        merged = dict(value) if isinstance(value, dict) else {}
        for key, below in unknowns.items():
            marked = _marked(merged.get(key), below)
            if marked is not None:
                merged[key] = marked
        return merged if merged or isinstance(value, dict) else value
    if isinstance(unknowns, list) and isinstance(value, list):
        padded = [*unknowns, *[None] * (len(value) - len(unknowns))]
        return [_marked(item, below) for item, below in zip(value, padded)]
    return value


def _canonical(raw: object, pointer: str, source: str, names: dict[str, str], free: bool = False) -> object:
    """The value with the API's names; what Terraform shows empty (no block, no text) is absent."""
    names[pointer] = source
    if isinstance(raw, dict):
        result = {}
        for key, item in raw.items():
            name = key if free else api_name(key)
            single = name in _SINGLE and isinstance(item, list)
            if single and not item:
                continue
            below = source + token(key) + ("/0" if single else "")
            value = _canonical(
                item[0] if single else item, pointer + token(name), below, names, name in FREE_MAPS or name in _TAGS
            )
            if value is not None and value not in ("", []):
                result[name] = value
        return result
    if isinstance(raw, list):
        return [_canonical(item, f"{pointer}/{at}", f"{source}/{at}", names, free) for at, item in enumerate(raw)]
    return raw


def api_name(key: str) -> str:
    """The ECS API's name for a Terraform attribute."""
    if key in _TO_API:
        return _TO_API[key]
    head, *rest = key.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: Any, key: str) -> list[Any]:
    found = _at(value, key)
    return found if isinstance(found, list) else []


def _text(value: object, key: str) -> str:
    return str(_at(value, key) or "")
