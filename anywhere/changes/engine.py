"""Apply and revert: the only place where a host is changed."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from anywhere.changes.base import ChangeFailed, Command, Halted, JournalDamaged, Planner, PutBack, Step
from anywhere.changes.files import put_back
from anywhere.changes.interrupts import Interrupted, asked, working
from anywhere.changes.journal import FOLDER, Entry, Journal
from anywhere.changes.lock import locked, under
from anywhere.changes.restored import kept_edits
from anywhere.changes.script import own_script
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording

# What is in place on a host of one kind of change, in words; empty if nothing is.
Traces = Callable[[Host], tuple[str, ...]]
OnStep = Callable[[Step, bool], None]
Keep = Callable[[Entry], str]

NEEDED_KIB = 256  # the journal, backups and files of the longest plan need far less
_GIVEN_UP = "what it held is given up"
_NO_RECORD = "no record of what was there before: left as it is; remove it by hand where it is ours"


@frozen
class Applied:
    """The steps that ran, in order; none if nothing had to be done. `left` is the plan afterwards: what did not take effect,
    or what something else changed back."""

    done: tuple[Step, ...]
    left: tuple[Step, ...] = ()


@frozen
class Reverted:
    """What was restored, in the imperative, and what was not, with the reason. The next revert retries `failed`, and `kept`,
    which the caller did not want undone yet; of `lost` no record exists any more. `lacks` is what the host now lacks, in
    words."""

    undone: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    lacks: str = ""

    @property
    def missed(self) -> tuple[tuple[str, str], ...]:
        """All that should have been restored and was not."""
        return (*self.lost, *self.failed)


def observe(host: Host, planner: Planner) -> tuple[Step, ...]:
    """The plan for a live host, from observations made now."""
    return planner(Recording(host))


def apply(host: Host, name: str, planner: Planner, on_step: OnStep = lambda step, done: None) -> Applied:
    """Plan under the lock and run the steps, each undo on disk before its step. `on_step` gets each step before it runs,
    and again when it is done. Raises Halted once a step was begun, Interrupted after Ctrl-C, ChangeFailed before."""
    with locked(host, name) as token:
        steps = observe(host, planner)
        if not steps:
            return Applied(())
        journal = Journal(host, name, token=token)
        require_room(host, steps)
        journal.check()
        with working():
            _do_all(host, token, journal, steps, on_step)
        return Applied(steps, _verified(host, planner, steps))


def _do_all(host: Host, token: str, journal: Journal, steps: tuple[Step, ...], on_step: OnStep) -> None:
    for number, step in enumerate(steps):
        if asked():
            raise Interrupted("interrupted", steps[:number], steps[number:])
        try:
            journal.begin(step)
            on_step(step, False)
            _run(host, token, step.do, step.title)
        except ChangeFailed as error:
            raise Halted(str(error), steps[:number], steps[number:]) from error
        on_step(step, True)


def _verified(host: Host, planner: Planner, done: tuple[Step, ...]) -> tuple[Step, ...]:
    try:
        return observe(host, planner)
    except ChangeFailed as error:
        raise Halted(f"done, but not verified: {error}", done, ()) from error


def revert(
    host: Host,
    name: str,
    *,
    traces: Traces | None = None,
    force_missing: bool = False,
    keep: Keep = lambda entry: "",
    salvage: Planner | None = None,
) -> Reverted:
    """Undo all steps in the journal, the last first. A failed undo is listed and the others still run, except those before
    a gate that failed. A read-only folder is refused before the first undo, as with apply; on a full disk a revert works,
    since it only removes.

    `traces` lists what is in place of these changes: if the journal has no record of it, that is reported. A damaged
    journal is refused (JournalDamaged); with `force_missing` the intact steps are undone, the others are listed as lost
    and forgotten. Without any journal, `salvage` plans the removal of what is marked as ours. `keep` says why an entry
    must not be undone yet (empty: it may)."""
    with locked(host, name) as token:
        journal = Journal(host, name, token=token, force=force_missing)
        entries = journal.entries
        if not entries:
            lost = [(problem, _GIVEN_UP) for problem in journal.problems]
            saved = _salvaged(host, token, salvage) if salvage and force_missing else Reverted()
            lost += [(what, _NO_RECORD) for what in _unrecorded(host, traces, force_missing)]
            if journal.exists:
                journal.clear()
            return replace(saved, lost=tuple(lost))
        _require(host, 0, dict.fromkeys([FOLDER, *_folders(entries, keep)]), "undone")
        with working():
            return _undo_all(host, token, journal, entries, keep)


def forget(host: Host, name: str) -> None:
    """Remove the journal of changes that will not be reverted."""
    with locked(host, name) as token:
        journal = Journal(host, name, token=token, force=True)
        if journal.exists:
            journal.clear()


def adopt(host: Host, source: str, target: str) -> None:
    """Add to the journal `target` what the changes of `source` did to the same files: its undo still restores the original,
    and knows the newer content as ours."""
    with locked(host, target) as token:
        journal = Journal(host, target, token=token)
        known = {entry.key for entry in journal.entries}
        for entry in Journal(host, source).entries:
            if entry.key in known and any(isinstance(undo, PutBack) for undo in entry.undo):
                journal.begin(Step(entry.key, entry.title, Command(("true",)), entry.undo))


def _undo_all(host: Host, token: str, journal: Journal, entries: Sequence[Entry], keep: Keep) -> Reverted:
    undone: list[str] = []
    lost = [(problem, _GIVEN_UP) for problem in journal.problems]
    failed: dict[str, tuple[str, str]] = {}
    kept: dict[str, tuple[str, str]] = {}
    shut = ""
    for entry in reversed(entries):
        if why := keep(entry):
            kept[entry.key] = (entry.restores, why)
            continue
        if asked():
            shut = "run the same command again: it was interrupted"
        if shut:
            failed[entry.key] = (entry.restores, f"not begun: first {shut}")
            continue
        lost += entry.lost
        try:
            said = _undo(host, token, entry)
        except ChangeFailed as error:
            failed[entry.key] = (entry.restores, str(error).removeprefix(f"{entry.restores}: "))
            shut = entry.restores if entry.gate else ""
            continue
        if entry.undo and not entry.lost:
            undone.append(said)
        # Without room for the note the undo may run once more, which does no harm.
        with suppress(ChangeFailed):
            journal.undone(entry.key)
    if failed or kept:
        journal.keep((*kept, *failed))
    else:
        journal.clear()
    return Reverted(tuple(undone), tuple(failed.values()), tuple(kept.values()), tuple(lost))


def _salvaged(host: Host, token: str, salvage: Planner) -> Reverted:
    """Run removals without a journal: each step only removes, and the first failure ends the run."""
    done: list[str] = []
    for step in observe(host, salvage):
        try:
            _run(host, token, step.do, step.title)
        except ChangeFailed as error:
            return Reverted(tuple(done), ((step.title, str(error).removeprefix(f"{step.title}: ")),))
        done.append(step.title)
    return Reverted(tuple(done))


def foreseen(host: Host, entry: Entry) -> str:
    """What undoing this entry would do now, in the imperative: if someone has edited the file, that only our lines are
    removed, or that it will be refused."""
    said = entry.restores
    for undo in (undo for undo in reversed(entry.undo) if isinstance(undo, PutBack)):
        try:
            said = kept_edits(undo, put_back(host, undo)) or said
        except ChangeFailed as error:
            return f"{entry.restores}: will be refused, {error}"
    return said


def _folders(entries: Sequence[Entry], keep: Keep) -> Iterator[str]:
    """The folders that a revert of these entries writes to."""
    for undo in (undo for entry in entries if not keep(entry) for undo in entry.undo):
        if isinstance(undo, PutBack):
            yield posixpath.dirname(undo.path)


def journaled(host: Host, name: str, traces: Traces | None = None) -> tuple[Entry, ...]:
    """What a revert would undo, oldest first. Raises JournalDamaged as it would."""
    try:
        entries = Journal(host, name).entries
    except JournalDamaged:
        # Another run may be writing it: read again under the lock.
        with locked(host, name) as token:
            entries = Journal(host, name, token=token).entries
    if not entries:
        _unrecorded(host, traces, False)
    return entries


def _unrecorded(host: Host, traces: Traces | None, allowed: bool) -> tuple[str, ...]:
    found = traces(Recording(host)) if traces else ()
    if found and not allowed:
        raise JournalDamaged(
            f"no record of these changes is left on {host.name}, but they are in place: {'; '.join(found)}: "
            "--force-missing removes what is marked as ours, and lists the rest to be removed by hand"
        )
    return found


def require_room(host: Host, steps: Sequence[Step]) -> None:
    """Refuse a full or read-only disk before the first step. Raises ChangeFailed."""
    folders = dict.fromkeys([FOLDER, *(step.folder for step in steps if step.folder)])
    _require(host, NEEDED_KIB, folders)


def _require(host: Host, kib: int, folders: Iterable[str], what: str = "changed") -> None:
    done = host.run(own_script("room", str(kib), *folders))
    if not done.ok:
        why = done.stdout.strip() or done.stderr.strip()
        raise ChangeFailed(f"nothing was {what} on {host.name}: {why}")


def _undo(host: Host, token: str, entry: Entry) -> str:
    said = entry.restores
    for undo in reversed(entry.undo):
        command = undo if isinstance(undo, Command) else put_back(host, undo)
        _run(host, token, command, entry.restores)
        if isinstance(undo, PutBack):
            said = kept_edits(undo, command) or said
    return said


def _run(host: Host, token: str, command: Command, title: str) -> None:
    done = host.run(under(token, command.argv), input=command.input, timeout=command.timeout)
    if not done.ok:
        why = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ChangeFailed(f"{title}: exit code {done.rc}{': ' + why[-1] if why else ''}")
