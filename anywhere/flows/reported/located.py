"""Where the commands of a fix run: ours here, with the options that reach the host; all others on the host itself.

A command that is pasted where it was read must never change the machine of whoever reads it instead of the host.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from anywhere.flows.hosts import Hosts, is_saved
from anywhere.hosts.target import SSHTarget, as_words
from anywhere.inventory import STDIN, Entry
from anywhere.model import Remedy, Target

HERE = ""
OURS = "anywhere"
HOSTED = frozenset(
    ("check", "rules", "proxy", "register", "status", "watch", "update", "move", "deregister", "reset")
)  # commands of ours that take a host


_QUOTED = re.compile(rf"`((?:sudo )?{OURS} [a-z]+[^`]*)`")


def located(target: Target, entry: Entry, hosts: Hosts) -> Target:
    """The target with the place of every command. One of this machine stays as it is."""
    options = reach(entry, hosts)
    if not options and not is_saved(entry):
        return target
    name = _name(target)
    findings = tuple(
        replace(one, remedy=_placed(one.remedy, name, options)) if one.remedy else one for one in target.findings
    )
    causes = tuple(replace(one, remedy=_placed(one.remedy, name, options)) for one in target.causes)
    return replace(target, findings=findings, causes=causes, reach=options)


def reach(entry: Entry, hosts: Hosts) -> tuple[str, ...]:
    """The options that name this one host again and log in as before; none for this machine and for a bundle."""
    if not isinstance(entry.spec, SSHTarget):
        return ()
    words: list[str] = []
    # Jump hosts, keys and users of an inventory are in the inventory.
    if entry.groups and hosts.inventory not in ("", STDIN):
        words += ["-i", hosts.inventory, "--limit", entry.name]
    else:
        words += ["--host", str(entry.spec)]
        words += ["--ssh-key", entry.spec.identity] if entry.spec.identity else []
    for identity in hosts.ssh.identities:
        words += ["--ssh-key", identity]
    for config in hosts.ssh.config or ():
        words += ["--ssh-config", config]
    own = () if "--limit" in words else entry.spec.lines
    if lines := (*own, *hosts.ssh.lines):
        words += ["--ssh-args", shlex.join(as_words(lines))]
    return (*words, "-K") if hosts.ssh.become_password else tuple(words)


def reaching(text: str, options: tuple[str, ...]) -> str:
    """A text whose quoted commands of ours reach the host that it is about."""

    def placed(found: re.Match[str]) -> str:
        words = found[1].removeprefix("sudo ")
        return f"`{words} {shlex.join(options)}`" if words.split()[1] in HOSTED and "--host" not in words else found[0]

    return _QUOTED.sub(placed, text) if options else text


def place(command: tuple[str, ...], options: tuple[str, ...]) -> tuple[str, ...]:
    """A command as it is typed for the host of these options."""
    return _place(command, "", options)[0]


def _name(target: Target) -> str:
    """What the host is called; a bundle that was saved as `local` is of the host that its facts name."""
    hostname = target.facts.get("hostname")
    return hostname if target.name == "local" and isinstance(hostname, str) and hostname else target.name


def _placed(remedy: Remedy, name: str, options: tuple[str, ...]) -> Remedy:
    if remedy.where or remedy.look_where:
        return remedy
    commands, where = _all_placed(remedy.commands, name, options)
    look, look_where = _all_placed(remedy.look, name, options)
    return replace(remedy, commands=commands, where=where, look=look, look_where=look_where)


def _all_placed(
    commands: tuple[tuple[str, ...], ...], name: str, options: tuple[str, ...]
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    placed = [_place(command, name, options) for command in commands]
    return tuple(words for words, _ in placed), tuple(where for _, where in placed)


def _place(command: tuple[str, ...], name: str, options: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The command as it is typed, and where. Ours needs no sudo here: it gets root's rights on the far side."""
    ours = command[1:] if command[:2] == ("sudo", OURS) else command
    if ours[:1] != (OURS,):
        return command, name
    if ours[1:2] and ours[1] not in HOSTED:
        return ours, HERE
    return ((*ours, *options), HERE) if options else (command, name)
