"""Will these tasks fit on these hosts: a placement, and for each task left over what every host lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from anywhere.taskdef.fit.bound import most
from anywhere.taskdef.fit.needs import BROUGHT_BY, NEVER_EXTERNAL, Need
from anywhere.taskdef.fit.pack import Port, Room, Task, place
from anywhere.taskdef.ports import MOST_RESERVED, RESERVED_LINUX, RESERVED_WINDOWS

UDP_UNSEEN = "listening UDP ports are not seen"


class Capacity(Protocol):
    """What a host has to give; None where it is not known. Memory in MiB, CPU in units of 1/1024."""

    @property
    def name(self) -> str: ...
    @property
    def memory(self) -> int | None: ...
    @property
    def cpu(self) -> int | None: ...
    @property
    def gpus(self) -> int | None: ...
    @property
    def arch(self) -> str: ...
    @property
    def os(self) -> str: ...
    @property
    def ports(self) -> frozenset[Port]: ...
    @property
    def drivers(self) -> frozenset[str] | None: ...
    @property
    def attributes(self) -> Mapping[str, str] | None: ...
    @property
    def reachable(self) -> Mapping[str, bool | None]: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """So many tasks of a kind; `every` means one on each host (a daemon), `alone` at most one a host."""

    need: Need
    count: int
    every: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """For one wish: how many tasks each host got, how many are left, and what each host lacks for one more."""

    wish: Wish
    wanted: int
    placed: Mapping[str, int]
    lacking: Mapping[str, tuple[str, ...]]

    @property
    def left(self) -> int:
        """How many tasks found no place."""
        return self.wanted - sum(self.placed.values())


@dataclass(frozen=True, slots=True)
class Fit:
    """The answers in the order of the wishes. No placement whatever holds more than `most` tasks."""

    answers: tuple[Answer, ...]
    most: int

    @property
    def wanted(self) -> int:
        """All tasks asked for."""
        return sum(answer.wanted for answer in self.answers)

    @property
    def placed(self) -> int:
        """All tasks with a place."""
        return sum(answer.wanted - answer.left for answer in self.answers)

    @property
    def proven(self) -> bool:
        """Whether the answer holds for every placement: all have a place, or it is proven that not all can."""
        return self.placed == self.wanted or self.most < self.wanted


def fit(wishes: Sequence[Wish], hosts: Sequence[Capacity]) -> Fit:
    """Where ECS would put the tasks, and the reasons of the rest. Daemons go first, as ECS gives them precedence."""
    tasks = [
        task
        for every in (True, False)
        for at, wish in enumerate(wishes)
        if wish.every is every
        for task in _tasks(at, wish, hosts)
    ]
    rooms = [_room(host) for host in hosts]
    placed: list[Counter[str]] = [Counter() for _ in wishes]
    for task, host in zip(tasks, place(tasks, rooms)):
        if host is not None:
            placed[task.kind][hosts[host].name] += 1
    wanted = Counter(task.kind for task in tasks)
    answers = tuple(
        Answer(wish, wanted[at], dict(placed[at]), _lacking(at, wishes, placed, hosts, wanted[at]))
        for at, wish in enumerate(wishes)
    )
    return Fit(answers, most(tasks, rooms))


def _tasks(kind: int, wish: Wish, hosts: Sequence[Capacity]) -> list[Task]:
    need = wish.need
    ports = need.ports | ({(-1 - kind, "one a host")} if wish.every or need.alone else set())
    able = frozenset(place for place, host in enumerate(hosts) if not unable(need, host))
    task = Task(need.memory, need.cpu, need.gpus, frozenset(ports), able, kind, need.strategy)
    return [task] * (len(hosts) if wish.every else wish.count)


def _room(host: Capacity) -> Room:
    """The host's room; what is not known does not limit, and the report says so."""
    reserved = len(RESERVED_WINDOWS if host.os == "windows" else RESERVED_LINUX)
    plenty = 2**30
    memory = plenty if host.memory is None else host.memory
    gpus = plenty if host.gpus is None else host.gpus
    cpu = plenty if host.cpu is None else host.cpu
    return Room(memory, cpu, gpus, MOST_RESERVED - reserved, host.attributes or {})


