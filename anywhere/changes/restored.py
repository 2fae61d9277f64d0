"""What taking a step back does, in the reader's words: `remove /etc/x`."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.changes.base import Command, PutBack, Undo


def words(title: str, back: str, undos: Sequence[Undo]) -> str:
    """What the undo does: what its step says of it, else its files. Empty where there is nothing to undo."""
    if back or not undos:
        return back
    files = [
        f"{'remove' if one.content is None else 'restore'} {one.path}" for one in undos if isinstance(one, PutBack)
    ]
    return ", ".join(files) or f"undo {title}"


def kept_edits(undo: PutBack, command: Command) -> str:
    """Of a file that somebody else has edited since: what was done instead. Empty for any other."""
    if command.shown[:1] != ("install",) or command.input == undo.content:
        return ""
    return f"remove the lines of anywhere from {undo.path}, which was edited since"
