"""Placing tasks as ECS does: one at a time, each on the best host by the service's strategy, and none moved again.

Source: developer guide, "How Amazon ECS places tasks on container instances" and "Use strategies to define Amazon ECS
task placement". Where the strategy leaves a choice ECS takes any; here it is the host with the fewest tasks of the kind,
then the first one, so that the same input gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from anywhere.frozen import frozen

Port = tuple[int, str]
"""A number and a protocol. A negative number is no port but a mark of which a host can hold one."""
SIZES = ("memory", "cpu", "gpus", "ports")
INSTANCE = ("instanceid", "host")


@frozen
class Strategy:
    """`spread` over a field's values, `binpack` by cpu or memory, or `random`."""

    kind: str
    field: str = ""


DEFAULT = (Strategy("spread", "attribute:ecs.availability-zone"),)
"""What a service has that names none."""


@frozen
class Task:
    """What one task takes: memory in MiB, CPU units, GPUs, fixed ports (one holder a host); `hosts` are those that may
    hold it at all, `kind` tells the tasks of one service from others."""

    memory: int = 0
    cpu: int = 0
    gpus: int = 0
    ports: frozenset[Port] = frozenset()
    hosts: frozenset[int] = frozenset()
    kind: int = 0
    strategy: tuple[Strategy, ...] = DEFAULT

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """What it takes of each of SIZES."""
        return (self.memory, self.cpu, self.gpus, sum(number >= 0 for number, _ in self.ports))


@frozen
class Room:
    """What an empty host has of each of SIZES (`ports`: how many fixed ones it may reserve), and its attributes."""

    memory: int
    cpu: int
    gpus: int = 0
    ports: int = 100
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """The same as a tuple."""
        return (self.memory, self.cpu, self.gpus, self.ports)


class Hosts:
    """The hosts while tasks are placed. No host is ever overfull."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self.rooms = rooms
        self.left = [list(room.sizes) for room in rooms]
        self.ports: list[set[Port]] = [set() for _ in rooms]
        self.count: dict[tuple[int, int], int] = {}

    def fits(self, task: Task, host: int) -> bool:
        """Whether the task could go there now."""
        if host not in task.hosts or not self.ports[host].isdisjoint(task.ports):
            return False
        return all(size <= left for size, left in zip(task.sizes, self.left[host]))

    def put(self, task: Task, host: int) -> None:
        """Place a task that fits."""
        for at, size in enumerate(task.sizes):
            self.left[host][at] -= size
        self.ports[host] |= task.ports
        self.count[host, task.kind] = self.count.get((host, task.kind), 0) + 1

    def rank(self, task: Task, host: int) -> tuple[int, ...]:
        """The smaller, the better for this task's strategy; what it leaves open goes by fewest of its kind, then order."""
        return (*self._ranks(task, host), self.count.get((host, task.kind), 0), host)

    def _ranks(self, task: Task, host: int) -> Iterator[int]:
        for strategy in task.strategy:
            if strategy.kind == "spread":
                yield self._spread(task.kind, host, strategy.field)
            elif strategy.kind == "binpack" and strategy.field in SIZES:
                yield self.left[host][SIZES.index(strategy.field)]

    def _spread(self, kind: int, host: int, name: str) -> int:
        """How many tasks of the kind run where this field has this host's value."""
        if name.lower() in INSTANCE:
            return self.count.get((host, kind), 0)
        name = name.removeprefix("attribute:")
        value = self.rooms[host].attributes.get(name, "")
        alike = (at for at, room in enumerate(self.rooms) if room.attributes.get(name, "") == value)
        return sum(self.count.get((at, kind), 0) for at in alike)


def place(tasks: Sequence[Task], rooms: Sequence[Room]) -> tuple[int | None, ...]:
    """The host of each task, in their order; None where it found none. A task that finds none does not stop the rest."""
    hosts = Hosts(rooms)
    places: list[int | None] = []
    for task in tasks:
        able = [host for host in sorted(task.hosts) if hosts.fits(task, host)]
        chosen = min(able, key=lambda host: hosts.rank(task, host), default=None)
        if chosen is not None:
            hosts.put(task, chosen)
        places.append(chosen)
    return tuple(places)
