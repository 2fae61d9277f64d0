"""What the placement means, as findings: one target a document, and one for the hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from anywhere.model import Finding, Remedy, Status, Target
from anywhere.taskdef.fit.fit import UDP_UNSEEN, Answer, Capacity, Fit, Wish
from anywhere.taskdef.source.load import Document

PLACEMENT, REACH, HOST, PORTS, PROXY = "fit.placement", "fit.reach", "fit.host", "fit.port-dynamic", "fit.proxy"
HOSTS = "hosts"  # the target of what is said about the hosts


class Room(Capacity, Protocol):
    """A host's capacity, and what else about it matters here."""

    @property
    def dynamic(self) -> tuple[int, int] | None: ...
    @property
    def proxied(self) -> bool | None: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


def not_seen(name: str, why: str) -> Finding:
    """A saved bundle that does not hold what has to be known."""
    advice = Remedy("save the host's bundle again with `anywhere check --save FILE` of this version")
    return Finding(HOST, Status.ERROR, name, f"could not be asked: {why}", remedy=advice)


def targets(
    wishes: Sequence[tuple[Document, Wish]],
    answer: Fit,
    hosts: Sequence[Room],
    unseen: Sequence[Finding],
    lost: bool,
) -> Iterator[Target]:
    """One for each document and one for the hosts; `lost` is whether some could not be asked, `unseen` says which of
    the saved ones."""
    documents = {document.name: document for document, _ in wishes}
    for name, document in documents.items():
        findings: list[Finding] = []
        shown: set[str] = set()
        for (owner, wish), part in zip(wishes, answer.answers):
            if owner is document:
                findings += _placement(part, answer, lost)
                findings += _of_definition(wish, hosts, shown)
        yield Target(name, "document", findings=tuple(findings))
    yield Target(HOSTS, "document", findings=(*unseen, *_summary(answer, hosts, lost)))


def _of_definition(wish: Wish, hosts: Sequence[Room], shown: set[str]) -> Iterator[Finding]:
    """What holds for every task of a definition, whatever starts it: once for all of its services."""
    if wish.definition in shown:
        return
    if wish.definition:
        shown.add(wish.definition)
        wish = replace(wish, need=replace(wish.need, name=wish.definition))
    yield from _reaches(wish, hosts)
    yield from _dynamic(wish, hosts)
    yield from _proxies(wish, hosts)


def _placement(part: Answer, answer: Fit, lost: bool) -> Iterator[Finding]:
    name, done = part.wish.need.name, part.wanted - part.left
    evidence: dict[str, object] = {"placed": dict(part.placed), "wanted": part.wanted, "pointer": ""}
    if part.wish.need.unknown:
        evidence["unknown"] = list(part.wish.need.unknown)
    where = ", ".join(f"{count} on {host}" for host, count in part.placed.items())
    text = f"{done} of {part.wanted} placed" + (f": {where}" if where else "")
    if part.left and part.open:
        evidence["unknown"] = {host: list(reasons) for host, reasons in part.open.items()}
        why = "; ".join(f"{host}: {', '.join(reasons)}" for host, reasons in part.open.items())
        advice = Remedy(_to_know(part))
        text += f". Not known whether the rest fits: {why}"
        yield Finding(PLACEMENT, Status.ERROR, name, text, evidence=evidence, remedy=advice)
        return
    if part.left:
        evidence["lacking"] = {host: list(reasons) for host, reasons in part.lacking.items()}
        why = "; ".join(f"{host}: {', '.join(reasons) or 'no room'}" for host, reasons in part.lacking.items())
        text += f". The rest lacks: {why or 'a host'}"
        text += f". {_proof(answer)}"
        advice = Remedy("add a host, or change what is lacking")
        status = Status.ERROR if lost else Status.FAIL
        yield Finding(PLACEMENT, status, name, text, evidence=evidence, remedy=advice)
        return
    yield Finding(PLACEMENT, Status.PASS, name, text, evidence=evidence | {"note": True})
    if part.wish.need.unknown:
        because = f"not known from the document: {', '.join(part.wish.need.unknown)}"
        yield Finding(PLACEMENT, Status.SKIP, name, because, evidence={"because": because, "pointer": ""})


