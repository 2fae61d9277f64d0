"""CloudFormation templates, CDK output included: PascalCase names, and intrinsics that only deployment settles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from anywhere.documents.pointer import token
from anywhere.taskdef.shapes.faults import UNKNOWN, Fault
from anywhere.taskdef.source.content import FREE_MAPS, Content, Definition, Place, Service, name_of
from anywhere.taskdef.source.node import Node, Unknown
from anywhere.taskdef.source.shape import read_api, read_properties
from anywhere.taskdef.words import words

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
    "AwsVpcConfiguration": "awsvpcConfiguration",
    "PlacementStrategies": "placementStrategy",
}
_FROM_API = {api: name for name, api in _TO_API.items()} | {"awsvpcConfiguration": "AwsvpcConfiguration"}
# What CloudFormation calls; every other `Fn::` is no function. Source: cfn-lint 1.58.0, helpers.py.
_FUNCTIONS = words(
    "And Base64 Cidr Contains EachMemberEquals EachMemberIn Equals FindInMap GetAtt GetAZs GetStackOutput "
    "If ImportValue Join Length Not Or RefAll Select Split Sub ToJsonString Transform ValueOf ValueOfAll"
)
_FUNCTION = re.compile(r"Fn::(?:ForEach::[A-Za-z0-9]+|([A-Za-z]+))\Z")
_PLACEHOLDER = re.compile(r"\$\{([^}!][^}]*)\}")


def api_name(key: str) -> str:
    """The ECS API's name for a CloudFormation property."""
    return _TO_API.get(key) or key[:1].lower() + key[1:]


def template_name(key: str) -> str:
    """CloudFormation's name for a field of the ECS API."""
    return _FROM_API.get(key) or key[:1].upper() + key[1:]


def _task_set_name(key: str) -> str:
    """The same for a task set, whose schema spells one name in another way."""
    return "AwsVpcConfiguration" if key == "awsvpcConfiguration" else template_name(key)


def is_template(value: Mapping[str, object]) -> bool:
    """Whether an object is a CloudFormation template."""
    return isinstance(value.get("Resources"), dict) or "AWSTemplateFormatVersion" in value


def read_template(value: Mapping[str, object]) -> Content:
    """The ECS resources of a template."""
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
        properties = resource.get("Properties")
        if kind == _DEFINITION:
            read = read_definition(properties, pointer + "/Properties", logical)
            definitions.append(replace(read, outer=resources))
        elif isinstance(kind, str) and kind in _KINDS:
            services.append(_service(properties, pointer, logical, _KINDS[kind], resources))
    return Content(tuple(definitions), tuple(services), tuple(unread))


def read_definition(properties: object, base: str, logical: str) -> Definition:
    """A definition from the properties of its resource; `logical` names it where its family is not known."""
    node, place, found = _canonical_root(properties, base, "task-definition")
    name = logical or name_of(node, "family", "task definition")
    return Definition(name, node, place, key=logical, origin=properties, faults=found)


def _service(properties: object, pointer: str, logical: str, kind: str, resources: Any) -> Service:
    node, place, found = _canonical_root(properties, pointer + "/Properties", kind)
    raw = node.at("taskDefinition").raw
    target = raw.ref if isinstance(raw, Unknown) else str(raw or "")
    return Service(logical, kind, node, place, target, resources=resources, faults=found)


def _canonical_root(properties: object, base: str, kind: str) -> tuple[Node, Place, tuple[Fault, ...]]:
    is_there, properties = properties is not None, {} if properties is None else properties
    read, found = read_properties(properties, kind, _branches, _is_sure)
    names: dict[str, str] = {}
    value = canonical(read, "", base, names)
    spelled = _task_set_name if kind == "task-set" else template_name
    return Node(value), Place(base, names, spelled, is_there), (*found, *_strange(properties, ""))


def _branches(raw: object) -> Sequence[tuple[str, object]] | None:
    """What a call may give: both values of an Fn::If; nothing that can be seen of another. None for what is no call."""
    if not is_intrinsic(raw):
        return None
    assert isinstance(raw, dict)
    chosen = raw.get("Fn::If")
    if not isinstance(chosen, list) or len(chosen) != 3:
        return ()
    return [(f"/Fn::If/{at}", chosen[at]) for at in (1, 2) if not _is_no_value(chosen[at])]


