"""Documents judged: one target a document, one finding for everything that a rule says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from anywhere.documents.json import Locator
from anywhere.documents.numbers import whole
from anywhere.frozen import frozen
from anywhere.model import Finding, Remedy, Status, Target
from anywhere.taskdef.declared import WHAT_DECIDES, launches
from anywhere.taskdef.rule import EVERY, EXTERNAL, LAUNCH_TYPES, MANAGED, Case, Mark, Rule, marks, skip
from anywhere.taskdef.rules import RULES
from anywhere.taskdef.rules.shape import SHAPES
from anywhere.taskdef.shapes.faults import ENUM, MISSING, show
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.load import Document
from anywhere.taskdef.source.node import Node, NotKnown

DECLARED = "declared"
NOT_KNOWN = "not known"
DECIDING = ("taskdef.compatibility", "service.launch-type")
UNREAD = "taskdef.input"


@frozen
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
    for pointer, key in document.parsed.repeated():
        text = f"{show(key)} appears twice in the same object: the last one counts, the others are lost"
        advice = Remedy("keep one")
        yield Finding(UNREAD, Status.WARN, document.name, text, evidence=_where(pointer, locate), remedy=advice)
    items: list[Definition | Service] = [*document.content.definitions, *document.content.services]
    for item in items:
        yield from _once(_item(item, options, locate))


def _item(item: Definition | Service, options: Options, locate: Locator) -> Iterator[Finding]:
    """The findings on one definition or service, for each launch type that counts."""
    is_service = isinstance(item, Service)
    definition = item.definition if isinstance(item, Service) else item
    service = item if isinstance(item, Service) else None

    def case(launch: str) -> Case:
        return Case(launch, definition, service, options.os, options.hosts, tuple(chosen))

    chosen = launches(item) if options.launch == DECLARED else [options.launch]
    rules = [rule for rule in RULES if (rule.scope == "service") == is_service]
    for launch in chosen:
        here = case(launch)  # one for all rules: it remembers what they ask for
        yield from _unjudged(launch, rules, here, item, locate)
        found = [(rule, list(marks(rule, here))) for rule in rules if launch in rule.launch]
        yield from _shown(found, here, item, locate)
    if not chosen:
        cases = {launch: case(launch) for launch in EVERY}
        rule = next(rule for rule in rules if rule.id in DECIDING)
        text = f"the launch type is not known: {WHAT_DECIDES} decides"
        yield finding(rule, case(NOT_KNOWN), item, skip(item.node, text), locate)
        yield from _shown([(rule, _whichever(rule, cases)) for rule in rules], case(NOT_KNOWN), item, locate)


def _whichever(rule: Rule, cases: Mapping[str, Case]) -> list[Mark]:
    """What a rule says whatever the launch type; nothing where it does not hold for all of them."""
    if not set(LAUNCH_TYPES) <= set(rule.launch):
        return []
    found = [list(marks(rule, cases[launch])) for launch in rule.launch]
    others = [{(mark.status, mark.node.pointer, mark.summary) for mark in one} for one in found[1:]]
    return [m for m in found[0] if all((m.status, m.node.pointer, m.summary) in other for other in others)]


def _unjudged(
    launch: str, rules: Sequence[Rule], case: Case, item: Definition | Service, locate: Locator
) -> Iterator[Finding]:
    """Which rules do not know a launch type that has its own."""
    left = [rule.id for rule in rules if launch not in rule.launch and set(LAUNCH_TYPES) <= set(rule.launch)]
    if launch == MANAGED and left:
        rule = next(rule for rule in rules if rule.id in DECIDING)
        yield finding(
            rule, case, item, skip(item.node, f"not checked for managed instances: {', '.join(left)}"), locate
        )


def _shown(
    found: Sequence[tuple[Rule, list[Mark]]], case: Case, item: Definition | Service, locate: Locator
) -> Iterator[Finding]:
    """The findings of all rules. A shape's word on a value is left out where a rule has its own."""
    said = _said(found, item) if item.faults else []
    fine = {**_where(item.place.source(""), locate), "launch_type": case.launch}
    for rule, own in found:
        kept = [mark for mark in own if not _is_said(mark, _source(item, mark), said)] if said else own
        for mark in kept:
            yield finding(rule, case, item, mark, locate)
        if not kept:
            yield Finding(rule.id, Status.PASS, item.name, rule.fine, evidence=fine)


def _said(found: Sequence[tuple[Rule, list[Mark]]], item: Definition | Service) -> list[tuple[str, str]]:
    """Where the rules on more than shapes have something to say, and what."""
    return [
        (_source(item, mark), mark.summary.lower())
        for rule, own in found
        if rule.id not in SHAPES
        for mark in own
        if mark.status is not Status.SKIP
    ]


def _is_said(mark: Mark, source: str, said: Sequence[tuple[str, str]]) -> bool:
    """Whether a rule has its own word on a value outside its enumeration, or on a field that is missing."""
    kind = mark.evidence.get("fault")
    name = mark.summary.partition(" is ")[0].strip('"').lower()
    return kind in (ENUM, MISSING) and any(where == source and name in text for where, text in said)


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Each finding once, with all launch types that it holds for."""
    seen: dict[tuple[object, ...], Finding] = {}
    for one in findings:
        key = (one.check, one.status, one.subject, one.summary, one.evidence.get("pointer"))
        before = seen.get(key)
        if before is None:
            seen[key] = one
            continue
        names = dict.fromkeys((*str(before.evidence["launch_type"]).split(", "), str(one.evidence["launch_type"])))
        seen[key] = replace(before, evidence={**before.evidence, "launch_type": ", ".join(names)})
    yield from seen.values()


def _source(item: Definition | Service, mark: Mark) -> str:
    return mark.source if mark.source is not None else item.place.source(mark.node.pointer)


def finding(rule: Rule, case: Case, item: Definition | Service, mark: Mark, locate: Locator) -> Finding:
    """A mark as reports show it: with the place in the document, and the patch in the document's own names."""
    evidence = _where(_source(item, mark), locate)
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
    if not node.pointer:
        return item.name
    parts = node.pointer.split("/")
    position = whole(parts[2]) if len(parts) > 2 and parts[1].lower() == "containerdefinitions" else None
    containers = list(item.node.at("containerDefinitions").each())
    if position is None or position >= len(containers):
        return item.name
    return f"{item.name}/{_name(containers[position], position)}"


def _name(container: Node, position: int) -> str:
    try:
        return container.at("name").text() or str(position)
    except NotKnown:
        return str(position)
