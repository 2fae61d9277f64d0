"""From a file's bytes to what it holds in ECS terms, and links between services and the definitions that they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from anywhere.documents.pointer import token
from anywhere.errors import BadInput, ParseError
from anywhere.taskdef.source import cloudformation, terraform
from anywhere.taskdef.source.content import Content, Definition, Place, Service, name_of
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.source.parse import Parsed, parse
from anywhere.taskdef.source.shape import DEFINITION, SERVICE, Shape, mismatch

MARKERS = (b"ontainerDefinitions", b"AWS::ECS::", b"aws_ecs_", b"askDefinition")
_SERVICE_KEYS = frozenset(
    {"serviceName", "desiredCount", "schedulingStrategy", "deploymentController", "loadBalancers"}
)


@dataclass(frozen=True, slots=True)
class Document:
    """A file by its name, parsed, and its ECS content."""

    name: str
    parsed: Parsed
    content: Content


class NothingHere(BadInput):
    """A readable file that holds no definition, service or run request."""


def load(data: bytes, name: str) -> Document:
    """The document in these bytes. Raises NothingHere, or BadInput with one line naming the file, place and fault."""
    try:
        parsed = parse(data, name)
        content = _content(parsed.value)
    except ParseError as error:
        raise BadInput(f"{name}: {error}") from None
    if content.is_empty:
        raise NothingHere(f"{name}: holds no task definition, service or run request")
    document = Document(name, parsed, content)
    for item, shape in _shaped(content):
        if found := mismatch(item.node.raw, shape):
            raise BadInput(f"{name}: {_misfit(document, item, *found)}")
        if isinstance(item, Definition) and not (item.node.raw and item.node.at("containerDefinitions").raw):
            raise BadInput(f"{name}: {_misfit(document, item, '', f'{item.name} has no container definitions')}")
    return document


def _shaped(content: Content) -> Iterator[tuple[Definition | Service, Shape]]:
    for definition in content.definitions:
        yield definition, DEFINITION
    for service in content.services:
        yield service, SERVICE


def _misfit(document: Document, item: Definition | Service, pointer: str, problem: str) -> str:
    source = item.place.source(pointer)
    line, column = document.parsed.locator()(source)
    inner = pointer if item.place.encode is None else ""
    return " ".join(part for part in (source, inner, problem, f"(line {line}, column {column})") if part)


def _content(value: object) -> Content:
    if isinstance(value, list):
        parts = [_object(item, f"/{at}") for at, item in enumerate(value) if isinstance(item, dict)]
        return _joined(parts)
    return _object(value, "") if isinstance(value, dict) else Content()


def _joined(parts: Iterable[Content]) -> Content:
    parts = list(parts)
    return Content(
        tuple(definition for part in parts for definition in part.definitions),
        tuple(service for part in parts for service in part.services),
        tuple(unread for part in parts for unread in part.unread),
    )


def _object(value: Mapping[str, Any], base: str) -> Content:
    if not base and cloudformation.is_template(value):
        return cloudformation.read_template(value)
    if not base and terraform.is_terraform(value):
        return terraform.read_terraform(value)
    if "containerDefinitions" in value:
        return Content((_definition(value, base),))
    if "ContainerDefinitions" in value:
        return Content((cloudformation.read_definition(value, base, ""),))
    for wrapper in ("taskDefinition", "service"):
        if isinstance(value.get(wrapper), dict):
            return _object(value[wrapper], base + token(wrapper))
    for wrapper in ("services", "taskDefinitions"):
        if isinstance(value.get(wrapper), list):
            items = enumerate(value[wrapper])
            return _joined(_object(item, f"{base}/{wrapper}/{at}") for at, item in items if isinstance(item, dict))
    if "taskDefinition" in value or ("serviceName" in value and _SERVICE_KEYS & set(value)):
        return Content(services=(_service(value, base),))
    return Content()


def _definition(value: Mapping[str, object], base: str) -> Definition:
    node = Node(value)
    return Definition(name_of(node, "family", "task definition"), node, Place(base))


def _service(value: Mapping[str, object], base: str) -> Service:
    node = Node(value)
    kind = "service" if _SERVICE_KEYS & set(value) else "run"
    target = value.get("taskDefinition")
    name = name_of(node, "serviceName", "service" if kind == "service" else "run request")
    return Service(name, kind, node, Place(base), target if isinstance(target, str) else "")


def link(documents: Iterable[Document]) -> list[Document]:
    """The same documents, with each service tied to its definition and each definition to its services, where exactly
    one definition of the run fits the name."""
    documents = list(documents)
    families: dict[str, list[Definition]] = {}
    for document in documents:
        for definition in document.content.definitions:
            families.setdefault(definition.family, []).append(definition)
    pairs: dict[int, list[Service]] = {}
    linked = []
    for document in documents:
        keys = {definition.key: definition for definition in document.content.definitions if definition.key}
        services = []
        for service in document.content.services:
            target = keys.get(service.target) or _by_family(service.target, families)
            services.append(replace(service, definition=target))
            if target is not None:
                pairs.setdefault(id(target.node), []).append(services[-1])
        linked.append(replace(document, content=replace(document.content, services=tuple(services))))
    return [_with_services(document, pairs) for document in linked]


def _by_family(target: str, families: Mapping[str, list[Definition]]) -> Definition | None:
    """The one definition of this family (`family`, `family:revision` or an ARN), if the revision does not differ."""
    family, _, revision = target.rpartition("/")[2].partition(":")
    found = []
    for definition in families.get(family, ()) if family else ():
        own = definition.node.at("revision").raw
        if not revision or own is None or str(own) == revision:
            found.append(definition)
    return found[0] if len(found) == 1 else None


def _with_services(document: Document, pairs: Mapping[int, list[Service]]) -> Document:
    definitions = tuple(
        replace(definition, services=tuple(pairs.get(id(definition.node), ())))
        for definition in document.content.definitions
    )
    return replace(document, content=replace(document.content, definitions=definitions))
