"""Lines that docker, containerd and runc write when they end or start no container: how a row is made and found.

The tables are dated; the first row that fits decides, so the special rows come before the general ones.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

from anywhere.frozen import frozen

DATED = "2026-11-29"
Command = tuple[str, ...]
RELOAD: Command = ("systemctl", "daemon-reload")


@frozen
class DaemonLine:
    """One row. `says` completes the sentence "docker cannot start: ..."; it and `fix` may hold groups of the pattern as
    `{name}`. `commands` do what `fix` says; with `ready` the daemon is started after them, else a person has to act
    first and no start is offered. `source` is the file or the issue that the line was taken from."""

    kind: str
    pattern: str
    says: str
    fix: str
    source: str
    commands: tuple[Command, ...] = ()
    ready: bool = False


@cache
def _compiled(rows: tuple[DaemonLine, ...]) -> tuple[tuple[DaemonLine, re.Pattern[str]], ...]:
    return tuple((row, re.compile(row.pattern)) for row in rows)


@frozen
class Matched:
    """A row with what its pattern found in a line."""

    row: DaemonLine
    groups: dict[str, str]

    @property
    def says(self) -> str:
        """What the line means, with its names."""
        return " ".join(self._filled(self.row.says).replace("()", "").split()).rstrip(" :")

    @property
    def fix(self) -> str:
        """What to do, with its names."""
        return self._filled(self.row.fix)

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands, with its names; none where a name is not known."""
        needed = {name for command in self.row.commands for word in command for name in re.findall(r"{(\w+)}", word)}
        if not all(self.groups.get(name) for name in needed):
            return ()
        return tuple(tuple(self._filled(word) for word in command) for command in self.row.commands)

    def _filled(self, text: str) -> str:
        return text.format_map(defaultdict(str, self.groups)) if "{" in text else text


def match(rows: tuple[DaemonLine, ...], line: str) -> Matched | None:
    """The first row that a line belongs to."""
    for row, pattern in _compiled(rows):
        if found := pattern.search(line):
            return Matched(row, {name: (value or "").strip() for name, value in found.groupdict().items()})
    return None
