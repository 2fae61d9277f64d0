"""Rules on the shape of a document: fields, types, required values, enumerations and ranges, from the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.model import Status
from anywhere.taskdef.rule import EVERY, Case, Mark, rule
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import LOOSE, Fault
from anywhere.taskdef.source.content import Place
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.source.shape import ADDED

_MEANING = (
    "Every field exists, has its type and is not null; required fields are there; values are of the enumerations and "
    "ranges of the service model, and of CloudFormation's schema in templates, where a name in the wrong case is refused."
)
_SOURCE = f"{sources.MODEL}; {sources.SCHEMAS}"
SHAPES = ("taskdef.shape", "service.shape")


@rule(
    "taskdef.shape",
    "fields, types and values",
    scope="definition",
    launch=EVERY,
    meaning=_MEANING,
    fine="every field has a known name, its type and an allowed value",
    source=_SOURCE,
)
def definition(case: Case, node: Node) -> Iterator[Mark]:
    if case.definition:
        yield from _marks(node, case.definition.faults, case.definition.place)


@rule(
    "service.shape",
    "fields, types and values of a service or request",
    scope="service",
    launch=EVERY,
    meaning=_MEANING,
    fine="every field has a known name, its type and an allowed value",
    source=_SOURCE,
)
def service(case: Case, node: Node) -> Iterator[Mark]:
    if case.service:
        yield from _marks(node, case.service.faults, case.service.place)


def _marks(node: Node, found: Sequence[Fault], place: Place) -> Iterator[Mark]:
    for fault in found:
        status = Status.WARN if fault.kind in (LOOSE, ADDED) else Status.FAIL
        where = place.base + fault.pointer if place.encode else place.source(fault.pointer)
        name = fault.pointer.rpartition("/")[2]
        text = (
            f"{name} {fault.text}" if fault.text.startswith(("is ", "has ", "must ", "takes ")) and name else fault.text
        )
        evidence: dict[str, object] = {"fault": fault.kind}
        if fault.fix and place.encode:
            operation = {"op": fault.fix[0], "path": where}
            evidence["patch"] = [operation | ({"value": fault.fix[1]} if len(fault.fix) > 1 else {})]
        yield Mark(status, Node(None, fault.pointer), text, fault.advice, evidence=evidence, source=where)