def unable(need: Need, host: Capacity) -> tuple[str, ...]:
    """Why this host cannot run such a task even when it is empty; nothing where it can, or where that is not known."""
    return tuple(_unable(need, host))


def _unable(need: Need, host: Capacity) -> Iterator[str]:
    if host.memory is not None and need.memory > host.memory:
        yield f"memory: needs {need.memory} MiB, has {host.memory}"
    if host.cpu is not None and need.cpu > host.cpu:
        yield f"CPU: needs {need.cpu} units, has {host.cpu}"
    if need.gpus > (host.gpus or 0) and host.gpus is not None:
        yield f"GPU: needs {need.gpus}, has {host.gpus}"
    if need.arch and host.arch and need.arch != host.arch:
        yield f"architecture: needs {need.arch}, is {host.arch}"
    if host.os and need.windows != (host.os == "windows"):
        yield f"operating system: needs {'windows' if need.windows else 'linux'}, is {host.os}"
    reserved = RESERVED_WINDOWS if host.os == "windows" else RESERVED_LINUX
    for port, spoken in sorted(need.ports):
        if (port, spoken) in host.ports:
            yield f"port {port}/{spoken} is taken"
        elif spoken == "tcp" and port in reserved:
            yield f"port {port}/tcp is kept by the host"
    for driver in sorted(need.drivers):
        if host.drivers is not None and driver not in host.drivers:
            yield f"log driver {driver} is not enabled"
    for name, value in need.attributes:
        yield from _attribute(name, value, host)


def _attribute(name: str, value: str, host: Capacity) -> Iterator[str]:
    if name in NEVER_EXTERNAL:
        yield f"attribute {name}: external instances never have it"
    elif host.attributes is not None and name not in host.attributes:
        source = next((source for start, source in BROUGHT_BY.items() if name.startswith(start)), "")
        yield f"attribute {name} is missing" + (f": it comes with {source}" if source else "")
    elif host.attributes is not None and value and host.attributes.get(name) != value:
        yield f"attribute {name} is {host.attributes.get(name) or 'empty'}, not {value}"


def _lacking(
    at: int, wishes: Sequence[Wish], placed: Sequence[Counter[str]], hosts: Sequence[Capacity], wanted: int
) -> dict[str, tuple[str, ...]]:
    """What each host lacks for one more task of this wish, after the placement."""
    wish = wishes[at]
    if sum(placed[at].values()) >= wanted:
        return {}
    return {host.name: unable(wish.need, host) or tuple(_short(at, wishes, placed, host)) for host in hosts}


def _short(at: int, wishes: Sequence[Wish], placed: Sequence[Counter[str]], host: Capacity) -> Iterator[str]:
    """What other placed tasks leave too little of."""
    need = wishes[at].need
    here = [(wish, count[host.name]) for wish, count in zip(wishes, placed) if count[host.name]]
    for what, unit, has in (
        ("memory", "MiB", host.memory),
        ("cpu", "CPU units", host.cpu),
        ("gpus", "GPUs", host.gpus),
    ):
        used = sum(getattr(wish.need, what) * count for wish, count in here)
        wanted = getattr(need, what)
        if has is not None and wanted > has - used:
            yield f"needs {wanted} {unit}, {has - used} of {has} are left"
    for port, spoken in sorted(need.ports):
        holders = [wish.need.name for wish, _ in here if (port, spoken) in wish.need.ports]
        if holders:
            yield f"port {port}/{spoken} goes to {holders[0]}"
    if (wishes[at].every or need.alone) and placed[at][host.name]:
        yield "has one already, and takes one"
    fixed = sum(len(wish.need.ports) * count for wish, count in here)
    room = _room(host).ports
    if fixed + len(need.ports) > room:
        yield f"reserved ports: {room - fixed} of {room} are left"
