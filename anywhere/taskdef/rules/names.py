"""Rules on names and references: families, containers, volumes, port mappings, roles, images, tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from anywhere.taskdef.rule import EVERY, Case, Mark, fail, over, put, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node, NotKnown

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
_PORT_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}\Z")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[^:/\s]*:role/[\w+=,.@/-]+\Z")
_ROLE_NAME = re.compile(r"[\w+=,.@/-]{1,512}\Z")
_RESERVED_TAG = re.compile(r"aws:", re.IGNORECASE)
# The grammar of docker's references (distribution/reference), with upper case distinguished.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:(?:{_LABEL}\.)*{_LABEL}|\[[0-9a-fA-F:]+\])(?::\d+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[\w][\w.-]{{0,127}})?(?:@sha256:[0-9a-fA-F]{{64}})?\Z")
MOST_IMAGE = 255


@rule(
    "taskdef.names",
    "names",
    scope="definition",
    launch=EVERY,
    meaning="Families, containers and volumes are named with up to 255 letters, digits, hyphens and underscores; port "
    "mappings with up to 64 of the lower case ones, not starting with a hyphen. Service Connect finds a mapping by its "
    "name, so `appProtocol` without one has no effect.",
    fine="names that ECS takes",
    source=f"{sources.REGISTER}, fields family and name; {sources.API}, types Volume and PortMapping; {sources.SEEN}, "
    "pf-ecs-port-mapping-duplicate-name",
)
def names(case: Case, node: Node) -> Iterator[Mark]:
    fields = [node.at("family"), *(item.at("name") for item in (*case.containers, *case.volumes))]
    yield from over(fields, _named, quiet=True)
    mappings = [mapping for container in case.containers for mapping in container.at("portMappings").each()]
    yield from over(mappings, _mapping, quiet=True)
    yield from over([node], lambda node: _mapped_twice(case, mappings), quiet=True)
    yield from _twice((volume.at("name") for volume in case.volumes), "a second volume is named {}")


def _named(field: Node) -> Iterator[Mark]:
    text = field.text()
    if not field.present or _NAME.match(text) or is_placeholder(text):
        return
    what = "the family" if field.pointer == "/family" else "a volume" if "/volumes/" in field.pointer else "a container"
    fits = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:255]
    edits = [put(field, fits)] if fits and what == "the family" else []
    advice = "use up to 255 letters, digits, hyphens and underscores"
    yield fail(field, f"{show(text)} is not a name for {what}", advice, *edits)


def _mapping(mapping: Node) -> Iterator[Mark]:
    name, protocol = mapping.at("name"), mapping.at("appProtocol")
    if name.present and not _PORT_NAME.match(name.text()) and not is_placeholder(name.text()):
        advice = "use up to 64 lower case letters, digits, hyphens and underscores"
        yield fail(name, f"{show(name.text())} is not a name for a port mapping", advice)
    if protocol.filled and not name.filled:
        text = "appProtocol is for Service Connect, which finds a port mapping by its name: this one has none"
        yield warn(protocol, text, "give the mapping a name, or take appProtocol out")


def _mapped_twice(case: Case, mappings: list[Node]) -> Iterator[Mark]:
    """With awsvpc ECS refuses a second mapping of the same name; of the other modes no source says so."""
    try:
        is_refused = case.mode == "awsvpc"
    except NotKnown:
        is_refused = False
    for mark in _twice((mapping.at("name") for mapping in mappings), "a second port mapping is named {}"):
        yield fail(mark.node, f"{mark.summary}: ECS refuses it with awsvpc", mark.remedy) if is_refused else mark


def _twice(fields: Iterable[Node], text: str) -> Iterator[Mark]:
    seen: set[str] = set()
    for field in fields:
        name = field.raw
        if isinstance(name, str) and name in seen:
            yield warn(field, text.format(name), "give each a name of its own")
        if isinstance(name, str):
            seen.add(name)


@rule(
    "taskdef.role-arn",
    "roles",
    scope="definition",
    launch=EVERY,
    meaning="The task role is a role's ARN or short name; of the execution role the API documents the ARN only.",
    fine="roles that can be references",
    source=f"{sources.REGISTER}, fields taskRoleArn and executionRoleArn",
)
def role_arn(case: Case, node: Node) -> Iterator[Mark]:
    yield from over((node.at("taskRoleArn"), node.at("executionRoleArn")), _role, quiet=True)


def _role(field: Node) -> Iterator[Mark]:
    text = field.text()
    if not field.present or _ROLE_ARN.match(text) or is_placeholder(text):
        return
    advice = "write arn:aws:iam::ACCOUNT:role/NAME"
    if text.startswith("arn:") or not _ROLE_NAME.match(text):
        yield fail(field, f"{show(text)} is not the ARN of a role", advice)
    elif field.pointer == "/executionRoleArn":
        yield warn(field, f"{show(text)} is a short name, and the API documents an ARN for the execution role", advice)


@rule(
    "taskdef.image",
    "image reference",
    scope="container",
    launch=EVERY,
    meaning="An image reference has up to 255 characters before its digest and docker's grammar: host, lower case path, "
    "tag or sha256 digest. ECS passes it to docker, which refuses others when the task starts.",
    fine="a reference that docker can read",
    source=f"{sources.REGISTER}, field image; distribution/reference, the grammar that docker uses",
)
def image(case: Case, node: Node) -> Iterator[Mark]:
    yield from over([node.at("image")], _image, quiet=True)


def _image(field: Node) -> Iterator[Mark]:
    text = field.text()
    if not text or is_placeholder(text):
        return
    if len(text.partition("@")[0]) > MOST_IMAGE:
        many = len(text.partition("@")[0])
        yield warn(field, f"an image reference of {many} characters: at most {MOST_IMAGE} are allowed", "shorten it")
    elif not _IMAGE.match(text):
        yield warn(field, f"{show(text)} is not an image reference", "write host/path:tag, the path in lower case")


@rule(
    "taskdef.tags",
    "tags",
    scope="definition",
    launch=EVERY,
    meaning="A key appears once, and does not begin with aws:, which AWS keeps for itself.",
    fine="tags that ECS takes",
    source=f"{sources.REGISTER}, field tags",
)
def tags(case: Case, node: Node) -> Iterator[Mark]:
    seen: set[str] = set()
    for item in node.at("tags").each():
        key = item.at("key")
        try:
            text = key.text()
        except NotKnown:
            continue
        if text and text in seen:
            yield fail(key, f"the tag {show(text)} appears twice", "keep one")
        elif _RESERVED_TAG.match(text):
            yield fail(key, f"{show(text)}: keys that begin with aws: belong to AWS", "use another key")
        seen.add(text)
