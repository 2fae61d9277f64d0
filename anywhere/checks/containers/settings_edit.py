"""Edits of docker's settings as commands: a flag taken out of the unit by a drop-in, an entry out of daemon.json by sed."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from anywhere.catalogue.daemon_lines.base import RELOAD, Matched
from anywhere.checks.remedies import Command
from anywhere.facts.agents.daemon_json import PATH, daemon_json
from anywhere.facts.files import read_text
from anywhere.facts.system.docker_flags import docker_flags, without
from anywhere.facts.system.units import Unit
from anywhere.hosts.base import Host

DROP_IN = "/etc/systemd/system/docker.service.d/zz-without-{name}.conf"


@dataclass(frozen=True, slots=True)
class Edit:
    """What is changed, in a sentence, and the commands."""

    text: str
    commands: tuple[Command, ...]


def edits(host: Host, unit: Unit, known: Matched) -> Edit | None:
    """The edit that takes away what dockerd refuses; None where a person has to decide."""
    setting = known.groups.get("setting", "")
    if known.row.kind == "given-twice":
        # Without the flag docker listens where daemon.json says alone, and the agent needs its Unix socket.
        if setting == "hosts" and not any(one.startswith("unix://") for one in daemon_json(host).hosts):
            return without_entry(host, setting)
        return without_flag(host, unit, setting) or without_entry(host, setting)
    if known.row.kind == "unknown-directive":
        return without_entry(host, setting)
    return None


def without_flag(host: Host, unit: Unit, name: str) -> Edit | None:
    """A drop-in whose ExecStart= lacks the flag: the unit of the package stays as it is."""
    flags = docker_flags(host, unit)
    kept = without(flags.raw, name)
    if not flags.path or kept == flags.raw or any("%" in word for word in kept):
        return None
    path = DROP_IN.format(name=name)
    text = f"[Service]\\nExecStart=\\nExecStart={' '.join(map(_word, kept))}\\n"
    return Edit(
        f"daemon.json stays; {path} takes the flag out of {flags.path}:{flags.line}.",
        (("sh", "-c", f"mkdir -p {path.rpartition('/')[0]} && printf {shlex.quote(text)} > {path}"), RELOAD),
    )


def _word(word: str) -> str:
    return (
        word
        if re.fullmatch(r"[\w@%+=:,./$\{\}-]+", word)
        else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )


def without_entry(host: Host, name: str) -> Edit | None:
    """The sed command that takes one entry of a line of its own out of daemon.json; None where it has no such line."""
    text = read_text(host, PATH).content
    try:
        wanted = json.loads(text)
        wanted.pop(name)
    except (ValueError, RecursionError, AttributeError, KeyError):
        return None
    for script in _scripts(text, name):
        if _parses_to(_applied(text, script), wanted):
            words = tuple(word for one in script for word in ("-e", one))
            return Edit(f"The command takes {name} out of {PATH}.", (("sed", "-i", *words, PATH),))
    return None


def _scripts(text: str, name: str) -> tuple[tuple[str, ...], ...]:
    """The line away; and the same with the comma of the line before, for the last entry."""
    start = re.compile(rf'^\s*"{re.escape(name)}"\s*:')
    number = next((place for place, line in enumerate(text.splitlines(), 1) if start.match(line)), 0)
    return ((f"{number}d",), (f"{number - 1}s/,[[:space:]]*$//", f"{number}d")) if number else ()


def _applied(text: str, script: tuple[str, ...]) -> str:
    lines = text.splitlines()
    number = int(script[-1][:-1])
    if len(script) > 1 and number > 1:
        lines[number - 2] = re.sub(r",\s*$", "", lines[number - 2])
    return "\n".join(lines[: number - 1] + lines[number:])


def _parses_to(text: str, wanted: object) -> bool:
    try:
        return bool(json.loads(text) == wanted)
    except (ValueError, RecursionError):
        return False
