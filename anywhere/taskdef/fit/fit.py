"""Will these tasks fit on these hosts: a placement, and for each task left over what every host lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from anywhere.frozen import frozen
from anywhere.taskdef.fit.bound import most
from anywhere.taskdef.fit.needs import BROUGHT_BY, NEVER_EXTERNAL, Need
from anywhere.taskdef.fit.pack import Port, Room, Task, place
from anywhere.taskdef.fit.requirements import NEW, OLD, SECURITY
from anywhere.taskdef.ports import MOST_RESERVED, RESERVED_LINUX, RESERVED_WINDOWS
from anywhere.taskdef.query import FIELDS, Comparison, Query, compare, evaluate, shown
from anywhere.taskdef.words import named

LOG_DRIVER, EFS, EXTERNAL = OLD + "logging-driver.", NEW + "efs", NEW + "external"
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
    def open(self) -> Callable[[str], bool]: ...
    @property
    def lacks(self) -> tuple[str, ...]: ...
    @property
    def unseen(self) -> tuple[str, ...]: ...
    @property
    def reachable(self) -> Mapping[str, bool | None]: ...


@frozen
class Wish:
    """So many tasks of a kind; `every` means one on each host (a daemon). `definition` names what several wishes share, where
    a definition has more than one service."""

    need: Need
    count: int
    every: bool = False
    definition: str = ""


@frozen
class Answer:
    """For one wish: how many tasks each host got, how many are left, what each host lacks for one more, and what keeps
    a host from being used although it is not known to lack anything."""

    wish: Wish
    wanted: int
    placed: Mapping[str, int]
    lacking: Mapping[str, tuple[str, ...]]
    open: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """How many tasks found no place."""
        return self.wanted - sum(self.placed.values())


@frozen
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
        Answer(wish, wanted[at], dict(placed[at]), _lacking(at, wishes, placed, hosts, wanted[at]), _open(wish, hosts))
        for at, wish in enumerate(wishes)
    )
    return Fit(answers, most(tasks, rooms))


def _tasks(kind: int, wish: Wish, hosts: Sequence[Capacity]) -> list[Task]:
    need = wish.need
    ports = need.ports | ({(-1 - kind, "one a host")} if wish.every or need.alone else set())
    able = frozenset(place for place, host in enumerate(hosts) if not unable(need, host) and not undecided(need, host))
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


def undecided(need: Need, host: Capacity) -> tuple[str, ...]:
    """What would have to be known of this host, or of the document, before such a task can be placed there."""
    return tuple(_undecided(need, host))


def _undecided(need: Need, host: Capacity) -> Iterator[str]:
    yield from host.unseen
    yield from need.undecided
    for what, wanted, has in (
        ("memory", need.memory, host.memory),
        ("CPU", need.cpu, host.cpu),
        ("GPUs", need.gpus, host.gpus),
        ("architecture", need.arch, host.arch or None),
    ):
        if wanted and has is None:
            yield f"{what}: needs {wanted}, what the host has is not known"
    for name, _ in need.attributes:
        if not list(_attribute(name, "", host)) and not _has(name, host):
            yield f"attribute {name}: not known"
    for query in need.constraints:
        if _holds(query, host) is None:
            yield f"placement constraint {shown(query)}: not known"


def _has(name: str, host: Capacity) -> bool:
    return any(one in (host.attributes or {}) for one in name.split("|"))


def _holds(query: Query | Comparison, host: Capacity) -> bool | None:
    """Whether a host meets a constraint; None where that is not known."""
    values = {**(host.attributes or {}), "ec2InstanceId": host.name}

    def is_closed(name: str) -> bool:
        return name not in FIELDS and (name in NEVER_EXTERNAL or (host.attributes is not None and not host.open(name)))

    return evaluate(query, lambda test: compare(test, values, is_closed))


def _open(wish: Wish, hosts: Sequence[Capacity]) -> dict[str, tuple[str, ...]]:
    found = {host.name: undecided(wish.need, host) for host in hosts if not unable(wish.need, host)}
    return {name: reasons for name, reasons in found.items() if reasons}


def _unable(need: Need, host: Capacity) -> Iterator[str]:
    if host.lacks:
        yield from host.lacks
        return
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
        if not name.startswith(LOG_DRIVER) or host.drivers is None:
            yield from _attribute(name, value, host)
    if EFS in dict(need.attributes) and EXTERNAL in (host.attributes or {}):
        yield "EFS volumes: the agent offers them, and external instances cannot mount them"
    for query in need.constraints:
        if _holds(query, host) is False:
            yield f"placement constraint {shown(query)} does not hold{_instead(query, host)}"


def _instead(query: Query | Comparison, host: Capacity) -> str:
    """What the host has in the place of what a single comparison asks for."""
    if not isinstance(query, Comparison):
        return ""
    name = query.subject.removeprefix("attribute:")
    value = (host.attributes or {}).get(name)
    return f": {name} is {named(value)}" if value is not None else f": the host has no attribute {name}"


def _attribute(name: str, value: str, host: Capacity) -> Iterator[str]:
    is_external = host.attributes is None or EXTERNAL in host.attributes
    if name in NEVER_EXTERNAL and is_external and not _has(name, host):
        yield f"attribute {name}: external instances never have it"
    elif host.attributes is not None and not _has(name, host):
        if any(host.open(one) for one in name.split("|")):
            return
        source = next((source for start, source in BROUGHT_BY.items() if name.startswith(start)), "")
        if name == SECURITY:
            source = "ECS_SELINUX_CAPABLE or ECS_APPARMOR_CAPABLE"
        yield f"attribute {name} is missing" + (f": it comes with {source}" if source else "")
    elif host.attributes is not None and value and host.attributes.get(name) != value:
        yield f"attribute {name} is {named(host.attributes.get(name, ''))}, not {value}"


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
