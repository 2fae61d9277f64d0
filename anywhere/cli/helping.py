"""Help as a person reads it: options in groups, commands by topic, hints that make sense."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from typer import Typer
from typer.core import TyperCommand

from anywhere.errors import BadInput

SHARED = ("Hosts", "Output")
NEAR = 0.75  # how alike an option must be to be suggested
TOPICS: Mapping[str, tuple[str, ...]] = {
    "Check": ("check", "status", "watch", "endpoints", "explain"),
    "Change": ("rules", "proxy", "register", "artifacts", "update", "move", "deregister", "reset", "activation"),
    "Task definitions": ("taskdef",),
    "Fleet": ("report",),
    "Saved runs": ("bundle",),
}
USUAL = """\
Check this host before registration:    anywhere check --region eu-west-1
List the names for a firewall request:  anywhere endpoints --region eu-west-1 --format csv
Check many hosts over SSH:              anywhere check --region eu-west-1 -i hosts.ini

All commands: anywhere help
"""


# What the value of an option is called, by the last word of the option's name, where that word does not say it.
VALUES: Mapping[str, str] = {
    **dict.fromkeys(
        ("output", "keyring", "ca", "changes", "textfile", "save", "resume", "binaries", "log", "inventory"), "FILE"
    ),
    **dict.fromkeys(("artifacts", "to", "latest"), "FOLDER"),
    **dict.fromkeys(("wait", "budget", "patience"), "SECONDS"),
    **dict.fromkeys(("count", "limit", "tasks", "instances", "interfaces", "most", "hosts", "hours"), "N"),
    **dict.fromkeys(("every", "expires"), "TIME"),
    **dict.fromkeys(("attribute", "tag"), "NAME=VALUE"),
    "demote": "CHECK",
    "only": "CHECK",
    "skip": "CHECK",
    "wave": "SIZE",
    "proxy": "LIST",
    "os": "SYSTEM",
    "docker": "SOURCE",
    "instance": "ID",
    "subnet": "CIDR",
    "change": "COMMAND",
    "compatibility": "FAMILY",
    "distro": "NAME",
    "arch": "NAME",
}


class Grouped(TyperCommand):
    """A command whose help shows its options by their panels, in the order of the first of each, and names their values."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        for param in self.params:
            if param.metavar is None and not getattr(param, "is_flag", False):
                param.metavar = _value(param)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Required arguments without braces, as every other tool shows them."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, the command's own options, then what many commands share."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if record := _record(param, ctx):
                kind = "Arguments" if param.param_type_name == "argument" else ""
                panel = kind or getattr(param, "rich_help_panel", None) or "Options"
                sections.setdefault(panel, []).append(record)
        for name, rows in sorted(sections.items(), key=lambda row: row[0] in SHARED):
            with formatter.section(name):
                formatter.write_dl(rows)


def _value(param: Any) -> str:
    name = str(param.name)
    if param.param_type_name == "argument":
        return name.removesuffix("s").upper() + ("..." if param.nargs != 1 else "")
    word = max(param.opts, key=len).rpartition("-")[2]
    return VALUES.get(word, word.upper())


def _record(param: Any, ctx: Any) -> tuple[str, str] | None:
    """The row of an option. One that is off unless it is given has no second name that says so."""
    record: tuple[str, str] | None = param.get_help_record(ctx)
    if record is None:
        return None
    head, text = map(str, record)
    is_off = param.default is False and param.secondary_opts
    if is_off or "Default:" in text:
        text = re.sub(r" *\[default: [^\]]*\]", "", text)
    return head.partition(" / ")[0] if is_off else head, text


def by_topic(verbs: Mapping[str, str]) -> Mapping[str, list[tuple[str, str]]]:
    """The commands with their words, by topic; what has none comes last."""
    placed = {name for names in TOPICS.values() for name in names}
    rows = {topic: [(name, verbs[name]) for name in names if name in verbs] for topic, names in TOPICS.items()}
    rows["More"] = [(name, text) for name, text in verbs.items() if name not in placed]
    return {topic: found for topic, found in rows.items() if found}


def unknown_option(option: str, possible: Sequence[str]) -> str:
    """The line for an option that is not known: names those that are really near."""
    near = [one for one in possible if SequenceMatcher(None, option, one).ratio() >= NEAR]
    return f"there is no option {option}" + (f": did you mean {' or '.join(near)}?" if near else ": --help lists them")


# What the parser says in a programmer's words: an option with its short forms, the value, a type of Python.
PARSERS = (
    (r"Invalid value for '([^']+)'[^:]*: (.*) is not a valid float\.", r"\1 takes a number, not \2"),
    (r"Invalid value for '([^']+)'[^:]*: (.*) is not a valid int\.", r"\1 takes an integer, not \2"),
    (r"Got unexpected extra argument(?:\(s\)|s?) \((.*)\)", r"unexpected argument: \1"),
    (r"Option '(.+)' requires an argument\.", r"\1 needs a value"),
    (r"Missing (?:option|argument) '([^']+)'.*", r"\1 is missing: --help shows how the command is used"),
)


def plainly(said: str) -> str:
    """A refusal of the option parser, as this program says it."""
    for pattern, words in PARSERS:
        if found := re.fullmatch(pattern, said, re.S):
            return found.expand(words)
    return said


# Options that name a file, a folder or a place: empty is a variable of a script that was not set.
NAMED = frozenset(
    f"--{name}"
    for name in (
        *("output", "save", "resume", "log-file", "config", "textfile", "changes", "to", "latest", "instance"),
        *("artifacts", "artifacts-url", "keyring", "certs-file", "exec-binaries", "activation-file", "ca"),
        *("url", "url-file", "credentials-file", "proxy-url", "proxy-url-file", "ssh-key", "ssh-config", "on-change"),
    )
)


def refuse_empty(words: Sequence[str]) -> None:
    """Raise BadInput where such an option has an empty value: nothing would be saved, used or trusted, without a word."""
    for word, value in zip_longest(words, words[1:]):
        if word == "--":
            return
        option, equals, text = word.partition("=")
        if option in NAMED and (text if equals else value) == "":
            raise BadInput(f"{option} is empty: name one, or leave the option out")


def group(help: str) -> Typer:
    """A command that has commands of its own, and prints its help where none is given."""
    return Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help=help)


def single() -> Typer:
    """A command without commands of its own."""
    return Typer(add_completion=False, rich_markup_mode=None)
