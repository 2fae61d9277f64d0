"""`anywhere taskdef fit`: read the definitions, ask the hosts, place the tasks, say what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from anywhere.cli.output import read
from anywhere.cli.taskdef.check import UNREADABLE, complain, now, show_documents
from anywhere.errors import AnywhereError, BadInput
from anywhere.facts.capacity import HostCapacity, capacity, parse_instances
from anywhere.flows.hosts import Hosts, titles
from anywhere.inventory import Entry
from anywhere.model import Finding, Remedy, Report, Status, Target
from anywhere.report.documents import HOSTS
from anywhere.taskdef.fit.fit import UDP_UNSEEN, Answer, Fit, Wish, fit
from anywhere.taskdef.fit.needs import need
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.load import Document

LARGEST = 64 * 1024 * 1024  # bytes of a description of instances
PLACEMENT, REACH, HOST, PORTS, PROXY = "fit.placement", "fit.reach", "fit.host", "fit.port-dynamic", "fit.proxy"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked on the command line."""

    hosts: Hosts
    instances: tuple[str, ...]
    counts: tuple[str, ...]
    os: str
    region: str
    reach: bool
    budget: float


def run(files: Sequence[str], request: Request, format: str, output: str) -> int:
    """Place the tasks of these files on the hosts and show the answer; the exit code."""
    from anywhere.flows.documents import read_documents
    from anywhere.report import renderer

    renderer(format)
    found = read_documents(files)
    complain(found.problems)
    wishes = list(_wishes(found.documents, request))
    if not wishes:
        return UNREADABLE if found.problems else 0
    began, started = time.monotonic(), now()
    names = sorted({name for _, wish in wishes for name, _ in wish.need.hosts}) if request.reach else []
    hosts, lost = _hosts(request, names)
    answer = fit([wish for _, wish in wishes], hosts)
    targets = list(_targets(wishes, answer, hosts, lost))
    seconds = round(time.monotonic() - began, 3)
    report = Report(tuple(replace(target, started=started, seconds=seconds) for target in targets))
    show_documents(report, format, output)
    return UNREADABLE if found.problems else report.exit_code()


def _wishes(documents: Sequence[Document], request: Request) -> Iterator[tuple[Document, Wish]]:
    counts, everywhere = _counts(request.counts)
    used: set[str] = set()
    for document in documents:
        for definition in document.content.definitions:
            named = next((name for name in (definition.name, definition.family) if name in counts), None)
            used |= {named} if named else set()
            given = counts[named] if named else everywhere
            wanted = need(definition, request.os, request.region)
            every = given is None and any(_is_daemon(service) for service in definition.services)
            alone = any(_is_distinct(service) for service in definition.services)
            count = given if given is not None else _desired(definition)
            yield document, Wish(replace(wanted, alone=alone), count, every)
    for name in counts.keys() - used:
        raise BadInput(f"--count {name}: no definition has this name")


def _counts(words: Sequence[str]) -> tuple[dict[str, int], int | None]:
    """Counts by name, and the one for all others. Raises BadInput."""
    counts: dict[str, int] = {}
    everywhere = None
    for word in words:
        name, _, number = word.rpartition("=")
        if not number.isdecimal() or len(number) > 5:
            raise BadInput(f"--count {word}: give N or NAME=N")
        if name:
            counts[name] = int(number)
        else:
            everywhere = int(number)
    return counts, everywhere


def _desired(definition: Definition) -> int:
    """What the services ask for together; one where there is none, or where it is not known."""
    numbers = [service.node.at("desiredCount").raw or service.node.at("count").raw for service in definition.services]
    return sum(int(number) for number in numbers if str(number).isdecimal()) or 1


def _is_daemon(service: Service) -> bool:
    return bool(service.node.at("schedulingStrategy").raw == "DAEMON")


def _is_distinct(service: Service) -> bool:
    return any(item.at("type").raw == "distinctInstance" for item in service.node.at("placementConstraints").each())