def _is_sure(raw: object) -> bool:
    """Whether an element of a list is there whatever the conditions of the template are."""
    if not isinstance(raw, dict) or not is_intrinsic(raw):
        return True
    value = unknown(raw)
    return value is not None and value.present is True


def _strange(raw: object, pointer: str) -> Iterator[Fault]:
    """Calls of functions that there are not."""
    for key, value in raw.items() if isinstance(raw, dict) else ():
        below = pointer + token(key)
        match = _FUNCTION.match(str(key))
        if str(key).startswith("Fn::") and not (match and (match[1] is None or match[1] in _FUNCTIONS)):
            name = str(key).removeprefix("Fn::")
            near = name.capitalize() if name.lower() in ("ref", "condition") else ""
            near = near or next(("Fn::" + known for known in _FUNCTIONS if known.lower() == name.lower()), "")
            hint = f": write {near}" if near else ""
            yield Fault(
                below, UNKNOWN, f"{key} is not a function of CloudFormation{hint}", f"write {near or 'a value'}"
            )
        yield from _strange(value, below)
    for at, value in enumerate(raw if isinstance(raw, list) else ()):
        yield from _strange(value, f"{pointer}/{at}")


def canonical(raw: object, pointer: str, source: str, names: dict[str, str], free: bool = False) -> object:
    """The value with the API's names and intrinsics as Unknown; fills `names` with where each part stands."""
    names[pointer] = source
    if isinstance(raw, dict):
        if is_intrinsic(raw):
            return unknown(raw)
        result = {}
        for key, item in raw.items():
            name = str(key) if free else api_name(str(key))
            value = canonical(item, pointer + token(name), source + token(key), names, not free and name in FREE_MAPS)
            if value is not None:
                result[name] = value
        return result
    if isinstance(raw, list):
        kept = [(at, item) for at, item in enumerate(raw) if not _is_no_value(item)]
        return [canonical(item, f"{pointer}/{to}", f"{source}/{at}", names, free) for to, (at, item) in enumerate(kept)]
    return raw


def as_api(definition: Definition) -> Definition:
    """A template's definition as one of the ECS API: its names, and calls as they are written."""
    value = _as_api(definition.origin)
    assert isinstance(value, dict)
    read, found = read_api(value, "task-definition")
    return replace(definition, node=Node(read), place=Place(), origin=value, faults=found)


def _as_api(raw: object, free: bool = False) -> object:
    if isinstance(raw, dict) and not is_intrinsic(raw):
        return {
            (str(key) if free else api_name(str(key))): _as_api(item, not free and api_name(str(key)) in FREE_MAPS)
            for key, item in raw.items()
            if not _is_no_value(item)
        }
    if isinstance(raw, list):
        return [_as_api(item, free) for item in raw if not _is_no_value(item)]
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


def named_resources(raw: object) -> set[str]:
    """The names that a resource depends on: by DependsOn, Ref, Fn::GetAtt and Fn::Sub."""
    found: set[str] = set()
    if isinstance(raw, list):
        return found.union(*map(named_resources, raw)) if raw else found
    for key, value in raw.items() if isinstance(raw, dict) else ():
        if key in ("Ref", "DependsOn", "Fn::GetAtt"):
            first = value[:1] if key == "Fn::GetAtt" and isinstance(value, list) else value
            names = first if isinstance(first, list) else [first]
            found |= {str(one).split(".")[0] for one in names if isinstance(one, str)}
        elif key == "Fn::Sub":
            template = value[0] if isinstance(value, list) and value else value
            found |= (
                {one.split(".")[0] for one in _PLACEHOLDER.findall(template)} if isinstance(template, str) else set()
            )
        found |= named_resources(value)
    return found


def _presence(argument: object) -> bool | None:
    """Whether both branches of an Fn::If agree that there is a value."""
    if not isinstance(argument, list) or len(argument) != 3:
        return None
    found = set()
    for branch in argument[1:]:
        value = unknown(branch) if is_intrinsic(branch) else branch
        found.add(value.present if isinstance(value, Unknown) else value is not None)
    return found.pop() if len(found) == 1 else None
