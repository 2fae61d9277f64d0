"""What a `move` or an `update` that did not end has left on a host that is deregistered or reset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anywhere.changes import engine
from anywhere.changes.base import JournalDamaged, PutBack
from anywhere.changes.journal import Entry
from anywhere.changes.leave.move import ASIDE
from anywhere.changes.leave.move import JOURNAL as MOVE
from anywhere.changes.leave.note import PATH as NOTE
from anywhere.changes.update.plan import JOURNAL as UPDATE
from anywhere.hosts.base import Host

_NOT_YET = "it goes with the rest"


def is_there(host: Host) -> bool:
    """Whether a record of either is on a live host, damaged or not."""
    try:
        return any(engine.journaled(host, name) for name in (MOVE, UPDATE))
    except JournalDamaged:
        return True


def titles(host: Host) -> Iterator[str]:
    """What `put_back` would do."""
    try:
        entries = engine.journaled(host, MOVE)
    except JournalDamaged:
        return
    yield from (engine.foreseen(host, entry) for entry in reversed(entries) if not _stays(entry))


def put_back(host: Host) -> engine.Reverted:
    """Give settings back what the move has changed in them, so that the registration's own record leads to the original.
    Neither the saved state nor the agent comes back, and a damaged record counts as far as it is intact."""
    return replace(engine.revert(host, MOVE, force_missing=True, keep=_stays), kept=())


def forget(host: Host) -> None:
    """Remove both records, and the saved state that the move has put aside: the next registration starts without them."""
    forget_move(host)
    engine.forget(host, UPDATE)


def forget_move(host: Host) -> None:
    """Remove the record of a move. Without its note it is one of an earlier registration, and must never be gone by."""
    engine.forget(host, MOVE)
    host.run(("rm", "-f", ASIDE), timeout=20)


def _stays(entry: Entry) -> str:
    """The note says until the end who the instance was; commands start or restore what is about to go."""
    files = entry.undo and all(isinstance(undo, PutBack) and undo.path != NOTE for undo in entry.undo)
    return "" if files else _NOT_YET