def _hosts(request: Request, names: Sequence[str]) -> tuple[list[HostCapacity], list[Finding]]:
    """The hosts' room, and a finding for each that could not be asked."""
    from anywhere.flows.fleet import Fleet

    hosts = [instance for file in request.instances for instance in _instances(file)]
    lost: list[Finding] = []
    entries = request.hosts.entries if request.hosts.given or not request.instances else ()
    called = titles(entries)
    asked: dict[int, HostCapacity | Finding] = {}
    fleet: Fleet[Entry, HostCapacity | Finding] = Fleet(
        entries,
        lambda entry: _ask(entry, called.get(entry.name, entry.name), names, request),
        lambda entry: _lost(entry.name, "no answer in time"),
        request.hosts.parallel,
        request.hosts.seconds + request.budget,
    )
    for done in fleet.run():
        asked[done.index] = done.result
    for at in sorted(asked):
        result = asked[at]
        if isinstance(result, HostCapacity):
            hosts.append(result)
        else:
            lost.append(result)
    return hosts, lost


def _instances(file: str) -> tuple[HostCapacity, ...]:
    try:
        return parse_instances(read(file, LARGEST).decode("utf-8"))
    except AnywhereError as error:
        raise BadInput(f"{file}: {error}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file}: not UTF-8 text") from None


def _ask(entry: Entry, name: str, names: Sequence[str], request: Request) -> HostCapacity | Finding:
    from anywhere.hosts.open import open_recorded

    try:
        host = open_recorded(entry.spec, request.budget, request.hosts.ssh, request.hosts.seconds)
        try:
            return replace(capacity(host, names), name=name)
        finally:
            host.close()
    except BadInput:
        raise
    except AnywhereError as error:
        return _lost(name, str(error).removeprefix(f"{name}: "))


def _lost(spec: str, why: str) -> Finding:
    return Finding(HOST, Status.ERROR, spec, f"could not be asked: {why}", remedy=Remedy("see anywhere check --host"))


def _targets(
    wishes: Sequence[tuple[Document, Wish]], answer: Fit, hosts: Sequence[HostCapacity], lost: Sequence[Finding]
) -> Iterator[Target]:
    documents = {document.name: document for document, _ in wishes}
    for name, document in documents.items():
        findings: list[Finding] = []
        for (owner, wish), part in zip(wishes, answer.answers):
            if owner is document:
                findings += _placement(part, answer.proven, bool(lost))
                findings += _reaches(wish, hosts)
                findings += _dynamic(wish, hosts)
                findings += _proxies(wish, hosts)
        yield Target(name, "document", findings=tuple(findings))
    yield Target(HOSTS, "document", findings=(*lost, *_summary(answer, hosts, lost)))


def _placement(part: Answer, proven: bool, lost: bool) -> Iterator[Finding]:
    name, done = part.wish.need.name, part.wanted - part.left
    evidence: dict[str, object] = {"placed": dict(part.placed), "wanted": part.wanted, "pointer": ""}
    if part.wish.need.unknown:
        evidence["unknown"] = list(part.wish.need.unknown)
    where = ", ".join(f"{count} on {host}" for host, count in part.placed.items())
    text = f"{done} of {part.wanted} placed" + (f": {where}" if where else "")
    if part.left:
        evidence["lacking"] = {host: list(reasons) for host, reasons in part.lacking.items()}
        why = "; ".join(f"{host}: {', '.join(reasons) or 'no room'}" for host, reasons in part.lacking.items())
        text += f". The rest lacks: {why or 'a host'}"
        text += "" if proven else " (not proven: the search for a better placement was cut)"
        advice = Remedy("add a host, or change what is lacking")
        status = Status.ERROR if lost else Status.FAIL
        yield Finding(PLACEMENT, status, name, text, evidence=evidence, remedy=advice)
        return
    yield Finding(PLACEMENT, Status.PASS, name, text, evidence=evidence | {"note": True})
    if part.wish.need.unknown:
        because = f"not known from the document: {', '.join(part.wish.need.unknown)}"
        yield Finding(PLACEMENT, Status.SKIP, name, because, evidence={"because": because, "pointer": ""})


