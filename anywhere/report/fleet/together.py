"""One fix for many hosts: our commands once, with the options that name all of them; the others under the hosts' names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anywhere.model import Remedy, Target
from anywhere.wording import some

MOST_NAMED = 20  # hosts in one command; the next run names the next
LIMIT, HOST = "--limit", "--host"


def together(rows: Sequence[tuple[Target, Remedy]]) -> Remedy:
    """The fix of most of these hosts, which all have the same one but for their names. Hosts with other commands, such as
    those of another distribution, are left to their own reports."""
    alike: dict[tuple[tuple[str, ...], ...], list[tuple[Target, Remedy]]] = {}
    for target, remedy in rows:
        plain = tuple(_without(command, target.reach) for command in remedy.commands)
        alike.setdefault(plain, []).append((target, remedy))
    plain, chosen = max(alike.items(), key=lambda item: len(item[1]))
    first = chosen[0][1]
    if len(chosen) == 1 or not any(remedy.where for _, remedy in chosen):
        return first
    targets = [target for target, _ in chosen]
    named = [target.name for target in targets]
    options = _joined([target.reach for target in targets[:MOST_NAMED]])
    own = [any(_is_ours(remedy, place, target) for target, remedy in chosen) for place in range(len(plain))]
    return replace(
        first,
        commands=tuple((*command, *options) if ours else command for command, ours in zip(plain, own, strict=True)),
        where=tuple(
            "" if ours or not _away(chosen, place) else some(named, MOST_NAMED) for place, ours in enumerate(own)
        ),
    )


def of_all(reaches: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The options that name these hosts, up to the most that one command takes."""
    return _joined(tuple(dict.fromkeys(reaches))[:MOST_NAMED])


def _without(command: tuple[str, ...], reach: tuple[str, ...]) -> tuple[str, ...]:
    return command[: -len(reach)] if reach and command[-len(reach) :] == reach else command


def _is_ours(remedy: Remedy, place: int, target: Target) -> bool:
    return _without(remedy.commands[place], target.reach) != remedy.commands[place]


def _away(chosen: Sequence[tuple[Target, Remedy]], place: int) -> bool:
    return any(remedy.where[place : place + 1] not in ((), ("",)) for _, remedy in chosen)


def _joined(reaches: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The options that name all of these hosts: names of one inventory after one `--limit`, others each by itself."""
    listed: dict[str, list[str]] = {}
    named: list[str] = []
    more: dict[tuple[str, ...], None] = {}
    for reach in reaches:
        is_listed = reach[:1] == ("-i",) and reach[2:3] == (LIMIT,)
        if is_listed:
            listed.setdefault(reach[1], []).append(reach[3])
        else:
            named += reach[:2] or (HOST, "local")
        more |= dict.fromkeys(_pairs(reach[4 if is_listed else 2 :]))
    limits = [word for path, names in listed.items() for word in ("-i", path, LIMIT, ",".join(names))]
    return (*limits, *named, *(word for pair in more for word in pair))


def _pairs(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Options with their values; -K has none."""
    pairs: list[tuple[str, ...]] = []
    left = words
    while left:
        size = 1 if left[0] == "-K" else 2
        pairs.append(left[:size])
        left = left[size:]
    return pairs
