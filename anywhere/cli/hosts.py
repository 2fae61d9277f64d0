"""Which hosts a command is for, and how to reach them: the options that all such commands share."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from anywhere.cli.say import log_to, say
from anywhere.errors import BadInput
from anywhere.flows.hosts import HOST_SECONDS, PARALLEL, Hosts, chosen

PANEL, OUTPUT_PANEL = "Hosts", "Output"


def _option(default: Any, *names: str, help: str, **more: Any) -> Any:
    return typer.Option(default, *names, help=help, rich_help_panel=PANEL, **more)


def _output(default: Any, *names: str, help: str, **more: Any) -> Any:
    return typer.Option(default, *names, help=help, rich_help_panel=OUTPUT_PANEL, **more)


OPTIONS: dict[str, tuple[Any, Any]] = {
    "host": (
        list[str],
        _option([], help="local (default), [user@]host[:port], or a saved bundle; again for more.", metavar="HOST"),
    ),
    "inventory": (
        str | None,
        _option(
            None,
            "--inventory",
            "-i",
            help="Hosts from a list, an Ansible INI or YAML file, or JSON; - is stdin.",
            metavar="FILE",
        ),
    ),
    "limit": (
        str,
        _option("", help="Hosts and groups of the inventory: names, *, !not, &and, ~regex, @file.", metavar="PATTERN"),
    ),
    "parallel": (int, _option(PARALLEL, "--parallel", "-p", help="Number of hosts at once.", metavar="N")),
    "host_timeout": (float, _option(HOST_SECONDS, help="Time limit for one host.", metavar="SECONDS")),
    "ssh_key": (list[str], _option([], help="Private key, besides the agent and ssh_config.", metavar="FILE")),
    "ssh_config": (str, _option("", help="Use this ssh_config instead of ~/.ssh/config.", metavar="FILE")),
    "ssh_args": (
        str,
        _option("", help="Pass these ssh arguments to every host, for example '-J bastion'.", metavar="ARGUMENTS"),
    ),
    "ssh_accept_new": (
        bool,
        _option(False, "--ssh-accept-new", help="Accept and store keys of unknown hosts."),
    ),
    "no_sudo": (bool, _option(False, "--no-sudo", help="Run without sudo on the host.")),
    "ask_become_pass": (bool, _option(False, "--ask-become-pass", "-K", help="Ask for the sudo password.")),
    "no_color": (bool, _output(False, "--no-color", help="Print without colors (as NO_COLOR=1).")),
    "log_file": (str, _output("", help="Append messages with their time to a file.", metavar="FILE")),
}
# What the commands share that plan, make, verify and undo changes of hosts.
WAVE = typer.Option("", help="Hosts at once, a number or a share (5%); one canary goes first.", metavar="SIZE")
DRY_RUN = typer.Option(False, "--dry-run", help="Print what would be undone; change nothing.")
FORCE = typer.Option(
    False,
    "--force-missing",
    help="Undo what a damaged record still holds; list what cannot be restored, and forget it.",
)
FORMATS, PLAN_FORMATS = ("table", "json"), ("table", "json", "shell")
FORMAT = typer.Option("table", help="table or json.", metavar="FORMAT")
PLAN_FORMAT = typer.Option("table", help="table, json or shell.", metavar="FORMAT")
REPORT_FORMAT = typer.Option(
    "",
    help="table, json, html, ... Default: by the ending of --output, else table.",
    metavar="FORMAT",
    show_default=False,
)
OUTPUT = typer.Option("", help="Write the result to a file.", metavar="FILE")


VERBOSE = _output(False, "--verbose", "-v", help="List every finding.")
QUIET = _output(False, "--quiet", "-q", help="Print the verdict and the cause codes only.")


def how_much(verbose: bool, quiet: bool) -> str:
    """How much of a table is shown. Raises BadInput for both at once."""
    if verbose and quiet:
        raise BadInput("--verbose and --quiet exclude each other: give one of them")
    return "all" if verbose else "verdict" if quiet else "problems"


Options = Mapping[str, tuple[Any, Any]]
"""Kind and option by name."""


def injected(
    command: Callable[..., Any], name: str, options: Options, made: Callable[..., object], *, last: bool = False
) -> Callable[..., Any]:
    """Gives a command the options of a table, in the help before its own or behind them (`last`); it gets what `made`
    makes of them as one argument."""
    own = [one for key, one in inspect.signature(command).parameters.items() if key != name and key not in options]
    ours = [
        inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=option, annotation=kind)
        for key, (kind, option) in options.items()
    ]

    @functools.wraps(command)
    def wrapped(**words: Any) -> Any:
        return command(**{name: made(**{key: words.pop(key) for key in options}), **words})

    ordered = sorted([*own, *ours] if last else [*ours, *own], key=_place)
    wrapped.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]  # typer reads it
    kinds = inspect.get_annotations(command, eval_str=True)
    kinds.pop(name)
    wrapped.__annotations__ = {**kinds, **{key: kind for key, (kind, _) in options.items()}}
    return wrapped


def _place(parameter: inspect.Parameter) -> tuple[bool, bool]:
    """Parameters without a default first, as Python wants it, then arguments, as a help shows them."""
    default = parameter.default
    return default is not inspect.Parameter.empty, not isinstance(default, typer.models.ArgumentInfo)


def with_hosts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options above; it gets them as one argument, `hosts`.

    A command may declare an argument `more` for further hosts: a shell makes several words of `--host DIR/*.json.gz`.
    """
    more = inspect.signature(command, eval_str=True).parameters.get("more")
    options = OPTIONS if more is None else {**OPTIONS, "more": (more.annotation, more.default)}
    return injected(command, "hosts", options, _chosen, last=True)


def _refuse_mistakes(words: list[str]) -> None:
    """Raise BadInput for words that are no host although they are given as one: they are not tried over SSH."""
    from anywhere.catalogue.checks import CHECK_TEXTS
    from anywhere.catalogue.regions import is_region

    for word in words:
        lower = word.lower()
        if is_region(lower):
            raise BadInput(f"{word} is a region, not a host: anywhere check --region {lower}")
        if lower == "help":
            raise BadInput("help is not a host: anywhere check --help")
        if lower in CHECK_TEXTS or lower in {row.topic for row in CHECK_TEXTS.values()}:
            raise BadInput(f"{word} is a check or topic, not a host: anywhere check --only {lower}")


def _chosen(more: Sequence[str] | None = None, **words: Any) -> Hosts:
    """The options as values. Raises BadInput for a bad one; reports on stderr what is listed twice."""
    words["host"] = [*words["host"], *(more or ())]
    _refuse_mistakes(words["host"])
    if words.pop("no_color"):
        os.environ["NO_COLOR"] = "1"
    if path := words.pop("log_file"):
        log_to(path)
    asks = words.pop("ask_become_pass")
    return chosen(**words, password=_password if asks else None, note=say)


def _password(is_stdin_taken: bool) -> str:
    """Asked on the terminal, or the first line of standard input where that is none."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass("password of sudo: ", stream=sys.stderr)
    if is_stdin_taken:
        raise BadInput("--ask-become-pass reads standard input here, and so does --inventory -: give one as a file")
    return sys.stdin.readline().rstrip("\n")
