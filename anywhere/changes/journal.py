"""The journal on the host: each undo, on disk before its step runs.

`/var/lib/anywhere/NAME.journal` is one JSON object a line; `/var/lib/anywhere/NAME.undo/` holds what may be secret, the
former content of files, in files that only root may read. A line that was cut off by a crash is no entry: its step had
not begun.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from anywhere.changes.base import ChangeFailed, Command, PutBack, Step, Undo
from anywhere.hosts.base import Host

FOLDER = "/var/lib/anywhere"

# dd because it can append and fsync in one process; the sync of the folder makes a new name durable.
_STORE = (
    'umask 077; d=${1%/*}; mkdir -p "$d" && dd of="$1" conv="$2" oflag="$3" 2>/dev/null '
    '&& { sync "$d" "${d%/*}" 2>/dev/null || sync; }'
)
_CLEAR = 'rm -rf -- "$1.undo"; rm -f -- "$1.journal"; rmdir -- "${1%/*}" 2>/dev/null; test ! -e "$1.journal"'


@dataclass(frozen=True, slots=True)
class Entry:
    """One step that was begun: its key, its title and how to undo it."""

    key: str
    title: str
    undo: tuple[Undo, ...]


class Journal:
    """The journal of one kind of change (`rules`, `proxy`, `register`) on one live host."""

    def __init__(self, host: Host, name: str, folder: str = FOLDER) -> None:
        self._host = host
        self._base = f"{folder}/{name}"
        self._lines = _lines(host, f"{self._base}.journal")

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The steps that are not undone yet, oldest first."""
        return tuple(Entry(key, str(line.get("title", key)), self._undo(line)) for key, line in self._live().items())

    def begin(self, step: Step) -> None:
        """Write the undo of a step to disk; nothing where an earlier step with this key has already. Raises
        ChangeFailed when the disk does not take it, and then the step must not run."""
        if step.key in self._live():
            return
        number = sum("key" in line for line in self._lines)
        undo = [self._kept(item, f"{number:04d}-{index}") for index, item in enumerate(step.undo)]
        self._append({"key": step.key, "title": step.title, "undo": undo})

    def undone(self, key: str) -> None:
        """Note that a step is undone."""
        self._append({"undone": key})

    def clear(self) -> None:
        """Remove the journal and what it kept, and the folder when nothing else is in it."""
        done = self._host.run(("sh", "-c", _CLEAR, "clear", self._base))
        if not done.ok:
            raise ChangeFailed(f"{self._base}.journal could not be removed: {done.stderr.strip()}")
        self._lines = []

    def _live(self) -> dict[str, dict[str, Any]]:
        live: dict[str, dict[str, Any]] = {}
        for line in self._lines:
            if "undone" in line:
                live.pop(str(line["undone"]), None)
            elif "key" in line:
                live.setdefault(str(line["key"]), line)
        return live

    def _append(self, line: dict[str, Any]) -> None:
        # The line end comes first: a line that a crash cut off stays alone.
        text = "\n" + json.dumps(line, ensure_ascii=False) + "\n"
        self._store(f"{self._base}.journal", text.encode("utf-8", "surrogateescape"), "notrunc,fsync", "append")
        self._lines.append(line)

    def _store(self, path: str, content: bytes, conv: str, flag: str) -> None:
        done = self._host.run(("sh", "-c", _STORE, "store", path, conv, flag), input=content, timeout=30)
        if not done.ok:
            why = done.stderr.strip() or "no room, or read-only"
            raise ChangeFailed(f"the journal {path} could not be written ({why}): nothing more was changed")

    def _kept(self, undo: Undo, name: str) -> dict[str, Any]:
        if isinstance(undo, Command):
            if not undo.secret:
                return {"argv": undo.argv, "input": undo.input.decode("utf-8", "surrogateescape")}
            self._back_up(name, undo.input)
            return {"argv": undo.argv, "backup": name}
        kept: dict[str, Any] = {"path": undo.path, "wrote": undo.wrote, "mode": undo.mode, "owner": undo.owner}
        kept["folders"] = undo.folders
        if undo.content is not None:
            self._back_up(name, undo.content)
            kept["backup"] = name
        if undo.lines:
            self._back_up(f"{name}-lines", json.dumps(undo.lines).encode())
            kept["lines"] = f"{name}-lines"
        return kept

    def _back_up(self, name: str, content: bytes) -> None:
        self._store(f"{self._base}.undo/{name}", content, "fsync", "sync")

    def _backup(self, name: str) -> bytes:
        return self._host.read(f"{self._base}.undo/{name}")

    def _undo(self, line: dict[str, Any]) -> tuple[Undo, ...]:
        try:
            return tuple(self._revived(kept) for kept in line["undo"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ChangeFailed(f"the journal {self._base}.journal is damaged: {error}") from None

    def _revived(self, kept: dict[str, Any]) -> Undo:
        content = self._backup(kept["backup"]) if "backup" in kept else None
        if "argv" in kept:
            secret = content is not None
            data = content if content is not None else str(kept["input"]).encode("utf-8", "surrogateescape")
            return Command(tuple(kept["argv"]), data, secret)
        lines = json.loads(self._backup(kept["lines"])) if "lines" in kept else []
        return PutBack(
            kept["path"],
            content,
            kept["wrote"],
            kept["mode"],
            kept["owner"],
            tuple(kept["folders"]),
            tuple((str(ours), before) for ours, before in lines),
        )


def _lines(host: Host, path: str) -> list[dict[str, Any]]:
    try:
        text = host.read(path).decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ChangeFailed(f"{path}: {error.strerror}; run as root") from None
    found = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found
