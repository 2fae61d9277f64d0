"""Apply and revert: the only place where a host is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from anywhere.changes.base import ChangeFailed, Command, Planner, Step
from anywhere.changes.files import put_back
from anywhere.changes.journal import FOLDER, Entry, Journal
from anywhere.changes.lock import locked
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording

Told = Callable[[Step, bool], None]

NEEDED_KIB = 256  # journal, backups and files of the longest plan are far below it

_ROOM = """
need=$1; shift
for d; do
  while [ ! -d "$d" ]; do d=$(dirname -- "$d"); done
  [ -w "$d" ] || { echo "$d is read-only, or this is not root"; exit 1; }
  [ "$need" -gt 0 ] || continue
  set -- $(stat -f -c '%a %S %c %d' -- "$d") || exit 1
  [ $(($1 / 1024 * $2 + $1 % 1024 * $2 / 1024)) -ge "$need" ] || { echo "$d has no room: the disk is full"; exit 1; }
  [ "$3" -eq 0 ] || [ "$4" -gt 16 ] || { echo "$d has no room: no inodes are left"; exit 1; }
done
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """The steps that were run, in order; none when it was already so. `left` is what the plan holds afterwards: the
    host did not take it, or something else is changing it back."""

    done: tuple[Step, ...]
    left: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Reverted:
    """What was undone (titles), and what was not, with the reason."""

    undone: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


def observe(host: Host, planner: Planner) -> tuple[Step, ...]:
    """The plan for a live host, from observations made now."""
    return planner(Recording(host))


def apply(host: Host, name: str, planner: Planner, told: Told = lambda step, done: None) -> Applied:
    """Plan under the lock and run the steps, each undo on disk before its step. `told` gets each step before it runs,
    and again when it is done. Raises ChangeFailed."""
    with locked(host, name):
        steps = observe(host, planner)
        if not steps:
            return Applied(())
        require_room(host, steps)
        journal = Journal(host, name)
        for step in steps:
            journal.begin(step)
            told(step, False)
            _run(host, step.do, step.title)
            told(step, True)
        return Applied(steps, observe(host, planner))


def revert(host: Host, name: str) -> Reverted:
    """Undo all that the journal holds, last first; a failed undo is listed and the others still run. A read-only disk is
    refused before the first, as for apply; on a full one a revert goes through, because it only takes away."""
    with locked(host, name):
        journal = Journal(host, name)
        if journal.entries:
            _require(host, 0, [FOLDER])
        undone: list[str] = []
        failed: list[tuple[str, str]] = []
        for entry in reversed(journal.entries):
            try:
                _undo(host, entry)
                undone.append(entry.title)
            except ChangeFailed as error:
                failed.append((entry.title, str(error)))
                continue
            # Without room for the note the undo may run once more, which does no harm.
            with suppress(ChangeFailed):
                journal.undone(entry.key)
        if not failed:
            journal.clear()
        return Reverted(tuple(undone), tuple(failed))


def journaled(host: Host, name: str) -> tuple[Entry, ...]:
    """What a revert would undo, oldest first."""
    return Journal(host, name).entries


def require_room(host: Host, steps: Sequence[Step]) -> None:
    """Refuse a full or read-only disk before the first step. Raises ChangeFailed."""
    folders = dict.fromkeys([FOLDER, *(step.folder for step in steps if step.folder)])
    _require(host, NEEDED_KIB, folders)


def _require(host: Host, kib: int, folders: Iterable[str]) -> None:
    done = host.run(("sh", "-c", _ROOM, "room", str(kib), *folders))
    if not done.ok:
        why = done.stdout.strip() or done.stderr.strip()
        raise ChangeFailed(f"nothing was changed on {host.name}: {why}")


def _undo(host: Host, entry: Entry) -> None:
    for undo in reversed(entry.undo):
        command = undo if isinstance(undo, Command) else put_back(host, undo)
        _run(host, command, entry.title)


def _run(host: Host, command: Command, title: str) -> None:
    done = host.run(command.argv, input=command.input, timeout=command.timeout)
    if not done.ok:
        why = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ChangeFailed(f"{title}: rc {done.rc}{': ' + why[-1] if why else ''}")
