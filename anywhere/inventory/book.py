"""Hosts, groups and variables as Ansible has them, and the list of hosts that they come to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from anywhere.documents.numbers import whole
from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.hosts.target import SSHTarget, parse_target
from anywhere.inventory.arguments import NAMES as ARGUMENTS
from anywhere.inventory.arguments import ssh_lines
from anywhere.inventory.ranges import expand
from anywhere.inventory.templates import filled, is_encrypted
from anywhere.inventory.templates import text as _text

MOST_HOSTS = 100_000
NO_SSH = "no host in it is reached over SSH"
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
        self._depths: dict[str, int] = {}

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
            short = name.partition(".")[0]
            known = {"inventory_hostname": name, "inventory_hostname_short": short, **variables, **host.variables}
            entry = self._entry(name, host.line, known, frozenset(groups))
            if entry is not None:
                self._note_double(entry, places)
                found.append(entry)
        return tuple(found)

    def _entry(self, name: str, line: int, variables: Variables, groups: frozenset[str]) -> Entry | None:
        try:
            connection = _first(variables, VARIABLES["connection"])
            if name == "local" or connection == "local":
                return Entry(name, "local", groups, line)
            if connection not in SSH_CONNECTIONS:
                self.notes.append(Problem(line, f"{name} is left out: its connection is {connection}, not ssh"))
                return None
            if name.endswith((".json", ".json.gz")) and os.path.isfile(name):
                return Entry(name, name, groups, line)
            # What is encrypted or made of variables is only in the way where SSH needs it.
            chosen = {ours: _first(variables, theirs) for ours, theirs in VARIABLES.items()}
            lines = ssh_lines({one: _first(variables, (one,)) for one in ARGUMENTS})
        except BadInput as error:
            self.bad(line, f"{name}: {error}")
            return None
        try:
            return Entry(name, _target(name, chosen, lines), groups, line)
        except BadInput as error:
            self.bad(line, str(error))
            return None

    def _note_double(self, entry: Entry, places: dict[str, str]) -> None:
        if isinstance(entry.spec, SSHTarget):
            shown = str(entry.spec)
            place = " ".join((shown, *entry.spec.lines))  # the same address behind another jump host is another place
            if place in places:
                self.notes.append(Problem(entry.line, f"{entry.name} is the same place as {places[place]} ({shown})"))
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
        """The groups of a host, those nearest to `all` first, then by priority and name: the last one's variables hold, as
        in Ansible (inventory/helpers.py, sort_groups)."""
        found: set[str] = set()
        near = [name for name, group in self.groups.items() if host in group.hosts]
        while near:
            name = near.pop()
            if name not in found:
                found.add(name)
                near += above.get(name, ())
        found.discard("all")
        return ["all", *sorted(found, key=lambda name: (self._depth(name, above), self._priority(name), name))]

    def _depth(self, group: str, above: Mapping[str, list[str]]) -> int:
        """How many groups lie between this one and `all` on the longest way."""
        open_groups, seen = [group], {group}
        while open_groups:
            here = open_groups[-1]
            parents = [one for one in above.get(here, ()) if one != "all"]
            more = [one for one in parents if one not in self._depths and one not in seen]
            if more:
                open_groups.append(more[0])
                seen.add(more[0])
            else:
                self._depths.setdefault(here, 1 + max((self._depths.get(one, 0) for one in parents), default=0))
                open_groups.pop()
        return self._depths[group]

    def _priority(self, group: str) -> int:
        value = _text(self.groups[group].variables.get("ansible_group_priority")) if group in self.groups else ""
        number = whole(value.removeprefix("-"))
        return 1 if number is None else -number if value.startswith("-") else number

    def members(self) -> Iterator[str]:
        """The names of the groups."""
        return iter(self.groups)


def _first(variables: Variables, names: tuple[str, ...]) -> str:
    for name in names:
        if is_encrypted(variables.get(name)):
            raise BadInput(
                f"{name} is encrypted (ansible-vault), and nothing is decrypted here: write its value, or set it for this host "
                "in ~/.ssh/config"
            )
        if value := _text(variables.get(name)):
            return filled(name, value, variables)
    return ""


def _target(name: str, chosen: Mapping[str, str], lines: tuple[str, ...]) -> SSHTarget:
    """Where a host is: its variables over what its name says. Where they give its address, its name may be any."""
    is_free = bool(chosen["host"]) and "@" not in name and name.isprintable()
    try:
        own = parse_target(name)
    except BadInput:
        if not is_free:
            raise
        own = SSHTarget("")
    host = parse_target(chosen["host"]) if chosen["host"] else own
    port = _port(name, chosen["port"]) if chosen["port"] else host.port or own.port
    user = _user(name, chosen["user"]) if chosen["user"] else host.user or own.user
    return SSHTarget(host.host, user, port, name, chosen["key"], lines)


def _port(name: str, port: str) -> int:
    try:
        return parse_target(f"x:{port}").port
    except BadInput as error:
        raise BadInput(f"{name}: ansible_port is {port[:40]!r}, and must be 1 to 65535") from error


def _user(name: str, user: str) -> str:
    try:
        return parse_target(f"{user}@x").user
    except BadInput as error:
        raise BadInput(f"{name}: ansible_user is no name of a user that ssh takes") from error