def _reaches(wish: Wish, hosts: Sequence[HostCapacity]) -> Iterator[Finding]:
    for name, why in wish.need.hosts:
        answers = {host.name: host.reachable[name] for host in hosts if name in host.reachable}
        missed = [host for host, answer in answers.items() if answer is False]
        unknown = [host for host, answer in answers.items() if answer is None]
        evidence = {"endpoint": name, "for": why, "pointer": "", "reached": answers}
        if missed:
            text = f"{name} ({why}) is not reached from {', '.join(missed)}"
            advice = Remedy("see anywhere check on that host, and what the firewall lets through")
            yield Finding(REACH, Status.FAIL, wish.need.name, text, evidence=evidence, remedy=advice)
        elif unknown or not answers:
            because = f"whether {name} ({why}) can be reached is not known from {', '.join(unknown) or 'any host'}"
            yield Finding(REACH, Status.SKIP, wish.need.name, because, evidence=evidence | {"because": because})
        else:
            text = f"{name} ({why}) is reached from {'every host' if len(answers) > 1 else hosts[0].name}"
            yield Finding(REACH, Status.PASS, wish.need.name, text, evidence=evidence)


def _dynamic(wish: Wish, hosts: Sequence[HostCapacity]) -> Iterator[Finding]:
    for port, spoken in sorted(wish.need.ports):
        inside = [h.name for h in hosts if h.dynamic and h.dynamic[0] <= port <= h.dynamic[1]]
        if inside:
            text = f"port {port}/{spoken} lies in the dynamic range of {', '.join(inside)}: it is now and then taken"
            advice = Remedy("choose a port outside net.ipv4.ip_local_port_range")
            yield Finding(PORTS, Status.WARN, wish.need.name, text, evidence={"pointer": ""}, remedy=advice)
        if spoken == "udp" and any(host.attributes is None for host in hosts):
            because = f"port {port}/udp: {UDP_UNSEEN}"
            yield Finding(PORTS, Status.SKIP, wish.need.name, because, evidence={"because": because, "pointer": ""})


def _proxies(wish: Wish, hosts: Sequence[HostCapacity]) -> Iterator[Finding]:
    """Containers do not inherit the proxy of docker or of the agents (amazon-ecs-agent#2809)."""
    behind = [host.name for host in hosts if host.proxied]
    if behind and not wish.need.proxied:
        text = f"{', '.join(behind)} goes out by a proxy, and the containers have none: they do not inherit it"
        advice = Remedy(
            "set HTTPS_PROXY, and NO_PROXY with 169.254.170.2,169.254.169.254, in the container's environment"
        )
        yield Finding(PROXY, Status.WARN, wish.need.name, text, evidence={"pointer": ""}, remedy=advice)


def _summary(answer: Fit, hosts: Sequence[HostCapacity], lost: Sequence[Finding]) -> Iterator[Finding]:
    for host in hosts:
        words = {"memory": "memory", "cpu": "CPU", "gpus": "GPUs", "drivers": "log drivers"}
        blanks = [word for name, word in words.items() if getattr(host, name) is None]
        blanks = [word for word in blanks if not any(word in note for note in host.notes)]
        for note in (*host.notes, *(f"{word}: not known, so not counted" for word in blanks)):
            yield Finding(HOST, Status.SKIP, host.name, note, evidence={"because": note})
    text = f"{answer.placed} of {answer.wanted} tasks placed on {len(hosts)} host" + ("s" if len(hosts) != 1 else "")
    status = Status.PASS if answer.placed == answer.wanted else Status.FAIL
    if lost and status is Status.FAIL:
        status = Status.ERROR
    evidence = {"placed": answer.placed, "wanted": answer.wanted, "proven": answer.proven, "note": True}
    yield Finding(PLACEMENT, status, "all", text, evidence=evidence)
