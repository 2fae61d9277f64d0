"""All that descends from a command of ours: its session, and children that left it but carry its mark."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

MARK = "ANYWHERE_RUN"  # the variable that every command of this program and its children have
ROUNDS = 4  # a child may be born while the others are looked for


def end_offspring(leader: int, mark: str) -> None:
    """Kill the session that `leader` leads, what descends from it, and whatever carries the mark (`NAME=value`)."""
    for _ in range(ROUNDS):
        found = list(_offspring(leader, mark.encode()))
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _offspring(leader: int, mark: bytes) -> Iterator[int]:
    """Zombies are left out: they hold nothing, and belong to whoever waits for them."""
    mine = os.getpid()
    parents: dict[int, int] = {}
    sessions: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != mine and (status := _status(int(entry))):
            parents[int(entry)], sessions[int(entry)] = status
    for pid in parents:
        if sessions[pid] == leader or _descends(pid, leader, parents) or _carries(pid, mark):
            yield pid


def _status(pid: int) -> tuple[int, int] | None:
    """Parent and session; None for what is gone or dead."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, parent, _group, session = file.read(4096).rpartition(b")")[2].split()[:4]
    except (OSError, ValueError):
        return None
    return None if state in (b"Z", b"X") else (int(parent), int(session))


def _descends(pid: int, leader: int, parents: dict[int, int]) -> bool:
    for _ in range(64):
        if pid == leader:
            return True
        if pid not in parents:
            return False
        pid = parents[pid]
    return False


def _carries(pid: int, mark: bytes) -> bool:
    """Only processes of this user are looked into: the memory of another's may lie on a file system that never answers."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.geteuid():
            return False
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read(256 * 1024).split(b"\0")
    except OSError:
        return False
