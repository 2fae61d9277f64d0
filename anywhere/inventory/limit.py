"""`--limit`: which hosts of an inventory, as Ansible's patterns say it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from anywhere.errors import BadInput, did_you_mean
from anywhere.files import open_input
from anywhere.hosts.target import SSHTarget
from anywhere.inventory.book import Entry
from anywhere.inventory.ranges import expand

LARGEST = 8 * 1024 * 1024  # bytes


def limited(entries: Sequence[Entry], text: str) -> tuple[Entry, ...]:
    """The entries that a pattern keeps, in their order.

    Parts are joined by `,` (or `:`): names and groups with `*` and `?`, `~` before a regular expression, `!` before what
    is left out, `&` before what must be so too, `@FILE` for names in a file. Raises BadInput where nothing is left.
    """
    parts = [part for part in _split(text) if part]
    if not parts:
        return tuple(entries)
    plain = [part for part in parts if part[0] not in "!&"]
    kept = [entry for entry in entries if not plain or any(_fits(entry, part) for part in plain)]
    for part in parts:
        if part[0] == "&":
            kept = [entry for entry in kept if _fits(entry, part[1:])]
        elif part[0] == "!":
            kept = [entry for entry in kept if not _fits(entry, part[1:])]
    for part in plain:
        if not any(_fits(entry, part) for entry in entries):
            raise BadInput(f"--limit: no host or group fits {part[:80]!r}{_near(entries, part)}")
    if not kept:
        raise BadInput(f"--limit {text[:80]!r} leaves no host")
    return tuple(kept)


def _split(text: str) -> list[str]:
    parts: list[str] = []
    for part in text.split(","):
        part = part.strip()
        is_whole = part[:1] == "~" or part[1:2] == "~" or "[" in part or part.count(":") > 1 or "@" in part[1:]
        parts += [part] if is_whole else [one.strip() for one in part.split(":")]
    return [name for part in parts for name in (_file(part[1:]) if part.startswith("@") else [part])]


def _file(path: str) -> list[str]:
    try:
        with open_input(path) as file:
            text = file.read(LARGEST + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--limit @{path}: cannot be read: {getattr(error, 'strerror', '') or 'not text'}") from error
    if len(text) > LARGEST:
        raise BadInput(f"--limit @{path}: larger than a list of hosts can be")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _fits(entry: Entry, part: str) -> bool:
    names = _names(entry)
    if part.startswith("~"):
        try:
            return any(re.search(part[1:], name) for name in names)
        except re.error as error:
            raise BadInput(f"--limit: {part[:80]!r} is no regular expression: {error}") from error
    try:
        wanted = expand(part)
    except BadInput:
        wanted = (part,)
    return any(fnmatchcase(name, one) for name in names for one in wanted)


def _names(entry: Entry) -> set[str]:
    place = {entry.spec.host, str(entry.spec)} if isinstance(entry.spec, SSHTarget) else {str(entry.spec)}
    return {entry.name, *entry.groups} | place


def _near(entries: Sequence[Entry], part: str) -> str:
    known = {name for entry in entries for name in (entry.name, *entry.groups)}
    hint = did_you_mean(part, sorted(known))
    return f"; {hint}" if hint else ""
