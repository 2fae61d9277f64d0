"""Proxy settings that are written down and not in effect: what systemd leaves out of a unit's files, and why.

Sources: systemd.exec(5), "Environment=", "EnvironmentFile=" and "UnsetEnvironment="; systemd.unit(5), "Specifiers" and
"Drop-ins"; systemd issue 9842 (a line with an unknown specifier is dropped since version 236); garethr-docker pull requests 259
and 264, sous-chefs/docker issue 274 (`export` in an environment file).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.facts.files import list_folder, read_text
from anywhere.facts.system.quoting import parse_section, split_words, unit_lines
from anywhere.facts.system.units import ECS, Unit, environment_files
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import EDIT
from anywhere.redact import MASK, redact

PROXY_NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_SETTING = re.compile(r"(?i)\b(https?_proxy|no_proxy)\s*=")
_KEY = re.compile(r"(?i)enviro?n?ment\b|env\b")
_EXPORT = re.compile(r"(?i)^[ \t]*export[ \t]+(https?_proxy|no_proxy)[ \t]*=")
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
    for path in environment_files(host, unit) if unit.name != ECS else ():
        found += _exported(path, read_text(host, path).content)
    found += _unset(host, unit)
    return tuple({(one.name, one.path): one for one in reversed(found)}.values())[::-1]


def _exported(path: str, text: str) -> Iterator[Ignored]:
    """Lines of an environment file as a shell has them: to systemd `export NAME` is no name. ecs.config has a check of its
    own."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _EXPORT.match(line):
            why = "systemd takes no `export` in an environment file, and leaves the line out"
            edit = (*EDIT, "-E", f"{number}s/^[[:space:]]*export[[:space:]]+//", path)
            yield Ignored(found[1].upper(), path, number, why, "Write the line without export.", (edit,))


def _unset(host: Host, unit: Unit) -> Iterator[Ignored]:
    """What one file sets and UnsetEnvironment= of another takes away."""
    gone = {word.partition("=")[0] for word in unit.unset} - set(unit.environment)
    for path in filter(None, (unit.fragment, *unit.drop_ins)):
        for number, key, value in parse_section(read_text(host, path).content, "[Service]"):
            names = [word for word in split_words(value) if word.partition("=")[0] in gone and _PROXY.match(word)]
            if key != "UnsetEnvironment" or not names:
                continue
            edit = (*EDIT, "-E", rf"{number}s/\b(https?_proxy|no_proxy)\b(=\S*)?//gI", path)
            fix = f"Take the names out of UnsetEnvironment= in {path}:{number}."
            for name in (name.partition("=")[0] for name in names):
                place, line = _where_set(host, unit, name)
                why = f"UnsetEnvironment= in {path}:{number} takes it away again"
                yield from (Ignored(name.upper(), place, line, why, fix, (edit,)) for _ in range(bool(place)))


_PROXY = re.compile(r"(?i)(https?_proxy|no_proxy)(=|$)")


def _where_set(host: Host, unit: Unit, name: str) -> tuple[str, int]:
    """The last line of the unit's files that sets a variable; nowhere where none does."""
    found = ("", 0)
    for path in filter(None, (unit.fragment, *unit.drop_ins, *environment_files(host, unit))):
        for number, line in enumerate(read_text(host, path).content.splitlines(), 1):
            if re.search(rf"(^|[\s\"'=]){name}=", line) and "UnsetEnvironment" not in line:
                found = (path, number)
    return found


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
        edit = ((*EDIT, rf"s/^\[{section[1:-1]}\]/[Service]/", path),) if section and path.endswith(".conf") else ()
        yield from (Ignored(one, path, number, said, "Put the line below [Service].", edit) for one in names)
    elif key != "Environment":
        if _KEY.match(key) and key not in ("EnvironmentFile", "PassEnvironment"):
            said, rename = f"systemd knows no {key}=", (*EDIT, f"{number}s/^ *{key}/Environment/", path)
            yield from (Ignored(one, path, number, said, "The key is Environment=.", (rename,)) for one in names)
        elif key.upper() in PROXY_NAMES:
            said, fix = "a bare NAME=value is no line of a unit", "Write it as Environment=."
            yield Ignored(key.upper(), path, number, said, fix, ((*EDIT, f"{number}s/^ */Environment=/", path),))
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
            split = (*EDIT, rf'{number}s/[[:space:]]\+\([A-Za-z_]*=\)/" "\1/g', path)
            fix = "Quote each assignment by itself."
            yield from (Ignored(one, path, number, said, fix, (split,)) for one in (name.upper(), *inner))
        elif unit.stale and name not in unit.environment:
            said = "systemd has not read this file since it was changed"
            yield Ignored(name.upper(), path, number, said, "Reload systemd.")
        elif _SETTING.match(word) and (MASK in rest or _has_specifier(rest)) and name not in unit.environment:
            said = "systemd drops the assignment, since a percent sign in it is not doubled"
            fix = "A percent sign is written %% in a unit file (%40 as %%40): double each one in this line."
            yield Ignored(name.upper(), path, number, said, fix, ((*EDIT, f"{number}s/%/%%/g", path),))


def _has_specifier(text: str) -> bool:
    """Whether a percent sign is not doubled: systemd takes it with what follows for a specifier."""
    return "%" in text.replace("%%", "")
