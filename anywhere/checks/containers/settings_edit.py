"""Edits of docker's settings as commands: a flag taken out of the unit by a drop-in, an entry of daemon.json by sed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from anywhere.catalogue.daemon_lines.base import RELOAD, Matched
from anywhere.checks.remedies import Command
from anywhere.facts.agents.daemon_json import PATH, daemon_json
from anywhere.facts.agents.docker import SOCKET
from anywhere.facts.files import read_text
from anywhere.facts.system.docker_flags import Flags, docker_flags, without
from anywhere.facts.system.units import Unit
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import EDIT

LONGEST = 40  # lines of one entry
DROP_INS = "/etc/systemd/system/docker.service.d"


@frozen
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
    if known.row.kind == "storage-option":
        return without_entry(host, "storage-opts") or without_flag(host, unit, "storage-opts")
    return None


def without_flag(host: Host, unit: Unit, name: str) -> Edit | None:
    """A drop-in whose ExecStart= lacks the flag: the unit of the package stays as it is."""
    flags = docker_flags(host, unit)
    kept = without(flags.raw, name)
    if kept == flags.raw:
        return None
    path = f"{DROP_INS}/zz-without-{name}.conf"
    return _started_by(flags, kept, path, f"daemon.json stays; {path} takes the flag out of {flags.path}:{flags.line}.")


def listening(host: Host, unit: Unit) -> Edit | None:
    """What makes docker listen on the agents' socket too: in daemon.json where that says where it listens, else a drop-in."""
    hosts = daemon_json(host).hosts
    if not hosts:
        flags, path = docker_flags(host, unit), f"{DROP_INS}/zz-with-socket.conf"
        said = f"{path} adds the socket to {flags.path}:{flags.line}."
        return _started_by(flags, (*flags.raw, "-H", SOCKET), path, said)

    def scripts(lines: list[str]) -> Iterator[Script]:
        last = json.dumps(hosts[-1])
        return _replacements(lines, last, f"{last}, {json.dumps(SOCKET)}")

    edit = _edited(host, ("hosts",), lambda holder, name: holder[name].append(SOCKET), scripts)
    return Edit(f"The command adds it to hosts in {PATH}.", edit) if edit else None


def _started_by(flags: Flags, words: tuple[str, ...], path: str, said: str) -> Edit | None:
    if not flags.path or any("%" in word for word in words):
        return None
    text = f"[Service]\\nExecStart=\\nExecStart={' '.join(map(_word, words))}\\n"
    write = f"mkdir -p {DROP_INS} && printf {shlex.quote(text)} > {path}"
    return Edit(said, (("sh", "-c", write), RELOAD))


def _word(word: str) -> str:
    return (
        word
        if re.fullmatch(r"[\w@%+=:,./$\{\}-]+", word)
        else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )


def without_entry(host: Host, *keys: str) -> Edit | None:
    """The sed command that takes an entry with lines of its own out of daemon.json; None where it has none."""
    edit = _edited(host, keys, lambda holder, name: holder.pop(name), lambda lines: _deletions(lines, keys[-1]))
    return Edit(f"The command takes {keys[-1]} out of {PATH}.", edit) if edit else None


def renamed(host: Host, old: str, new: str) -> Edit | None:
    """The sed command that gives a setting of daemon.json its right name."""
    if new in daemon_json(host).raw:
        return without_entry(host, old)

    def change(holder: Any, name: Any) -> None:
        holder[new] = holder.pop(name)

    edit = _edited(host, (old,), change, lambda lines: _replacements(lines, json.dumps(old), json.dumps(new)))
    return Edit(f"The command writes {new} in place of {old} into {PATH}.", edit) if edit else None


def with_value(host: Host, value: object, *keys: str | int) -> Edit | None:
    """The sed command that gives one entry of daemon.json another value; `keys` lead to it, a number into a list."""
    old: list[object] = []

    def change(holder: Any, name: Any) -> None:
        old.append(holder[name])
        holder[name] = value

    def scripts(lines: list[str]) -> Iterator[Script]:
        return _replacements(lines, json.dumps(old[0]), json.dumps(value))

    edit = _edited(host, keys, change, scripts)
    said = f"The command writes {json.dumps(value)} in place of {json.dumps(old[0]) if old else ''} into {PATH}."
    return Edit(said, edit) if edit else None


Script = tuple[tuple[str, ...], str]  # sed's expressions, and the file after them


def _edited(
    host: Host,
    keys: Sequence[str | int],
    change: Callable[[Any, Any], object],
    scripts: Callable[[list[str]], Iterable[Script]],
) -> tuple[Command, ...]:
    """The first script after which the file means what `change` makes of it; empty where there is none."""
    text = read_text(host, PATH).content
    try:
        holder = wanted = json.loads(text)
        for key in keys[:-1]:
            holder = holder[key]
        change(holder, keys[-1])
    except (ValueError, RecursionError, AttributeError, LookupError, TypeError):
        return ()
    for expressions, after in scripts(text.splitlines()):
        if _parses_to(after, wanted):
            words = tuple(word for one in expressions for word in ("-e", one))
            return ((*EDIT, *words, PATH),)
    return ()


def _deletions(lines: list[str], name: str) -> Iterator[Script]:
    """The entry's lines away; and the same with the comma of the line before, for the last entry."""
    start = re.compile(rf'^\s*"{re.escape(name)}"\s*:')
    for first, line in enumerate(lines):
        for last in range(first, min(first + LONGEST, len(lines))) if start.match(line) else ():
            before, after = lines[:first], lines[last + 1 :]
            away = f"{first + 1}d" if last == first else f"{first + 1},{last + 1}d"
            yield (away,), "\n".join([*before, *after])
            before[-1:] = [re.sub(r",\s*$", "", one) for one in before[-1:]]
            yield (f"{first}s/,[[:space:]]*$//", away), "\n".join([*before, *after])


def _replacements(lines: list[str], old: str, new: str) -> Iterator[Script]:
    """Each line that holds the old text, with the new one in its place."""
    pattern = re.sub(r"[|\\.*^$\[\]]", lambda found: "\\" + found[0], old)
    value = re.sub(r"[&|\\]", lambda found: "\\" + found[0], new)
    for number, line in enumerate(lines):
        if old in line:
            after = [*lines[:number], line.replace(old, new, 1), *lines[number + 1 :]]
            yield (f"{number + 1}s|{pattern}|{value}|",), "\n".join(after)


def _parses_to(text: str, wanted: object) -> bool:
    try:
        return bool(json.loads(text) == wanted)
    except (ValueError, RecursionError):
        return False
