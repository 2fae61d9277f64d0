"""Two bins divided anew by sums of memory, so that the room left over gathers in one of them, or just differently."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.taskdef.fit.packing.model import State

TRIES = 24

# Items that decide each other's side because they share ports: each way is who goes to the first bin and who not.
Way = tuple[tuple[int, ...], tuple[int, ...]]
Block = list[Way]


def divide(state: State, first: int, second: int, wanted: int | None = None) -> bool:
    """Fill the first bin with as much memory as can be, or with the amount next below `wanted`; whether that could be
    done. Exact for memory and ports; a division that another dimension forbids is passed over."""
    items = [*state.held[first], *state.held[second]]
    state.work += 10 + len(items)
    room, other = _whole(state, first), _whole(state, second)
    total = _sizes(state, items)
    blocks = _blocks(state, items, first, second)
    sums = _sums(state, blocks, room[0])
    least = max(0, total[0] - other[0])
    goal = room[0] if wanted is None else min(room[0], max(least, wanted))
    for attempt in range(TRIES):
        best = (sums[-1] & ((1 << (goal + 1)) - 1)).bit_length() - 1
        if best < least:
            return False
        chosen = _choice(state, blocks, sums, best, attempt)
        taken = _sizes(state, sorted(chosen))
        rest = [whole - part for whole, part in zip(total, taken)]
        if _within(taken, room) and _within(rest, other):
            _move(state, items, chosen, first, second)
            return True
        goal = best - (attempt % 2)
    return False


def _whole(state: State, bin: int) -> list[int]:
    return [left + size for left, size in zip(state.room[bin], _sizes(state, state.held[bin]))]


def _sizes(state: State, items: Sequence[int]) -> list[int]:
    return [sum(state.items[item].sizes[at] for item in items) for at in range(4)]


def _within(sizes: Sequence[int], room: Sequence[int]) -> bool:
    return all(size <= left for size, left in zip(sizes, room))


def _blocks(state: State, items: Sequence[int], first: int, second: int) -> list[Block]:
    """Items grouped by shared ports; in a group each must be on the other side of those it shares a port with."""
    blocks = []
    open_items = dict.fromkeys(items)
    while open_items:
        side = {next(iter(open_items)): 0}
        queue = list(side)
        while queue:
            item = queue.pop()
            ports = state.items[item].ports
            for other in [other for other in open_items if ports and other not in side]:
                if not ports.isdisjoint(state.items[other].ports):
                    side[other] = 1 - side[item]
                    queue.append(other)
        for item in side:
            del open_items[item]
        sides = [tuple(item for item, at in side.items() if at == flip) for flip in (0, 1)]
        ways = [(sides[0], sides[1]), (sides[1], sides[0])]
        blocks.append([way for way in ways if _may(state, way[0], first) and _may(state, way[1], second)])
    return blocks


def _may(state: State, items: Sequence[int], bin: int) -> bool:
    return all(bin in state.items[item].bins for item in items)


def _sums(state: State, blocks: Sequence[Block], room: int) -> list[int]:
    """After each block, the amounts of memory that the first bin can hold, as the bits of a number."""
    mask = (1 << (room + 1)) - 1
    sums = [1]
    for block in blocks:
        reached = 0
        for here, _ in block:
            reached |= sums[-1] << sum(state.items[item].memory for item in here)
        sums.append(reached & mask)
    return sums


def _choice(state: State, blocks: Sequence[Block], sums: Sequence[int], amount: int, attempt: int) -> set[int]:
    """Items of the first bin that make up this amount; which ones varies with the attempt."""
    chosen: set[int] = set()
    for at in range(len(blocks) - 1, -1, -1):
        ways = blocks[at][::-1] if (attempt + at * attempt) % 2 else blocks[at]
        for here, _ in ways:
            size = sum(state.items[item].memory for item in here)
            if size <= amount and sums[at] >> (amount - size) & 1:
                chosen.update(here)
                amount -= size
                break
    return chosen


def _move(state: State, items: Sequence[int], chosen: set[int], first: int, second: int) -> None:
    for item in items:
        state.take(item)
    for item in items:
        state.put(item, first if item in chosen else second)
