"""What the record of one key becomes when a later step with that key writes again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anywhere.changes.seal import ABSENT

Kept = dict[str, Any]
Pairs = Sequence[Sequence[Any]]


def merged(
    known: Sequence[Kept], later: Sequence[Kept], read: Callable[[str], Pairs], keep: Callable[[object], str]
) -> list[Kept]:
    """The first undo holds, because it saw the original. Of each file it learns what the later step writes, which of
    its lines that replaces, and whether someone else has edited the file in between."""
    by_path = {kept["path"]: kept for kept in later if "path" in kept}
    return [_file(kept, by_path[kept["path"]], read, keep) if kept.get("path") in by_path else kept for kept in known]


def _file(known: Kept, later: Kept, read: Callable[[str], Pairs], keep: Callable[[object], str]) -> Kept:
    found = later.get("copy", ABSENT)
    original = known.get("copy", ABSENT)
    foreign = ABSENT not in (original, found) and found not in (original, *known["wrote"])
    new = {**known, "mixed": known["mixed"] or foreign}
    new["wrote"] = list(dict.fromkeys([*known["wrote"], *later["wrote"]]))
    if "lines" in later:
        before = read(known["lines"]) if "lines" in known else []
        new["lines"] = keep(_chained(before, read(later["lines"])))
    return new


def _chained(before: Pairs, later: Pairs) -> list[list[str | None]]:
    """Each line of ours with what stood there before any of ours did."""
    original: dict[str, str | None] = {str(ours): was for ours, was in before}
    for ours, was in later:
        original.setdefault(str(ours), original.get(was, was) if was is not None else None)
    return [[ours, was] for ours, was in original.items()]
