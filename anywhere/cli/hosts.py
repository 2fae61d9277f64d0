"""Which hosts a command is for, and how to reach them: the options that all such commands share."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import typer

from anywhere.cli.say import say
from anywhere.errors import BadInput
from anywhere.flows.hosts import HOST_SECONDS, PARALLEL, Hosts, chosen

PANEL = "Hosts"


def _option(default: Any, *names: str, help: str, **more: Any) -> Any:
    return typer.Option(default, *names, help=help, rich_help_panel=PANEL, **more)


OPTIONS: dict[str, tuple[Any, Any]] = {
    "host": (list[str], _option([], help="local (default), [user@]host[:port], or a saved bundle; again for more.")),
    "inventory": (
        str | None,
        _option(None, "--inventory", "-i", help="A file of hosts: a list, Ansible's INI or YAML, JSON; - is stdin."),
    ),
    "limit": (str, _option("", help="Only these of the inventory: names and groups, *, !not, &and, ~regex, @file.")),
    "parallel": (int, _option(PARALLEL, "--parallel", "-p", help="How many hosts at once.")),
    "host_timeout": (float, _option(HOST_SECONDS, help="Seconds that one host may take in all.")),
    "ssh_key": (list[str], _option([], help="A private key to log in with, beside the agent and ssh_config.")),
    "ssh_config": (str, _option("", help="An ssh_config in place of ~/.ssh/config.")),
    "ssh_accept_new": (
        bool,
        _option(False, "--ssh-accept-new", help="Take and store the keys of hosts not yet known."),
    ),
    "no_sudo": (bool, _option(False, "--no-sudo", help="Do not ask sudo for root's rights.")),
    "ask_become_pass": (bool, _option(False, "--ask-become-pass", "-K", help="Ask for the password of sudo.")),
}
# What the commands share that plan, make, verify and undo changes of hosts.
WAVE = typer.Option("", help="Hosts at once, as a number or a share (5%); one canary goes first.")
DRY_RUN = typer.Option(False, "--dry-run", help="Print what would be undone; change nothing.")
FORCE = typer.Option(
    False,
    "--force-missing",
    help="Undo what a damaged record still holds; list what cannot be restored, and forget it.",
)
FORMAT = typer.Option("table", help="table or json.")
PLAN_FORMAT = typer.Option("table", help="table, json or shell.")
REPORT_FORMAT = typer.Option("table", help="table, json, ...")
OUTPUT = typer.Option("", help="Write the result to a file.")


VERBOSE = typer.Option(False, "--verbose", "-v", help="List every finding.")
QUIET = typer.Option(False, "--quiet", "-q", help="Print the verdict and the causes' codes only.")


def how_much(verbose: bool, quiet: bool) -> str:
    """How much of a table is shown. Raises BadInput for both at once."""
    if verbose and quiet:
        raise BadInput("--verbose and --quiet exclude each other: give one of them")
    return "all" if verbose else "verdict" if quiet else "problems"


def with_hosts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options above; it gets them as one argument, `hosts`.

    A command may have an argument `more` for further hosts: a shell makes several words of `--host DIR/*.json.gz`.
    """
    own = [one for one in inspect.signature(command).parameters.values() if one.name != "hosts"]
    ours = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=option, annotation=kind)
        for name, (kind, option) in OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(**words: Any) -> Any:
        given = {name: words.pop(name) for name in OPTIONS}
        given["host"] = [*given["host"], *(words.pop("more", None) or ())]
        return command(**words, hosts=_chosen(**given))

    wrapped.__signature__ = inspect.Signature([*own, *ours])  # type: ignore[attr-defined]  # typer reads it
    kinds = {name: kind for name, (kind, _) in OPTIONS.items()}
    wrapped.__annotations__ = {
        **{name: kind for name, kind in inspect.get_annotations(command, eval_str=True).items() if name != "hosts"},
        **kinds,
    }
    return wrapped


def _chosen(**words: Any) -> Hosts:
    """The options as values. Raises BadInput for what cannot be meant; says on stderr what is listed twice."""
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
