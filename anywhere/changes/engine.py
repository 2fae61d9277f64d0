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

# What of a kind of change stands on a host, in words; empty when nothing does.
Traces = Callable[[Host], tuple[str, ...]]
OnStep = Callable[[Step, bool], None]
Keep = Callable[[Entry], str]

NEEDED_KIB = 256  # journal, backups and files of the longest plan are far below it
_GIVEN_UP = "what it held is given up"
_NO_RECORD = "no record of what was there before: left as it is; remove it by hand where it is ours"


@frozen
class Applied:
    """The steps that were run, in order; none when it was already so. `left` is what the plan holds afterwards: the
    host did not take it, or something else is changing it back."""

    done: tuple[Step, ...]
    left: tuple[Step, ...] = ()


@frozen
class Reverted:
    """What was restored, in the imperative, and what was not, with the reason: `failed` is tried again by the next revert,
    as is `kept`, which the caller did not want undone yet; of `lost` there is no record any more. `lacks` is what
    the host does without from now on, in words."""

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
    """Undo all that the journal holds, last first; a failed undo is listed and the others still run, but none before a
    gate that stays shut. A folder that is read-only is refused before the first, as for apply; on a full disk a revert
    goes through, because it only takes away.

    `traces` says what of these changes stands on a host: without a record of it that is reported, not passed over. A
    record that is damaged is refused (JournalDamaged); with `force_missing` what is intact is undone, the rest is
    listed as lost, part by part, and forgotten. Where there is no record at all, `salvage` plans what is ours by its own
    words. `keep` says why an entry must stay undone for now, empty for most."""
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
        _require(host, 0, dict.fromkeys([FOLDER, *_folders(entries, keep)]))
        with working():
            return _undo_all(host, token, journal, entries, keep)


def forget(host: Host, name: str) -> None:
    """Remove a journal whose changes are final."""
    with locked(host, name) as token:
        journal = Journal(host, name, token=token, force=True)
        if journal.exists:
            journal.clear()


def adopt(host: Host, source: str, target: str) -> None:
    """What the changes of one journal have done to files that another has changed before becomes part of that other: its
    undo still leads to the original, and knows the newer content as ours."""
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
    """Without an undo: each step only takes away, and a failed one keeps those after it from being begun."""
    done: list[str] = []
    for step in observe(host, salvage):
        try:
            _run(host, token, step.do, step.title)
        except ChangeFailed as error:
            return Reverted(tuple(done), ((step.title, str(error).removeprefix(f"{step.title}: ")),))
        done.append(step.title)
    return Reverted(tuple(done))


def foreseen(host: Host, entry: Entry) -> str:
    """What undoing this would do now, in the imperative: where somebody has edited a file, that only our lines go, or
    that it is refused."""
    said = entry.restores
    for undo in (undo for undo in reversed(entry.undo) if isinstance(undo, PutBack)):
        try:
            said = kept_edits(undo, put_back(host, undo)) or said
        except ChangeFailed as error:
            return f"{entry.restores}: will be refused, {error}"
    return said


def _folders(entries: Sequence[Entry], keep: Keep) -> Iterator[str]:
    """Where a revert of these writes."""
    for undo in (undo for entry in entries if not keep(entry) for undo in entry.undo):
        if isinstance(undo, PutBack):
            yield posixpath.dirname(undo.path)


def journaled(host: Host, name: str, traces: Traces | None = None) -> tuple[Entry, ...]:
    """What a revert would undo, oldest first. Raises JournalDamaged as it would."""
    try:
        entries = Journal(host, name).entries
    except JournalDamaged:
        # Another run may be writing it just now: once more, when nobody is.
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


def _require(host: Host, kib: int, folders: Iterable[str]) -> None:
    done = host.run(own_script("room", str(kib), *folders))
    if not done.ok:
        why = done.stdout.strip() or done.stderr.strip()
        raise ChangeFailed(f"nothing was changed on {host.name}: {why}")


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
