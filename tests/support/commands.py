"""Whether the command line takes what a fix, a "Next" or a text tells a person to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from anywhere.catalogue.causes.table import causes
from anywhere.catalogue.checks import CHECK_TEXTS
from anywhere.catalogue.endpoints import find_region
from anywhere.cli import app, exceptions
from anywhere.errors import BadInput
from anywhere.flows.examine import validate
from anywhere.settings import FEATURES, PHASES
from anywhere.taskdef import RULES

QUOTED = re.compile(r"`((?:sudo )?anywhere [^`]+)`")
PLAIN = re.compile(r"(?:^|(?<=then )|(?<=and ))((?:sudo )?anywhere .+?)(?=, (?:and|then|which) | from time to time|$)")


def refused(words: Sequence[str], *, is_prose: bool = False) -> str:
    """Why the command line would not take these words; empty when it does. Commands of other programs are taken.

    Prose may name a command without its arguments.
    """
    rest = list(words[1:] if words[:1] == ("sudo",) or words[:1] == ["sudo"] else words)
    if rest[:1] != ["anywhere"]:
        return ""
    try:
        command, given = _parsed(rest[1:])
    except typer.Exit:
        return ""  # help, as asked
    except exceptions.ClickException as error:
        said = error.format_message()
        is_short = (
            isinstance(error, exceptions.MissingParameter | exceptions.NoArgsIsHelpError) or "requires an" in said
        )
        return "" if is_prose and is_short else f"{shlex.join(words)}: {said}"
    try:
        _known(command, given)
    except BadInput as error:
        return f"{shlex.join(words)}: {error}"
    return ""


def _parsed(words: list[str]) -> tuple[str, Mapping[str, Any]]:
    """The verbs and the values of the options, as the command line reads them; nothing is run."""
    command: Any = typer.main.get_command(app)
    name, context = "", command.make_context("anywhere", list(words))
    while hasattr(command, "resolve_command"):
        left = [*getattr(context, "_protected_args", []), *context.args]
        if not left:
            raise exceptions.UsageError("a verb is missing")
        verb, command, left = command.resolve_command(context, left)
        name = f"{name} {verb}".strip()
        context = command.make_context(verb, left, parent=context)
    return name, context.params


def _known(command: str, given: Mapping[str, Any]) -> None:
    """Raises BadInput for a word of an option that means nothing."""
    for option in ("only", "skip", "demote"):
        for word in _words(given.get(option)) if command == "check" else ():
            validate(word)
    for word in _words(given.get("region")):
        find_region(word)
    for option, allowed in (("with_", FEATURES), ("phase", PHASES)):
        for word in _words(given.get(option)):
            if word not in allowed:
                raise BadInput.unknown(option, word, allowed)
    code = given.get("code")
    if command == "explain" and code and code not in {*causes(), *CHECK_TEXTS, *(rule.id for rule in RULES)}:
        raise BadInput(f"{code} is not explained")
    if url := given.get("url"):
        assert isinstance(url, str)
        if "@" in url or "*" in url:
            raise BadInput(f"{url} holds credentials, or a mask in their place")


def _words(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value] if value else []
    return [word for text in values for word in str(text).replace(",", " ").split()]


def in_text(text: str) -> Iterator[list[str]]:
    """The commands that a text quotes."""
    for found in QUOTED.findall(text):
        yield shlex.split(found)


def in_next(line: str) -> Iterator[list[str]]:
    """The commands in a line after "Next: "."""
    for found in PLAIN.findall(line):
        yield shlex.split(found)


def all_refused(target: Mapping[str, Any]) -> list[str]:
    """What the command line would refuse of the fixes in a target as JSON has it; also what is not explained."""
    remedies = [row["remedy"] for row in (*target["causes"], *target["findings"]) if row["remedy"]]
    commands = [command for remedy in remedies for command in remedy["commands"]]
    prose = [words for remedy in remedies for words in in_text(remedy["text"])]
    ids = [*(row["code"] for row in target["causes"]), *(row["check"] for row in target["findings"])]
    commands += [["anywhere", "explain", id] for id in dict.fromkeys(ids)]
    return list(filter(None, [*map(refused, commands), *(refused(words, is_prose=True) for words in prose)]))
