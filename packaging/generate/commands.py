"""The command line as a tree, read from the program itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its names, what it takes (empty: a switch), the help text and the values that it is known to take."""

    names: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its words after `anywhere`, and what is below it."""

    words: tuple[str, ...]
    short: str
    help: str
    epilog: str
    arguments: tuple[str, ...]
    options: tuple[Option, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        """The last word; of the program itself, its name."""
        return self.words[-1] if self.words else "anywhere"

    def walk(self) -> Iterator[Command]:
        """This command and all below it."""
        yield self
        for one in self.commands:
            yield from one.walk()


def program() -> Command:
    """The complete command line."""
    from anywhere.cli import app

    return _read(typer.main.get_command(app), ())


def _read(command: Any, words: tuple[str, ...]) -> Command:
    context = typer.Context(command, info_name=words[-1] if words else "anywhere")
    parameters = [one for one in command.get_params(context) if not getattr(one, "hidden", False)]
    names = command.list_commands(context) if hasattr(command, "list_commands") else ()
    below = [(name, command.get_command(context, name)) for name in names]
    return Command(
        words,
        command.get_short_help_str(200),
        _plain(command.help),
        _plain(command.epilog),
        tuple(one.make_metavar(context) for one in parameters if one.param_type_name == "argument"),
        tuple(_option(one, context) for one in parameters if one.param_type_name == "option"),
        tuple(_read(one, (*words, name)) for name, one in below if one and not one.hidden),
    )


def _option(one: Any, context: Any) -> Option:
    takes = not one.is_flag and not getattr(one, "count", False) and "--help" not in one.opts
    text = _plain(one.help)
    return Option(
        tuple(sorted({*one.opts, *one.secondary_opts}, key=lambda name: (name.startswith("--"), name))),
        one.make_metavar(context) if takes else "",
        text,
        _choices(one, text) if takes else (),
    )


def _choices(one: Any, text: str) -> tuple[str, ...]:
    """The values of a choice, or those that the help text lists as `a, b or c` after a colon."""
    if found := getattr(one.type, "choices", ()):
        return tuple(str(value) for value in found)
    listed = re.search(r"\b([a-z0-9-]+(?:, [a-z0-9-]+)+(?:,? (?:or|and) [a-z0-9-]+)?)\b", text)
    return tuple(re.split(r",? (?:or|and) |, ", listed[1])) if listed and one.name == "format" else ()


def _plain(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("\b\n", "\b")
