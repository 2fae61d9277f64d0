"""The packing problem: tasks with needs, bins with room, and a state that never overfills a bin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Port = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Item:
    """A task: memory in MiB, CPU units, GPUs, fixed ports (one holder a bin), and the bins that may hold it at all."""

    memory: int = 0
    cpu: int = 0
    gpus: int = 0
    ports: frozenset[Port] = frozenset()
    bins: frozenset[int] = frozenset()

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """What it takes of each dimension of a bin: memory, CPU, GPUs, reserved ports."""
        return (self.memory, self.cpu, self.gpus, len(self.ports))


@dataclass(frozen=True, slots=True)
class Bin:
    """A host's room in the same dimensions; `ports` is how many more fixed ports it may reserve."""

    memory: int
    cpu: int
    gpus: int = 0
    ports: int = 100

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """The room in each dimension."""
        return (self.memory, self.cpu, self.gpus, self.ports)


@dataclass(frozen=True, slots=True)
class Packing:
    """Where each item went (None: nowhere), and whether it is proven that no packing holds more of them."""

    places: tuple[int | None, ...]
    proven: bool

    @property
    def placed(self) -> int:
        """How many items have a place."""
        return sum(place is not None for place in self.places)


class State:
    """A partial packing that is valid at every step."""

    def __init__(self, items: Sequence[Item], bins: Sequence[Bin]) -> None:
        self.items = items
        self.bins = bins
        self.room = [list(bin.sizes) for bin in bins]
        self.ports: list[set[Port]] = [set() for _ in bins]
        self.held: list[list[int]] = [[] for _ in bins]
        self.places: list[int | None] = [None] * len(items)
        self.work = 0

    def copy(self) -> State:
        """The same packing, to keep."""
        other = State(self.items, self.bins)
        for item, bin in enumerate(self.places):
            if bin is not None:
                other.put(item, bin)
        return other

    def fits(self, item: int, bin: int) -> bool:
        """Whether an item could go into a bin now."""
        wanted, room = self.items[item], self.room[bin]
        if bin not in wanted.bins or not self.ports[bin].isdisjoint(wanted.ports):
            return False
        return all(size <= left for size, left in zip(wanted.sizes, room))

    def put(self, item: int, bin: int) -> None:
        """Place an item that fits."""
        for at, size in enumerate(self.items[item].sizes):
            self.room[bin][at] -= size
        self.ports[bin] |= self.items[item].ports
        self.held[bin].append(item)
        self.places[item] = bin

    def take(self, item: int) -> int:
        """Remove a placed item; the bin that it was in."""
        bin = self.places[item]
        if bin is None:
            raise ValueError(f"item {item} has no place")
        for at, size in enumerate(self.items[item].sizes):
            self.room[bin][at] += size
        self.ports[bin] -= self.items[item].ports
        self.held[bin].remove(item)
        self.places[item] = None
        return bin

    @property
    def left(self) -> list[int]:
        """The items without a place."""
        return [item for item, place in enumerate(self.places) if place is None]

    @property
    def score(self) -> tuple[int, int]:
        """Better is greater: items placed, then memory placed."""
        placed = [item for item, place in enumerate(self.places) if place is not None]
        return len(placed), sum(self.items[item].memory for item in placed)
