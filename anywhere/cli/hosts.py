"""Which hosts a command is for, and how to reach them: the options that all such commands share."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from anywhere.cli.say import say
from anywhere.errors import BadInput
from anywhere.flows.hosts import PARALLEL, Hosts, named, once
from anywhere.hosts.open import HOST_SECONDS
from anywhere.hosts.target import SSHOptions
from anywhere.inventory import STDIN, Entry, limited, load

MOST_PARALLEL = 512
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
        return command(**words, hosts=chosen(**given))

    wrapped.__signature__ = inspect.Signature([*own, *ours])  # type: ignore[attr-defined]
    kinds = {name: kind for name, (kind, _) in OPTIONS.items()}
    wrapped.__annotations__ = {
        **{name: kind for name, kind in inspect.get_annotations(command, eval_str=True).items() if name != "hosts"},
        **kinds,
    }
    return wrapped


def chosen(
    host: Sequence[str] = (),
    inventory: str | None = None,
    limit: str = "",
    parallel: int = PARALLEL,
    host_timeout: float = HOST_SECONDS,
    ssh_key: Sequence[str] = (),
    ssh_config: str = "",
    ssh_accept_new: bool = False,
    no_sudo: bool = False,
    ask_become_pass: bool = False,
) -> Hosts:
    """The options as values. Raises BadInput for what cannot be meant; says on stderr what is listed twice."""
    if not 1 <= parallel <= MOST_PARALLEL:
        raise BadInput(f"--parallel must be 1 to {MOST_PARALLEL}, not {parallel}")
    if not 1 <= host_timeout <= 3600:
        raise BadInput(f"--host-timeout must be 1 to 3600 seconds, not {host_timeout:g}")
    for path in (*ssh_key, *filter(None, [ssh_config])):
        if not os.access(os.path.expanduser(path), os.R_OK):
            raise BadInput(f"{path}: cannot be read")
    if inventory == "":
        raise BadInput("--inventory is empty: name a file of hosts, or - for standard input")
    entries = _entries(host, inventory or "", limit)
    ssh = SSHOptions(
        accept_new=ssh_accept_new,
        identities=tuple(ssh_key),
        config=(ssh_config,) if ssh_config else None,
        become=not no_sudo,
        become_password=_password(inventory or "") if ask_become_pass else "",
    )
    return Hosts(entries, ssh, parallel, host_timeout, given=bool(host or inventory))


def _entries(host: Sequence[str], inventory: str, limit: str) -> tuple[Entry, ...]:
    listed: tuple[Entry, ...] = ()
    if inventory:
        listed, notes = load(inventory)
        for note in notes:
            say(f"{inventory}: {note}")
    elif limit:
        raise BadInput("--limit chooses from an inventory: give --inventory too")
    entries = [*limited(listed, limit), *(entry for spec in host for entry in named(spec))]
    return once(entries) or (Entry("local", "local"),)


def _password(inventory: str) -> str:
    """Asked on the terminal, or the first line of standard input where that is none."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass("password of sudo: ", stream=sys.stderr)
    if inventory == STDIN:
        raise BadInput("--ask-become-pass reads standard input here, and so does --inventory -: give one as a file")
    return sys.stdin.readline().rstrip("\n")
