"""Exhaustive search with pruning: the proof where heuristics end, within a number of steps."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.taskdef.fit.packing.model import Bin, Item, State

MOST_SEEN = 200_000


class OutOfSteps(Exception):
    """The search was cut before it could answer."""


class Search:
    """Looks for a packing that leaves out at most `spare` items, in at most `steps` steps."""

    def __init__(self, items: Sequence[Item], bins: Sequence[Bin], steps: int) -> None:
        self.items = items
        self.bins = bins
        self.steps = steps
        kinds = dict.fromkeys(items)
        self.kind = {item: at for at, item in enumerate(kinds)}
        self.order = sorted(range(len(items)), key=self._hardness)
        self.sizes = [items[item].sizes for item in self.order]

    def _hardness(self, item: int) -> tuple[int, int, int, int]:
        wanted = self.items[item]
        return (len(wanted.bins), -len(wanted.ports), -wanted.memory, self.kind[wanted])

    def find(self, spare: int) -> State | None:
        """Such a packing, or None where there is none. Raises OutOfSteps."""
        self.seen: set[tuple[object, ...]] = set()
        state = State(self.items, self.bins)
        return state if self._place(state, 0, spare) else None

    def _place(self, state: State, at: int, spare: int) -> bool:
        if at == len(self.order):
            return True
        self.steps -= 1
        if self.steps < 0:
            raise OutOfSteps
        key = self._key(state, at, spare)
        if key in self.seen or self._hopeless(state, at, spare):
            return False
        item = self.order[at]
        tried: set[tuple[object, ...]] = set()
        for bin in sorted(self.items[item].bins, key=lambda bin: state.room[bin][0]):
            signature = self._signature(state, bin)
            if signature in tried or not state.fits(item, bin):
                continue
            tried.add(signature)
            state.put(item, bin)
            if self._place(state, at + 1, spare):
                return True
            state.take(item)
        if spare and self._place(state, at + 1, spare - 1):
            return True
        if len(self.seen) < MOST_SEEN:
            self.seen.add(key)
        return False

    def _signature(self, state: State, bin: int) -> tuple[object, ...]:
        """Bins that are alike from here on: same room, same ports, same items that may come."""
        return (*state.room[bin], frozenset(state.ports[bin]), self._welcome[bin])

    @property
    def _welcome(self) -> list[frozenset[int]]:
        if not hasattr(self, "_welcomes"):
            self._welcomes = [
                frozenset(kind for item, kind in self.kind.items() if bin in item.bins) for bin in range(len(self.bins))
            ]
        return self._welcomes

    def _key(self, state: State, at: int, spare: int) -> tuple[object, ...]:
        signatures = sorted(hash(self._signature(state, bin)) for bin in range(len(self.bins)))
        return (at, spare, tuple(signatures))

    def _hopeless(self, state: State, at: int, spare: int) -> bool:
        """Whether what is left needs more than all the room there is, even without its largest."""
        for dimension in range(4):
            sizes = sorted(size[dimension] for size in self.sizes[at:])
            wanted = sum(sizes[: len(sizes) - spare] if spare else sizes)
            if wanted > sum(room[dimension] for room in state.room):
                return True
        return False
