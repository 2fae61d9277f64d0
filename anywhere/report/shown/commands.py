"""Commands as a person pastes them: exact, in one line, harmless to show, and under the name of the host they are for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest

from anywhere.model import Remedy

HERE = "here"


def command_line(command: Sequence[str]) -> str:
    """The command for a shell. A word with characters that are not shown is written as $'...' (bash, zsh, ksh)."""
    return " ".join(map(_word, command))


def blocks(remedy: Remedy) -> Iterator[tuple[str, list[str]]]:
    """The command lines by the place where they run, in their order: `on web01`, `here`, or nothing where no other
    machine than this one is meant."""
    rows = zip_longest(remedy.where, remedy.commands, fillvalue="")
    placed = [(str(where), command_line(command)) for where, command in rows if command]
    for where, lines in groupby(placed, key=lambda row: row[0]):
        name = f"on {where}" if where else HERE if any(remedy.where) else ""
        yield name, [line for _, line in lines]


def script_lines(remedy: Remedy) -> list[str]:
    """All command lines for a block of shell text; the place is a comment."""
    lines: list[str] = []
    for place, commands in blocks(remedy):
        lines += [f"# {place}:"] if place else []
        lines += commands
    return lines


def first_line(remedy: Remedy) -> str:
    """The first command with its place: `on web01: sudo systemctl restart ecs`."""
    place, commands = next(blocks(remedy))
    return f"{place}: {commands[0]}" if place not in ("", HERE) else commands[0]


def _word(word: str) -> str:
    return shlex.quote(word) if word.isprintable() else f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", _errors(character)))


def _errors(character: str) -> str:
    """Bytes that were no UTF-8 are written as they were."""
    return "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
