"""Documents judged: one target a document, one finding for everything that a rule says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from anywhere.documents.json import Locator
from anywhere.model import Finding, Remedy, Status, Target
from anywhere.taskdef.rule import EXTERNAL, LAUNCH_TYPES, Case, Mark, Rule, marks
from anywhere.taskdef.rules import RULES
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.load import Document
from anywhere.taskdef.source.node import Node, NotKnown

DECLARED = "declared"
UNREAD = "taskdef.input"


@dataclass(frozen=True, slots=True)
class Options:
    """What to judge for. `launch` is a launch type, or `declared` for those that each definition or service names."""

    launch: str = EXTERNAL
    os: str = ""
    hosts: int = 0


def judge(documents: Iterable[Document], options: Options) -> Iterator[Target]:
    """One target a document, in their order; documents must be linked."""
    for document in documents:
        yield Target(document.name, "document", findings=tuple(_findings(document, options)))


def _findings(document: Document, options: Options) -> Iterator[Finding]:
    locate = document.parsed.locator()
    for pointer, why in document.content.unread:
        evidence = {"because": why, **_where(pointer, locate)}
        yield Finding(
            UNREAD, Status.SKIP, document.name, f"cannot be known before deployment: {why}", evidence=evidence
        )
    for definition in document.content.definitions:
        for launch in _launches(definition, options):
            case = Case(launch, definition, None, options.os, options.hosts)
            yield from _case(case, definition, locate)
    for service in document.content.services:
        for launch in _launches(service, options):
            case = Case(launch, service.definition, service, options.os, options.hosts)
            yield from _case(case, service, locate)


def _launches(item: Definition | Service, options: Options) -> list[str]:
    """The launch types to judge an item for; external where nothing is declared."""
    if options.launch != DECLARED:
        return [options.launch]
    names: set[str] = set()
    if isinstance(item, Service):
        names.add(str(item.node.at("launchType").raw).lower())
    else:
        names |= {str(entry.raw).lower() for entry in item.node.at("requiresCompatibilities").each()}
        names |= {str(service.node.at("launchType").raw).lower() for service in item.services}
    return [launch for launch in LAUNCH_TYPES if launch in names] or [EXTERNAL]


def _case(case: Case, item: Definition | Service, locate: Locator) -> Iterator[Finding]:
    for rule in RULES:
        if case.launch in rule.launch and (rule.scope == "service") == (case.service is not None):
            found = list(marks(rule, case)) or [Mark(Status.PASS, item.node, rule.fine)]
            for mark in found:
                yield finding(rule, case, item, mark, locate)


def finding(rule: Rule, case: Case, item: Definition | Service, mark: Mark, locate: Locator) -> Finding:
    """A mark as reports show it: with the place in the document, and the patch in the document's own names."""
    evidence = _where(item.place.source(mark.node.pointer), locate)
    if item.place.encode is None and mark.node.pointer:
        evidence["attribute"] = mark.node.pointer
    evidence["launch_type"] = case.launch
    evidence.update(mark.evidence)
    if mark.edits and (patch := item.place.patch(mark.edits)):
        evidence["patch"] = patch
    remedy = Remedy(mark.remedy + _attribute(item, mark.node)) if mark.remedy else None
    return Finding(rule.id, mark.status, _subject(item, mark.node), mark.summary, evidence=evidence, remedy=remedy)


def _attribute(item: Definition | Service, node: Node) -> str:
    """Which attribute of which resource a generated document was made of."""
    if item.place.encode is not None:
        return ""
    path = item.place.source(node.pointer).removeprefix(item.place.base).lstrip("/")
    return f" ({path.split('/')[0]} of {item.name})" if path else f" ({item.name})"


def _where(pointer: str, locate: Locator) -> dict[str, object]:
    line, column = locate(pointer)
    return {"pointer": pointer, "line": line, "column": column}


def _subject(item: Definition | Service, node: Node) -> str:
    """What was looked at: the definition or service, and the container where it is one container's."""
    parts = node.pointer.split("/")
    if len(parts) < 3 or parts[1] != "containerDefinitions" or not parts[2].isdecimal():
        return item.name
    containers = list(item.node.at("containerDefinitions").each())
    position = int(parts[2])
    if position >= len(containers):
        return item.name
    return f"{item.name}/{_name(containers[position], position)}"


def _name(container: Node, position: int) -> str:
    try:
        return container.at("name").text() or str(position)
    except NotKnown:
        return str(position)
