"""Hosts, groups and variables as Ansible has them, and the list of hosts that they come to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.hosts.target import SSHTarget, parse_target
from anywhere.inventory.ranges import expand

MOST_HOSTS = 100_000
SSH_CONNECTIONS = ("", "ssh", "smart", "paramiko", "paramiko_ssh", "ansible.netcommon.libssh", "community.general.ssh")
# Our name of a variable, and Ansible's, the newer first.
VARIABLES = {
    "host": ("ansible_host", "ansible_ssh_host"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "key": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "connection": ("ansible_connection",),
}
Variables = Mapping[str, object]


@frozen
class Problem:
    """Something about one line (0: about no single line)."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@frozen
class Entry:
    """A host: how reports call it, where it is (`local`, a bundle's path, or an SSH target), and its groups."""

    name: str
    spec: str | SSHTarget
    groups: frozenset[str] = frozenset()
    line: int = 0


@dataclass
class _Host:
    line: int
    variables: dict[str, object] = field(default_factory=dict)


@dataclass
class _Group:
    hosts: dict[str, int] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)
    line: int = 0


class Book:
    """Filled by the readers of the forms; `entries` is what comes out. `fatal` problems stop the run, `notes` are
    worth a word; `steps` counts what a reader has walked through."""

    def __init__(self) -> None:
        self.hosts: dict[str, _Host] = {}
        self.groups: dict[str, _Group] = {}
        self.fatal: list[Problem] = []
        self.notes: list[Problem] = []
        self.steps = 0

    def bad(self, line: int, text: str) -> None:
        """Note what cannot be understood."""
        self.fatal.append(Problem(line, text))

    def add_host(self, pattern: str, group: str, variables: Variables, line: int) -> None:
        """A host, or a range of hosts, in a group (`ungrouped` for none)."""
        try:
            names = expand(pattern)
        except BadInput as error:
            return self.bad(line, str(error))
        if len(self.hosts) + len(names) > MOST_HOSTS:
            return self.bad(line, f"more than {MOST_HOSTS} hosts")
        members = self.group(group, line).hosts
        for name in names:
            if name in members:
                self.notes.append(Problem(line, f"{name} is already on line {members[name]}"))
            members.setdefault(name, line)
            self.hosts.setdefault(name, _Host(line)).variables.update(variables)
        return None

    def group(self, name: str, line: int = 0) -> _Group:
        """The group of this name, new or not."""
        return self.groups.setdefault(name, _Group(line=line))

    def entries(self) -> tuple[Entry, ...]:
        """The hosts in the order of their first mention. Problems found on the way are noted."""
        above = self._above()
        found = []
        places: dict[str, str] = {}
        for name, host in self.hosts.items():
            groups = self._groups_of(name, above)
            variables: dict[str, object] = {}
            for group in groups:
                variables |= self.groups[group].variables if group in self.groups else {}
            entry = self._entry(name, host.line, {**variables, **host.variables}, frozenset(groups))
            if entry is not None:
                self._note_double(entry, places)
                found.append(entry)
        return tuple(found)

    def _entry(self, name: str, line: int, variables: Variables, groups: frozenset[str]) -> Entry | None:
        chosen = {ours: _first(variables, theirs) for ours, theirs in VARIABLES.items()}
        if any("{{" in value for value in chosen.values()):
            self.bad(line, f"{name}: a template ({{{{ }}}}) cannot be filled in here")
            return None
        if name == "local" or chosen["connection"] == "local":
            return Entry(name, "local", groups, line)
        if chosen["connection"] not in SSH_CONNECTIONS:
            self.notes.append(Problem(line, f"{name} is left out: its connection is {chosen['connection']}, not ssh"))
            return None
        if name.endswith((".json", ".json.gz")) and os.path.isfile(name):
            return Entry(name, name, groups, line)
        try:
            return Entry(name, _target(name, chosen), groups, line)
        except BadInput as error:
            self.bad(line, str(error))
            return None

    def _note_double(self, entry: Entry, places: dict[str, str]) -> None:
        if isinstance(entry.spec, SSHTarget):
            place = str(entry.spec)
            if place in places:
                self.notes.append(Problem(entry.line, f"{entry.name} is the same place as {places[place]} ({place})"))
            places.setdefault(place, entry.name)

    def _above(self) -> dict[str, list[str]]:
        """The parents of each group; a child that is nowhere defined is a mistake."""
        above: dict[str, list[str]] = {}
        for name, group in self.groups.items():
            for child in group.children:
                if child not in self.groups:
                    self.bad(group.line, f"there is no group {child!r}")
                above.setdefault(child, []).append(name)
        return above

    def _groups_of(self, host: str, above: Mapping[str, list[str]]) -> list[str]:
        """The groups of a host, the outermost first, so that what is nearer wins."""
        depths: dict[str, int] = {}
        near = [(name, 0) for name, group in self.groups.items() if host in group.hosts]
        while near:
            name, depth = near.pop()
            if depth > depths.get(name, -1) and depth <= len(self.groups):
                depths[name] = depth
                near += [(parent, depth + 1) for parent in above.get(name, ())]
        depths.pop("all", None)
        return ["all", *sorted(depths, key=lambda name: (-depths[name], name))]

    def members(self) -> Iterator[str]:
        """The names of the groups."""
        return iter(self.groups)


def _first(variables: Variables, names: tuple[str, ...]) -> str:
    values = (variables.get(name) for name in names)
    return next((str(value).strip() for value in values if isinstance(value, str | int) and str(value).strip()), "")


def _target(name: str, chosen: Mapping[str, str]) -> SSHTarget:
    """Where a host is: its variables over what its name says."""
    own = parse_target(name)
    host = parse_target(chosen["host"]) if chosen["host"] else own
    port = parse_target(f"x:{chosen['port']}").port if chosen["port"] else host.port or own.port
    user = parse_target(f"{chosen['user']}@x").user if chosen["user"] else host.user or own.user
    return SSHTarget(host.host, user, port, name, chosen["key"])
