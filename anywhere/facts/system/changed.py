"""When files were last changed. Asked only where something is wrong already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anywhere.documents.numbers import whole
from anywhere.errors import NotRecorded
from anywhere.facts.system.units import Unit
from anywhere.hosts.base import Host

STAT = ("stat", "-L", "-c", "%Y %n")


def changed(host: Host, *paths: str) -> Mapping[str, float]:
    """The time of the last change of each file, in epoch seconds; those that are not there are left out."""
    try:
        said = host.run((*STAT, *paths), timeout=3).stdout
    except NotRecorded:
        return {}
    rows = (line.partition(" ") for line in said.splitlines())
    return {path: float(seconds) for text, _, path in rows if path in paths and (seconds := whole(text)) is not None}


def start_of(host: Host, unit: Unit) -> float:
    """When the unit's process started, in epoch seconds; 0 where that is not known."""
    booted = host.inventory().boot_time
    return booted + unit.started if booted and unit.started and unit.is_running else 0.0


def newer(host: Host, paths: Sequence[str], than: float) -> str:
    """The file of these that was changed last, if it was after that time; empty without one."""
    found = changed(host, *paths) if than and paths else {}
    late = [path for path, when in found.items() if when > than]
    return max(late, key=lambda path: found[path], default="")
