"""How many tasks any placement can hold at the most: sound, quick, not always tight. Below it, "cannot fit" is proven."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.taskdef.fit.pack import SIZES, Hosts, Port, Room, Task


def most(tasks: Sequence[Task], rooms: Sequence[Room]) -> int:
    """An upper bound on the number of tasks that fit together, however they are placed."""
    empty = Hosts(rooms)
    fit = [task for task in tasks if any(empty.fits(task, host) for host in task.hosts)]
    by_size = min(_by_size(fit, rooms, at) for at in range(len(SIZES)))
    by_host = sum(_on(fit, empty, host) for host in range(len(rooms)))
    return min(len(fit) - _without_port(fit, empty), by_size, by_host)


def _by_size(tasks: Sequence[Task], rooms: Sequence[Room], at: int) -> int:
    """Smallest first into all the room at once."""
    left = sum(room.sizes[at] for room in rooms)
    count = 0
    for size in sorted(task.sizes[at] for task in tasks):
        if size > left:
            break
        left -= size
        count += 1
    return count


def _on(fit: Sequence[Task], empty: Hosts, host: int) -> int:
    """The most tasks that this host could hold if it had its pick."""
    able = [task for task in fit if empty.fits(task, host)]
    return min(_by_size(able, [empty.rooms[host]], at) for at in range(len(SIZES)))


def _without_port(fit: Sequence[Task], empty: Hosts) -> int:
    """Tasks that must stay out because a port has too few hosts, over groups of tasks that do not overlap."""
    users: dict[Port, list[int]] = {}
    for number, task in enumerate(fit):
        for port in task.ports:
            users.setdefault(port, []).append(number)
    groups = [(len(group) - _matched([fit[n] for n in group], empty), group) for group in users.values()]
    counted: set[int] = set()
    total = 0
    for deficit, group in sorted(groups, reverse=True):
        if deficit > 0 and counted.isdisjoint(group):
            total += deficit
            counted.update(group)
    return total


def _matched(group: Sequence[Task], empty: Hosts) -> int:
    """How many of these tasks can have a host each (maximum bipartite matching)."""
    holder: dict[int, int] = {}

    def augment(number: int, seen: set[int]) -> bool:
        for host in sorted(group[number].hosts - seen):
            if not empty.fits(group[number], host):
                continue
            seen.add(host)
            if host not in holder or augment(holder[host], seen):
                holder[host] = number
                return True
        return False

    return sum(augment(number, set()) for number in range(len(group)))
