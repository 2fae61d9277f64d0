"""CloudFormation templates, CDK output included: PascalCase names, and intrinsics that only deployment settles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from anywhere.documents.pointer import token
from anywhere.errors import ParseError
from anywhere.taskdef.source.content import FREE_MAPS, Content, Definition, Place, Service, name_of
from anywhere.taskdef.source.node import Node, Unknown

_DEFINITION = "AWS::ECS::TaskDefinition"
_KINDS = {"AWS::ECS::Service": "service", "AWS::ECS::TaskSet": "task-set"}
_TO_API = {
    "EFSVolumeConfiguration": "efsVolumeConfiguration",
    "FSxWindowsFileServerVolumeConfiguration": "fsxWindowsFileServerVolumeConfiguration",
    "S3FilesVolumeConfiguration": "s3filesVolumeConfiguration",
    "FilesystemId": "fileSystemId",
    "IAM": "iam",
    "ProxyConfigurationProperties": "properties",
    "ManagedEBSVolume": "managedEBSVolume",
}
_FROM_API = {api: name for name, api in _TO_API.items()}
_PLACEHOLDER = re.compile(r"\$\{([^}!][^}]*)\}")


def api_name(key: str) -> str:
    """The ECS API's name for a CloudFormation property."""
    return _TO_API.get(key) or key[:1].lower() + key[1:]


def template_name(key: str) -> str:
    """CloudFormation's name for a field of the ECS API."""
    return _FROM_API.get(key) or key[:1].upper() + key[1:]


def is_template(value: Mapping[str, object]) -> bool:
    """Whether an object is a CloudFormation template."""
    return isinstance(value.get("Resources"), dict) or "AWSTemplateFormatVersion" in value


def read_template(value: Mapping[str, object]) -> Content:
    """The ECS resources of a template. Raises ParseError for one without properties."""
    resources = value.get("Resources")
    if not isinstance(resources, dict):
        return Content()
    definitions, services, unread = [], [], []
    for logical, resource in resources.items():
        pointer = "/Resources" + token(logical)
        if logical.startswith("Fn::") and "AWS::ECS::" in str(resource):
            unread.append((pointer, f"resources made by {logical}"))
        if not isinstance(resource, dict):
            continue
        kind = resource.get("Type")
        if isinstance(kind, str) and (kind in _KINDS or kind == _DEFINITION) and resource.get("Properties") is None:
            raise ParseError(f"{pointer} has no Properties")
        if kind == _DEFINITION:
            definitions.append(read_definition(resource["Properties"], pointer + "/Properties", logical))
        elif isinstance(kind, str) and kind in _KINDS:
            services.append(_service(resource, pointer, logical, _KINDS[kind], resources))
    return Content(tuple(definitions), tuple(services), tuple(unread))


def read_definition(properties: object, base: str, logical: str) -> Definition:
    """A definition from the properties of its resource; `logical` names it where its family is not known."""
    node, place = _canonical_root(properties, base)
    return Definition(
        logical or name_of(node, "family", "task definition"), node, place, key=logical, origin=properties
    )


def _service(resource: Mapping[str, Any], pointer: str, logical: str, kind: str, resources: Any) -> Service:
    node, place = _canonical_root(resource["Properties"], pointer + "/Properties")
    raw = node.at("taskDefinition").raw
    target = raw.ref if isinstance(raw, Unknown) else str(raw or "")
    return Service(logical, kind, node, place, target, resources=resources)


def _canonical_root(properties: object, base: str) -> tuple[Node, Place]:
    names: dict[str, str] = {}
    value = canonical(properties, "", base, names)
    return Node(value), Place(base, names, template_name)


def canonical(raw: object, pointer: str, source: str, names: dict[str, str], free: bool = False) -> object:
    """The value with the API's names and intrinsics as Unknown; fills `names` with where each part stands."""
    names[pointer] = source
    if isinstance(raw, dict):
        if is_intrinsic(raw):
            return unknown(raw)
        result = {}
        for key, item in raw.items():
            name = key if free else api_name(key)
            value = canonical(item, pointer + token(name), source + token(key), names, not free and name in FREE_MAPS)
            if value is not None:
                result[name] = value
        return result
    if isinstance(raw, list):
        kept = [(at, item) for at, item in enumerate(raw) if not _is_no_value(item)]
        return [canonical(item, f"{pointer}/{to}", f"{source}/{at}", names, free) for to, (at, item) in enumerate(kept)]
    return raw


def is_intrinsic(raw: object) -> bool:
    """Whether an object is a call that CloudFormation will replace."""
    return isinstance(raw, dict) and (set(raw) == {"Ref"} or any(str(key).startswith("Fn::") for key in raw))


def _is_no_value(raw: object) -> bool:
    return isinstance(raw, dict) and raw == {"Ref": "AWS::NoValue"}


def unknown(raw: Mapping[str, object]) -> Unknown | None:
    """What can be said of an intrinsic without running it; None for AWS::NoValue, which stands for absence."""
    if _is_no_value(raw):
        return None
    name, argument = next(iter(raw.items()))
    if name == "Ref":
        return Unknown(f"Ref {argument}", ref=str(argument))
    if name == "Fn::If":
        return Unknown("Fn::If", present=_presence(argument))
    if name == "Fn::GetAtt":
        parts = argument if isinstance(argument, list) else str(argument).split(".", 1)
        return Unknown("Fn::GetAtt " + ".".join(map(str, parts)), ref=str(parts[0]) if parts else "")
    if name == "Fn::Sub":
        return _sub(argument)
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
        parts = [part if isinstance(part, str) else "${}" for part in argument[1]]
        return Unknown("Fn::Join", text=str(argument[0]).join(parts))
    return Unknown(str(name))


def _sub(argument: object) -> Unknown:
    template = argument[0] if isinstance(argument, list) and argument else argument
    text = template if isinstance(template, str) else ""
    names = _PLACEHOLDER.findall(text)
    ref = names[0].split(".")[0] if len(names) == 1 and text == f"${{{names[0]}}}" else ""
    return Unknown("Fn::Sub", text=_PLACEHOLDER.sub("${}", text), ref=ref)


def _presence(argument: object) -> bool | None:
    """Whether both branches of an Fn::If agree that there is a value."""
    if not isinstance(argument, list) or len(argument) != 3:
        return None
    found = set()
    for branch in argument[1:]:
        value = unknown(branch) if is_intrinsic(branch) else branch
        found.add(value.present if isinstance(value, Unknown) else value is not None)
    return found.pop() if len(found) == 1 else None
