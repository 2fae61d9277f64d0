"""The last error line of a daemon that does not run, and what the dated tables make of it."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.catalogue.daemon_lines.base import DaemonLine, Matched, match
from anywhere.catalogue.daemon_lines.containers import CONTAINERD_LINES, RUNC_LINES
from anywhere.catalogue.daemon_lines.docker import DOCKER_LINES
from anywhere.catalogue.daemon_lines.systemd import SYSTEMD_LINES
from anywhere.facts.logs.journal import Said, last_lines, shown
from anywhere.facts.system.units import ECS, Unit
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

# By unit: the tables of its daemon's lines, and the names under which it writes to the system's log.
DOCKER_TABLES = (*DOCKER_LINES, *RUNC_LINES, *SYSTEMD_LINES)
CONTAINERD_TABLES = (*CONTAINERD_LINES, *DOCKER_LINES, *SYSTEMD_LINES)
RECENT = 80  # lines: a failed start writes fewer


@frozen
class LastWords:
    """The line that tells why a daemon ended, and the row that knows it; `line` is empty where nothing was read."""

    line: str = ""
    known: Matched | None = None


def docker_words(host: Host, unit: Unit) -> LastWords:
    """Why dockerd ended, in its own words; of one that was stopped in order, what systemd says of a start since."""
    lines = since_start(last_lines(host, unit, "dockerd", "docker"))
    return held_back(lines) if is_stopped(unit) else choose(DOCKER_TABLES, lines)


def containerd_words(host: Host, unit: Unit) -> LastWords:
    """Why containerd ended, in its own words; of one that was stopped in order, what systemd says of a start since."""
    lines = since_start(last_lines(host, unit, "containerd"))
    return held_back(lines) if is_stopped(unit) else choose(CONTAINERD_TABLES, lines)


def agent_words(host: Host, unit: Unit, *programs: str) -> LastWords:
    """Why one of the agents' services ended, in its own words or systemd's."""
    lines = since_start(last_lines(host, unit, *programs))
    # The SSM agent starts no container: what its lines share with runc's has another reason.
    tables = (*SYSTEMD_LINES, *RUNC_LINES) if unit.name == ECS else SYSTEMD_LINES
    return held_back(lines) if is_stopped(unit) else choose(tables, lines)


def is_stopped(unit: Unit) -> bool:
    """Whether the service ended in order, or was not started at all: then what it wrote before is no reason."""
    return unit.active == "inactive" and unit.result in ("", "success")


def since_start(lines: Sequence[Said]) -> Sequence[Said]:
    """The lines since systemd last reported the service as started: a failure before that is over. A service of
    Type=notify, as docker's, is reported only when it is ready (systemd.service(5))."""
    started = [place for place, said in enumerate(lines) if said.is_systemd and said.text.startswith("Started ")]
    return lines[started[-1] + 1 :] if started else lines


def held_back(lines: Sequence[Said]) -> LastWords:
    """What systemd itself says of a start that it did not carry out."""
    found = choose(SYSTEMD_LINES, [said for said in lines if said.is_systemd])
    return found if found.known else LastWords()


def choose(rows: tuple[DaemonLine, ...], lines: Sequence[Said]) -> LastWords:
    """The line that a table knows, the last of the last start first; else the daemon's last error; else its last line.

    systemd's own lines say that a daemon ended, not why: they count only where a table knows them.
    """
    recent = lines[-RECENT:]
    found = [(said, known) for said in recent if _may_tell(said) and (known := match(rows, said.text))]
    if found:
        # One error may take several lines: its first tells most.
        last, kind = found[-1][0], found[-1][1].row.kind
        said, known = next(pair for pair in found if pair[0].pid == last.pid and pair[1].row.kind == kind)
        return LastWords(shown(said.text), known)
    own = [said for said in recent if not said.is_systemd and said.text]
    bad = [said for said in own if said.is_error]
    last = (bad or own or [Said("", "")])[-1]
    return LastWords(shown(last.text))


def _may_tell(said: Said) -> bool:
    """Whether a line can be the reason: not one that a daemon itself calls harmless."""
    return said.is_error or said.is_systemd or "level=" not in said.text
