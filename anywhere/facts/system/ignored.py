"""Proxy settings that are written down and not in effect: what systemd leaves out of a unit's files, and why.

Sources: systemd.exec(5), "Environment="; systemd.unit(5), "Specifiers" and "Drop-ins"; systemd issue 9842 (a line with an
unknown specifier is dropped since version 236).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.facts.files import list_folder, read_text
from anywhere.facts.system.quoting import split_words
from anywhere.facts.system.units import Unit, unit_lines
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.redact import MASK, redact

PROXY_NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_SETTING = re.compile(r"(?i)\b(https?_proxy|no_proxy)\s*=")
_KEY = re.compile(r"(?i)enviro?n?ment\b|env\b")
_BACKUP = re.compile(r"(~|\.(bak|old|orig|save|rpmsave|rpmnew|dpkg-\w+|disabled|off|sample|example))$")


@frozen
class Ignored:
    """A setting that has no effect: `name` is the variable in capitals, `why` says what systemd makes of the line, `fix`
    what to write, and `commands` do it."""

    name: str
    path: str
    line: int
    why: str
    fix: str
    commands: tuple[tuple[str, ...], ...] = ()

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"


def ignored_settings(host: Host, unit: Unit) -> tuple[Ignored, ...]:
    """What the files of a unit say about proxies without effect, each name at its first place."""
    found: list[Ignored] = []
    for path in filter(None, (unit.fragment, *unit.drop_ins)):
        # Masked first: a saved run holds no password, and has to come to the same answer.
        found += _in_file(path, redact(read_text(host, path).content), unit)
    for path in _unloaded(host, unit):
        found += _not_loaded(host, unit, path)
    return tuple({(one.name, one.path): one for one in reversed(found)}.values())[::-1]


def _unloaded(host: Host, unit: Unit) -> Iterator[str]:
    """Files beside the drop-ins that systemd did not read."""
    for root in ("/etc/systemd/system", "/run/systemd/system"):
        folder = f"{root}/{unit.name}.d"
        for name in list_folder(host, folder) or ():
            path = f"{folder}/{name}"
            if path not in unit.drop_ins and not _BACKUP.search(name):
                yield path


def _not_loaded(host: Host, unit: Unit, path: str) -> Iterator[Ignored]:
    # A drop-in of the same name in a folder that counts more takes its place.
    if any(path.rpartition("/")[2] == other.rpartition("/")[2] for other in unit.drop_ins):
        return
    folder, _, name = path.rpartition("/")
    right = f"{folder}/{name.lstrip('.').removesuffix('.conf')}.conf"
    why = "systemd has not read this file yet"
    if path != right:
        why = f"systemd reads only files whose names {'start without a dot' if name[0] == '.' else 'end in .conf'}"
    fix = "Reload systemd." if path == right else f"Rename {path} to {right}."
    commands = () if path == right else (("mv", path, right),)
    for number, row in enumerate(read_text(host, path).content.splitlines(), 1):
        if not row.lstrip().startswith(("#", ";")):
            for name in _SETTING.findall(row):
                yield Ignored(name.upper(), path, number, why, fix, commands)


def _in_file(path: str, text: str, unit: Unit) -> Iterator[Ignored]:
    for number, section, line in unit_lines(text):
        if _SETTING.search(line) and "=" in line:
            yield from _in_line(path, number, section, line, unit)


def _in_line(path: str, number: int, section: str, line: str, unit: Unit) -> Iterator[Ignored]:
    key, _, value = (part.strip() for part in line.partition("="))
    names = [name.upper() for name in _SETTING.findall(line)]
    if section != "[Service]":
        said = f"it is in {section or 'no section'}, and systemd takes Environment= only in [Service]"
        edit = (
            (("sed", "-i", rf"s/^\[{section[1:-1]}\]/[Service]/", path),) if section and path.endswith(".conf") else ()
        )
        yield from (Ignored(one, path, number, said, "Put the line below [Service].", edit) for one in names)
    elif key != "Environment":
        if _KEY.match(key) and key not in ("EnvironmentFile", "PassEnvironment"):
            said, rename = f"systemd knows no {key}=", ("sed", "-i", f"{number}s/^ *{key}/Environment/", path)
            yield from (Ignored(one, path, number, said, "The key is Environment=.", (rename,)) for one in names)
        elif key.upper() in PROXY_NAMES:
            said, fix = "a bare NAME=value is no line of a unit", "Write it as Environment=."
            yield Ignored(key.upper(), path, number, said, fix, (("sed", "-i", f"{number}s/^ */Environment=/", path),))
    else:
        yield from _in_value(path, number, value, unit)


def _in_value(path: str, number: int, value: str, unit: Unit) -> Iterator[Ignored]:
    for word in split_words(value):
        name, equals, rest = word.partition("=")
        inner = [one.upper() for one in _SETTING.findall(rest)]
        if equals and inner and re.search(r"\s", rest):
            said = (
                f"one pair of quotes holds {len(inner) + 1} assignments: the complete text becomes the value of {name}"
            )
            split = ("sed", "-i", rf'{number}s/[[:space:]]\+\([A-Za-z_]*=\)/" "\1/g', path)
            fix = "Quote each assignment by itself."
            yield from (Ignored(one, path, number, said, fix, (split,)) for one in (name.upper(), *inner))
        elif unit.stale and name not in unit.environment:
            said = "systemd has not read this file since it was changed"
            yield Ignored(name.upper(), path, number, said, "Reload systemd.")
        elif _SETTING.match(word) and (MASK in rest or _has_specifier(rest)) and name not in unit.environment:
            said = "systemd drops the assignment, since a percent sign in it is not doubled"
            fix = "A percent sign is written %% in a unit file (%40 as %%40): double each one in this line."
            yield Ignored(name.upper(), path, number, said, fix, (("sed", "-i", f"{number}s/%/%%/g", path),))


def _has_specifier(text: str) -> bool:
    """Whether a percent sign is not doubled: systemd takes it with what follows for a specifier."""
    return "%" in text.replace("%%", "")
