"""All that descends from a command of ours: its session, and children that left it but carry its mark."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection, Iterator, Mapping

MARK = "ANYWHERE_RUN"  # the variable that every command of this program and its children have
ROUNDS = 4  # a child may be born while the others are looked for


def end_offspring(leaders: Mapping[int, str]) -> None:
    """Kill the sessions of these leaders, what descends from them, and whatever carries their marks (`NAME=value`)."""
    marks = {mark.encode() for mark in leaders.values()}
    for _ in range(ROUNDS):
        found = list(_offspring(leaders, marks))
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _offspring(leaders: Collection[int], marks: set[bytes]) -> Iterator[int]:
    """Zombies are left out: they hold nothing, and belong to whoever waits for them."""
    mine = os.getpid()
    parents: dict[int, int] = {}
    sessions: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != mine and (status := _status(int(entry))):
            parents[int(entry)], sessions[int(entry)] = status
    for pid in parents:
        if sessions[pid] in leaders or _descends(pid, leaders, parents) or _carries(pid, marks):
            yield pid


def _status(pid: int) -> tuple[int, int] | None:
    """Parent and session; None for what is gone or dead."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, parent, _group, session = file.read(4096).rpartition(b")")[2].split()[:4]
    except (OSError, ValueError):
        return None
    return None if state in (b"Z", b"X") else (int(parent), int(session))


def _descends(pid: int, leaders: Collection[int], parents: dict[int, int]) -> bool:
    for _ in range(64):
        if pid in leaders:
            return True
        if pid not in parents:
            return False
        pid = parents[pid]
    return False


def _carries(pid: int, marks: set[bytes]) -> bool:
    """Only processes of this user are looked into: the memory of another's may lie on a file system that never answers."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.geteuid():
            return False
        with open(f"/proc/{pid}/environ", "rb") as file:
            return not marks.isdisjoint(file.read(256 * 1024).split(b"\0"))
    except OSError:
        return False
