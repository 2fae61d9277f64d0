"""From a file's bytes to what it holds in ECS terms, and links between services and the definitions that they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from anywhere.documents.pointer import token
from anywhere.errors import BadInput, ParseError
from anywhere.frozen import frozen
from anywhere.taskdef.shapes.table import API, table
from anywhere.taskdef.source import cloudformation, terraform
from anywhere.taskdef.source.content import Content, Definition, Place, Service, name_of
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.source.parse import Parsed, parse
from anywhere.taskdef.source.shape import read_api

MARKERS = (b"ontainerDefinitions", b"AWS::ECS::", b"aws_ecs_", b"askDefinition", b"schedulingStrategy")
_SERVICE_KEYS = frozenset(
    {"serviceName", "desiredCount", "schedulingStrategy", "deploymentController", "loadBalancers"}
)
# What tells a request to update a service, which need not name a task definition.
_UPDATE_KEYS = frozenset({"desiredCount", "forceNewDeployment", "deploymentConfiguration", "networkConfiguration"})
# What tells a service whose name and definition a tool adds, as the files of ecspresso: one of each.
_DEPLOYED = frozenset({"schedulingStrategy", "deploymentConfiguration", "deploymentController"})
_RUN_ON = frozenset({"desiredCount", "launchType", "capacityProviderStrategy"})
# What tells a definition that lacks its containers from other JSON.
_DEFINITION_KEYS = frozenset({"family", "networkMode"})
_CONTAINER = frozenset({"name", "image"})
_OWN_KEYS = frozenset({"requiresCompatibilities", "executionRoleArn", "taskRoleArn", "volumes", "runtimePlatform"})
_DAEMONS = ("AWS::ECS::DaemonTaskDefinition", "AWS::ECS::Daemon")
# Sources that a tool has to render first, by the ends of their names.
_SOURCES = (
    ((".tf", ".tf.json"), "is Terraform's source: check what `terraform show -json PLAN` prints"),
    ((".jsonnet", ".libsonnet"), "is Jsonnet's source: check what `jsonnet FILE` prints"),
    (
        (".j2", ".tpl", ".tmpl", ".tftpl", ".gotmpl"),
        "is a template of another tool: check the file that the tool writes",
    ),
)
# What only an answer of describe-services has.
_ANSWERED = frozenset({"serviceArn", "deployments", "runningCount", "clusterArn", "createdAt"})


@frozen
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
        raise BadInput(f"{name}: {_source_of(name) or error}") from None
    if content.is_empty:
        raise NothingHere(f"{name}: {_nothing(parsed.value, name)}")
    return Document(name, parsed, content)


def _nothing(value: object, name: str) -> str:
    """What to say of a document without a definition; containers alone, and sources that a tool has to render, are named."""
    if source := _source_of(name):
        return source
    if isinstance(value, dict) and {"terraform_version", "lineage", "resources"} <= value.keys():
        return "is Terraform's own state: check what `terraform show -json` prints"
    if isinstance(value, dict) and _is_daemon(value):
        return "holds a daemon task definition, which runs on managed instances only: it is not checked"
    if isinstance(value, dict) and _is_compose(value.get("services")):
        return "is a Compose file: check the task definition or template that is made of it"
    if (
        isinstance(value, list)
        and value
        and all(isinstance(item, dict) and item.keys() >= _CONTAINER for item in value)
    ):
        return 'holds containers alone: a task definition is {"family": NAME, "containerDefinitions": [...]}'
    return "holds no task definition, service or run request"


def _source_of(name: str) -> str:
    """What to do with the source of another tool; empty for what is none by its name."""
    return next((text for endings, text in _SOURCES if name.endswith(endings)), "")


def _is_daemon(value: Mapping[str, Any]) -> bool:
    """Whether a document is about managed daemons, which have definitions and services of their own."""
    resources = value.get("Resources")
    made = resources.values() if isinstance(resources, dict) else ()
    return "daemonTaskDefinition" in value or any(
        isinstance(item, dict) and item.get("Type") in _DAEMONS for item in made
    )


def _is_compose(services: object) -> bool:
    return isinstance(services, dict) and any(
        isinstance(item, dict) and {"image", "build"} & item.keys() for item in services.values()
    )


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


def _object(value: Mapping[str, Any], base: str, described: bool = False) -> Content:
    if not base and cloudformation.is_template(value):
        return cloudformation.read_template(value)
    if not base and terraform.is_terraform(value):
        return terraform.read_terraform(value)
    if "containerDefinitions" in value:
        return Content((_definition(value, base, described),))
    if "ContainerDefinitions" in value:
        return Content((cloudformation.read_definition(value, base, ""),))
    for wrapper in ("taskDefinition", "service"):
        if isinstance(value.get(wrapper), dict):
            return _object(value[wrapper], base + token(wrapper), True)
    for wrapper in ("services", "taskDefinitions"):
        if isinstance(value.get(wrapper), list):
            items = enumerate(value[wrapper])
            return _joined(
                _object(item, f"{base}/{wrapper}/{at}", True) for at, item in items if isinstance(item, dict)
            )
    is_update = isinstance(value.get("service"), str) and bool(_UPDATE_KEYS & set(value))
    if "taskDefinition" in value or is_update or ("serviceName" in value and _SERVICE_KEYS & set(value)):
        return Content(services=(_service(value, base, described),))
    if _DEPLOYED & set(value) and _RUN_ON & set(value):
        return Content(services=(replace(_service(value, base, True), fields=frozenset()),))
    is_misspelled = any(str(key).lower().replace("_", "") == "containerdefinitions" for key in value)
    if set(value) >= _DEFINITION_KEYS or ("family" in value and (_OWN_KEYS & set(value) or is_misspelled)):
        return Content((_definition(value, base, described),))
    return Content()


def _definition(value: Mapping[str, Any], base: str, described: bool) -> Definition:
    read, found = read_api(value, "task-definition", described)
    node = Node(read)
    return Definition(name_of(node, "family", "task definition"), node, Place(base), origin=value, faults=found)


def _service(value: Mapping[str, Any], base: str, described: bool) -> Service:
    kind, request = _kind(value)
    read, found = read_api(value, request, described or bool(_ANSWERED & set(value)))
    node = Node(read)
    target = value.get("taskDefinition")
    fallback = {"service": "service", "task-set": "task set"}.get(kind, "run request")
    name = name_of(node, "serviceName", fallback)
    fields = frozenset(table(API).shapes[table(API).roots[request]].fields)
    return Service(
        name, kind, node, Place(base), target if isinstance(target, str) else "", faults=found, fields=fields
    )


def _kind(value: Mapping[str, Any]) -> tuple[str, str]:
    """What a service-like document is, and the request whose shape it has."""
    if "serviceName" in value:
        return "service", "service"
    if "service" in value:
        if {"scale", "externalId"} & set(value):
            return "task-set", "task-set"
        return "service", "service-update"
    if _SERVICE_KEYS & set(value):
        return "service", "service"
    return "run", "start" if "containerInstances" in value else "run"


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
