"""What taking a step back leaves behind, in the reader's words: `remove /etc/x`, and once it is done `removed /etc/x`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anywhere.changes.base import Command, PutBack, Undo

_PAST = {"remove": "removed", "restore": "restored", "stop": "stopped", "disable": "disabled", "start": "started"}
_PAST |= {"move": "moved", "rebuild": "rebuilt", "restart": "restarted", "undo": "undone:", "install": "installed"}


def words(title: str, back: str, undos: Sequence[Undo]) -> str:
    """What the undo does: what its step says of it, else its files. Empty where there is nothing to undo."""
    if back or not undos:
        return back
    files = [
        f"{'remove' if one.content is None else 'restore'} {one.path}" for one in undos if isinstance(one, PutBack)
    ]
    return ", ".join(files) or f"undo {title}"


def past(text: str) -> str:
    """The same once it is done. Only the verbs it begins with are changed."""
    first = re.match(rf"({'|'.join(_PAST)})( and ({'|'.join(_PAST)}))?\b", text)
    if not first:
        return text
    return re.sub(r"\w+", lambda verb: _PAST.get(verb[0], verb[0]), first[0]) + text[first.end() :]


def kept_edits(undo: PutBack, command: Command) -> str:
    """Of a file that somebody else has edited since: what was done instead. Empty for any other."""
    if command.shown[:1] != ("install",) or command.input == undo.content:
        return ""
    return f"remove the lines of anywhere from {undo.path}, which was edited since"
