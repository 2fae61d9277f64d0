"""Commands as a person pastes them: exact, in one line, harmless to show, and under the name of the host they are for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, zip_longest

from anywhere.model import Remedy
from anywhere.program import NAME, program

HERE = "here"
_QUOTED = re.compile(rf"`(sudo )?{NAME} ")


def command_line(command: Sequence[str], *, away: bool = False) -> str:
    """The command for a shell. A word with characters that are not shown is written as $'...' (bash, zsh, ksh). Ours gets
    the path that it was started by, unless it runs on another host (`away`)."""
    return " ".join(map(_word, command if away else _ours(tuple(command))))


def _ours(command: tuple[str, ...]) -> tuple[str, ...]:
    if command[:1] == (NAME,):
        return (*program(), *command[1:])
    if command[:2] == ("sudo", NAME):
        return ("sudo", *program(by_sudo=True), *command[2:])
    return command


def prose(text: str) -> str:
    """A text whose `anywhere ...` commands are typed as this program was started."""

    def typed(found: re.Match[str]) -> str:
        return f"`{found[1] or ''}{shlex.join(program(bool(found[1])))} "

    return _QUOTED.sub(typed, text)


def blocks(remedy: Remedy) -> Iterator[tuple[str, list[str]]]:
    """The command lines by the place where they run, in their order: `on web01`, `here`, or nothing where no other
    machine than this one is meant."""
    rows = zip_longest(remedy.where, remedy.commands, fillvalue="")
    placed = [(str(where), command_line(command, away=bool(where))) for where, command in rows if command]
    for where, lines in groupby(placed, key=lambda row: row[0]):
        name = f"on {where}" if where else HERE if any(remedy.where) else ""
        yield name, [line for _, line in lines]


def looks(remedy: Remedy) -> Iterator[str]:
    """The commands that only show more, each with its place: `on web01: getent ahosts ...`."""
    for place, lines in blocks(replace(remedy, commands=remedy.look, where=remedy.look_where)):
        yield from (f"{place}: {line}" if place not in ("", HERE) else line for line in lines)


def script_lines(remedy: Remedy) -> list[str]:
    """All command lines for a block of shell text; the place is a comment."""
    lines: list[str] = []
    for place, commands in blocks(remedy):
        lines += [f"# {place}:"] if place else []
        lines += commands
    return lines


def first_step(remedy: Remedy) -> str:
    """What to do first: the first command with its place (`on web01: sudo systemctl restart ecs`), else the request to
    those who must act, else the first sentence of the fix."""
    for place, commands in blocks(remedy):
        return f"{place}: {commands[0]}" if place not in ("", HERE) else commands[0]
    if remedy.ask:
        return prose(remedy.ask)
    first, mark, _ = prose(remedy.text).partition(". ")
    return first + "." * bool(mark)


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
