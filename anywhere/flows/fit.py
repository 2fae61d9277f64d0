"""`taskdef fit`: ask the hosts, place the tasks, say what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.documents.numbers import whole
from anywhere.errors import AnywhereError, BadInput, NotRecorded
from anywhere.facts.capacity import HostCapacity, capacity, parse_instances
from anywhere.files import read_file
from anywhere.flows.check import check_budget
from anywhere.flows.hosts import Hosts, titles
from anywhere.flows.target import GRACE, Lost, each, recorded
from anywhere.frozen import frozen
from anywhere.inventory import Entry
from anywhere.model import Finding, Target
from anywhere.taskdef.fit.findings import not_seen, targets
from anywhere.taskdef.fit.fit import Wish, fit
from anywhere.taskdef.fit.needs import need
from anywhere.taskdef.fit.started import started
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.load import Document

LARGEST = 64 * 1024 * 1024  # bytes of a description of instances


@frozen
class Request:
    """What is asked: `counts` are `N` or `NAME=N`, `instances` files of described instances, `budget` seconds a host; `assume`
    takes each host as one with docker and a registered agent."""

    hosts: Hosts
    instances: tuple[str, ...]
    counts: tuple[str, ...]
    os: str
    region: str
    reach: bool
    budget: float
    assume: bool = False


def place(documents: Sequence[Document], request: Request) -> tuple[Target, ...]:
    """Place the tasks of these documents: a target a document, one for the hosts, one for each host that could not be
    asked; none without a task. Raises BadInput."""
    check_budget(request.budget)
    wishes = list(_wishes(documents, request))
    if not wishes:
        return ()
    names = sorted({name for _, wish in wishes for name, _ in wish.need.hosts}) if request.reach else []
    hosts, lost, unseen = _hosts(request, names)
    answer = fit([wish for _, wish in wishes], hosts)
    return (*(one.target() for one in lost), *targets(wishes, answer, hosts, unseen, bool(lost or unseen)))


def _wishes(documents: Sequence[Document], request: Request) -> Iterator[tuple[Document, Wish]]:
    counts, everywhere = _counts(request.counts)
    used: set[str] = set()
    for document in documents:
        for definition in document.content.definitions:
            named = next((name for name in (definition.name, definition.family) if name in counts), None)
            used |= {named} if named else set()
            given = counts[named] if named else everywhere
            made = [
                replace(_wish(one, request, given), definition=definition.name if one.name != definition.name else "")
                for one in (started(definition) if given is None else (definition,))
            ]
            # A service scaled to zero wants no place beside others; alone it is asked whether one task would fit.
            some = [wish for wish in made if wish.count or wish.every or given is not None]
            yield from ((document, wish) for wish in some or [replace(wish, count=1) for wish in made[:1]])
    for name in counts.keys() - used:
        raise BadInput(f"--count {name}: no definition has this name")


def _wish(definition: Definition, request: Request, given: int | None) -> Wish:
    wanted = need(definition, request.os, request.region)
    every = given is None and any(_is_daemon(service) for service in definition.services)
    alone = any(_is_distinct(service) for service in definition.services)
    return Wish(replace(wanted, alone=alone), _desired(definition) if given is None else given, every)


def _counts(words: Sequence[str]) -> tuple[dict[str, int], int | None]:
    """Counts by name, and the one for all others. Raises BadInput."""
    counts: dict[str, int] = {}
    everywhere = None
    for word in words:
        name, _, number = word.rpartition("=")
        count = whole(number)
        if count is None or count > 99999:
            raise BadInput(f"--count {word}: give N or NAME=N, N up to 99999")
        if name:
            counts[name] = count
        else:
            everywhere = count
    return counts, everywhere


def _desired(definition: Definition) -> int:
    """What the services ask for together; one where there is none, or where it is not known."""
    numbers = [service.node.at("desiredCount").raw or service.node.at("count").raw for service in definition.services]
    known = [number for text in numbers if (number := whole(str(text))) is not None]
    return sum(known) if known and len(known) == len(numbers) else sum(known) or 1


def _is_daemon(service: Service) -> bool:
    return bool(service.node.at("schedulingStrategy").raw == "DAEMON")


def _is_distinct(service: Service) -> bool:
    return any(item.at("type").raw == "distinctInstance" for item in service.node.at("placementConstraints").each())


def _hosts(request: Request, names: Sequence[str]) -> tuple[list[HostCapacity], list[Lost], list[Finding]]:
    """The hosts' room, those that could not be asked, and a finding for each bundle that does not say enough."""
    hosts = [instance for file in request.instances for instance in _instances(file)]
    asked = request.hosts
    if not asked.given and request.instances:
        return hosts, [], []
    called = titles(asked.entries)

    def ask(entry: Entry) -> HostCapacity | Finding:
        name = called.get(entry.name, entry.name)
        with recorded(entry, asked, request.budget, asked.seconds) as (host, _):
            try:
                found = replace(capacity(host, names), name=name)
                return replace(found, lacks=(), unseen=()) if request.assume else found
            except NotRecorded as error:
                return not_seen(name, str(error))

    results = {done.index: done.result for done in each(asked, ask, asked.seconds + request.budget + GRACE)}
    found = [results[place] for place in sorted(results)]
    hosts += [one for one in found if isinstance(one, HostCapacity)]
    return hosts, [one for one in found if isinstance(one, Lost)], [one for one in found if isinstance(one, Finding)]


def _instances(file: str) -> tuple[HostCapacity, ...]:
    try:
        return parse_instances(read_file(file, LARGEST).decode("utf-8"))
    except AnywhereError as error:
        raise BadInput(f"{file}: {error}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file}: not UTF-8 text") from None
