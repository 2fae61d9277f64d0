"""What a unit's daemon wrote last: from the journal, the file that its unit writes to, or the system's log.

Asked only for a unit that does not run as it should: a healthy host pays nothing for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from anywhere.facts.files import Access, read_text
from anywhere.facts.system.quoting import parse_service
from anywhere.facts.system.units import Unit
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.redact import redact

LINES = 200
SYSTEM_LOGS = ("/var/log/syslog", "/var/log/messages", "/var/log/daemon.log")
TAIL = 256 * 1024  # bytes of a log that all daemons share
LONGEST = 4000  # characters of a line that are looked at
_PREFIX = re.compile(
    r"^(?:\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-][\d:]+)?|[A-Z][a-z]{2} [ \d]\d [\d:]{8}(?:\.\d+)?) \S+ "
    r"(?P<who>[^\s\[:]+)(?:\[(?P<pid>\d+)\])?: (?P<said>.*)$"
)
_GO = re.compile(r'^time="?[^" ]+"? level=(?P<level>\w+) msg=(?P<msg>"(?:[^"\\]|\\.)*"|\S+)(?P<more>.*)$')


@frozen
class Said:
    """One line: who wrote it and its process (empty where not known), and the line without its stamps, secrets masked."""

    who: str
    text: str
    pid: str = ""

    @property
    def is_systemd(self) -> bool:
        """Whether systemd itself wrote the line."""
        return self.who == "systemd"

    @property
    def is_error(self) -> bool:
        """Whether the line tells of an error, by its level or its words."""
        found = _GO.match(self.text)
        if found:
            return found["level"] in ("error", "fatal", "panic", "critical")
        return bool(_BAD.search(self.text))


_BAD = re.compile(
    r"(?i)^\W*(?:error|fatal|panic|failed|unable|cannot|can't|could not|invalid|unknown)\b|"
    r"level=(?:error|fatal|panic|critical)|\b(?:ERROR|CRITICAL|FATAL)\b|: (?:permission denied|no such file or "
    r"directory|not found)$"
)


def last_lines(host: Host, unit: Unit, *programs: str) -> tuple[Said, ...]:
    """The unit's last lines, oldest first; empty where none can be read. `programs` are the names under which its daemon
    writes to the system's log."""
    done = host.run(("journalctl", "-u", unit.name, "-n", str(LINES), "--no-pager", "-o", "short-iso"), timeout=5)
    found = tuple(_lines(done.stdout)) if done.ok else ()
    return found or tuple(_from_file(host, unit)) or tuple(_from_system_log(host, programs))


def _lines(text: str) -> Iterator[Said]:
    for line in text.splitlines():
        if line.startswith("-- ") or not line.strip():
            continue
        found = _PREFIX.match(line[:LONGEST])
        yield (
            Said(found["who"], redact(found["said"]), found["pid"] or "") if found else Said("", redact(line[:LONGEST]))
        )


def _from_file(host: Host, unit: Unit) -> Iterator[Said]:
    """A unit may send its output to a file: StandardError=append:/var/log/docker.log."""
    paths: dict[str, str] = {}
    for place in filter(None, (unit.fragment, *unit.drop_ins)):
        for key, value in parse_service(read_text(host, place).content):
            kind, colon, path = value.partition(":")
            if key in ("StandardOutput", "StandardError"):
                paths[key] = path if colon and kind in ("file", "append", "truncate") else ""
    for path in dict.fromkeys(filter(None, (paths.get("StandardError", ""), paths.get("StandardOutput", "")))):
        yield from _lines(read_text(host, path, tail=TAIL).content)


def _from_system_log(host: Host, programs: Iterable[str]) -> tuple[Said, ...]:
    for path in SYSTEM_LOGS:
        text = read_text(host, path, tail=TAIL)
        if text.access is Access.READ and text.content:
            return tuple(said for said in _lines(text.content) if said.who in programs)[-LINES:]
    return ()


def without_stamps(text: str) -> str:
    """Lines of a journal or system log as their daemon wrote them."""
    found = ((_PREFIX.match(line[:LONGEST]), line[:LONGEST]) for line in text.splitlines())
    return "\n".join(match["said"] if match else line for match, line in found)


def shown(text: str) -> str:
    """A line as a report quotes it: Go's own form reduced to its message and error, at most 400 characters."""
    if found := _GO.match(text):
        message = found["msg"].strip('"').replace('\\"', '"')
        error = re.search(r'\berror="((?:[^"\\]|\\.)*)"', found["more"])
        text = f"{message}: {error[1]}" if error else message
    return text if len(text) <= 400 else text[:397] + "..."