def _to_know(part: Answer) -> str:
    """Where to read what is not known: in the hosts, or in what the document becomes when it is deployed."""
    of_document = set(part.wish.need.undecided)
    is_known = all(of_document.issuperset(reasons) for reasons in part.open.values())
    deployed = "deploy the template, and run fit on what describe-task-definition prints"
    host = "save the host's bundle as root, or describe the instance (--instance)"
    return deployed if is_known else f"{host}; {deployed}" if of_document else host


def _proof(answer: Fit) -> str:
    if answer.most < answer.wanted:
        return f"Proven: no placement holds more than {answer.most} of {answer.wanted} tasks"
    return "Not proven: ECS places one task at a time and moves none; another order or strategy might fit"


def _reaches(wish: Wish, hosts: Sequence[Room]) -> Iterator[Finding]:
    for name, why in wish.need.hosts:
        answers = {host.name: host.reachable[name] for host in hosts if name in host.reachable}
        missed = [host for host, answer in answers.items() if answer is False]
        unknown = [host for host, answer in answers.items() if answer is None]
        evidence = {"endpoint": name, "for": why, "pointer": "", "reached": answers}
        if missed:
            text = f"{name} ({why}) is not reached from {', '.join(missed)}"
            advice = Remedy("Run `anywhere check` on that host, and look at what the firewall allows.")
            yield Finding(REACH, Status.FAIL, wish.need.name, text, evidence=evidence, remedy=advice)
        elif unknown or not answers:
            because = f"whether {name} ({why}) can be reached is not known from {', '.join(unknown) or 'any host'}"
            yield Finding(REACH, Status.SKIP, wish.need.name, because, evidence=evidence | {"because": because})
        else:
            text = f"{name} ({why}) is reached from {'every host' if len(answers) > 1 else hosts[0].name}"
            yield Finding(REACH, Status.PASS, wish.need.name, text, evidence=evidence)


def _dynamic(wish: Wish, hosts: Sequence[Room]) -> Iterator[Finding]:
    for port, spoken in sorted(wish.need.ports):
        inside = [h.name for h in hosts if h.dynamic and h.dynamic[0] <= port <= h.dynamic[1]]
        if inside:
            text = f"port {port}/{spoken} lies in the dynamic range of {', '.join(inside)}: it is now and then taken"
            advice = Remedy("choose a port outside net.ipv4.ip_local_port_range")
            yield Finding(PORTS, Status.WARN, wish.need.name, text, evidence={"pointer": ""}, remedy=advice)
        if spoken == "udp" and any(host.attributes is None for host in hosts):
            because = f"port {port}/udp: {UDP_UNSEEN}"
            yield Finding(PORTS, Status.SKIP, wish.need.name, because, evidence={"because": because, "pointer": ""})


def _proxies(wish: Wish, hosts: Sequence[Room]) -> Iterator[Finding]:
    """Containers do not inherit the proxy of docker or of the agents (amazon-ecs-agent#2809)."""
    behind = [host.name for host in hosts if host.proxied]
    if behind and not wish.need.proxied:
        text = f"{', '.join(behind)} goes out by a proxy, and the containers have none: they do not inherit it"
        advice = Remedy(
            "set HTTPS_PROXY, and NO_PROXY with 169.254.170.2,169.254.169.254, in the container's environment"
        )
        yield Finding(PROXY, Status.WARN, wish.need.name, text, evidence={"pointer": ""}, remedy=advice)


def _summary(answer: Fit, hosts: Sequence[Room], lost: bool) -> Iterator[Finding]:
    for host in hosts:
        words = {"memory": "memory", "cpu": "CPU", "drivers": "log drivers"}
        blanks = [word for name, word in words.items() if getattr(host, name) is None]
        blanks = [word for word in blanks if not any(word in note for note in host.notes)]
        for note in (*host.notes, *(f"{word}: not known" for word in blanks)):
            yield Finding(HOST, Status.SKIP, host.name, note, evidence={"because": note})
    text = f"{answer.placed} of {answer.wanted} tasks placed on {len(hosts)} host" + ("s" if len(hosts) != 1 else "")
    status = Status.PASS if answer.placed == answer.wanted else Status.FAIL
    lost = lost or any(part.left and part.open for part in answer.answers)
    if lost and status is Status.FAIL:
        status = Status.ERROR
    evidence = {
        "placed": answer.placed,
        "wanted": answer.wanted,
        "most": answer.most,
        "proven": answer.proven,
        "note": True,
    }
    yield Finding(PLACEMENT, status, "all", text, evidence=evidence)
