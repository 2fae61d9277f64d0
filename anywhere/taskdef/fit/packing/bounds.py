"""How many items any packing can hold at the most: sound, quick, not always tight."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.taskdef.fit.packing.model import Bin, Item, Port, State


def most(items: Sequence[Item], bins: Sequence[Bin]) -> int:
    """An upper bound on the number of items that fit together."""
    empty = State(items, bins)
    fit = [item for item in range(len(items)) if any(empty.fits(item, bin) for bin in items[item].bins)]
    by_size = min((_by_size([items[item] for item in fit], bins, at) for at in range(4)), default=len(fit))
    by_bin = sum(_in_bin(items, fit, empty, bin) for bin in range(len(bins)))
    return min(len(fit) - _port_deficit(items, fit, empty), by_size, by_bin)


def _by_size(items: Sequence[Item], bins: Sequence[Bin], at: int) -> int:
    """Smallest first into all the room at once."""
    room = sum(bin.sizes[at] for bin in bins)
    count = 0
    for size in sorted(item.sizes[at] for item in items):
        if size > room:
            break
        room -= size
        count += 1
    return count


def _in_bin(items: Sequence[Item], fit: Sequence[int], empty: State, bin: int) -> int:
    """The most items that this bin could hold if it had its pick."""
    able = [items[item] for item in fit if empty.fits(item, bin)]
    return min(_by_size(able, [empty.bins[bin]], at) for at in range(4))


def _port_deficit(items: Sequence[Item], fit: Sequence[int], empty: State) -> int:
    """Items that must stay out because a port has too few bins, over groups of items that do not overlap."""
    users: dict[Port, list[int]] = {}
    for item in fit:
        for port in items[item].ports:
            users.setdefault(port, []).append(item)
    deficits = sorted(((len(group) - _matched(group, empty), group) for group in users.values()), reverse=True)
    counted: set[int] = set()
    total = 0
    for deficit, group in deficits:
        if deficit > 0 and counted.isdisjoint(group):
            total += deficit
            counted.update(group)
    return total


def _matched(group: Sequence[int], empty: State) -> int:
    """How many items of a group can have a bin each (maximum bipartite matching)."""
    holder: dict[int, int] = {}

    def augment(item: int, seen: set[int]) -> bool:
        for bin in empty.items[item].bins - seen:
            if not empty.fits(item, bin):
                continue
            seen.add(bin)
            if bin not in holder or augment(holder[bin], seen):
                holder[bin] = item
                return True
        return False

    return sum(augment(item, set()) for item in group)
