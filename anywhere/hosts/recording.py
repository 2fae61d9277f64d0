"""A host that remembers: cache of a run, support bundle, and replay of one, in a single class.

Checks and plans see only a Recording; actions see the live host, because a remembered command is no action. What is
kept for the bundle is redacted as it is kept.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from anywhere.errors import NotRecorded
from anywhere.hosts.base import Answer, Completed, Deadline, Host, Inventory, Probe, ProbeSpec, Query
from anywhere.hosts.coding import decode, encode
from anywhere.hosts.redact import redact, redact_value

T = TypeVar("T")
ERRORS: dict[str, type[OSError]] = {
    error.__name__: error
    for error in (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, OSError)
}


class Recording:
    """Wraps a live host, or replays `kept` observations when there is none."""

    def __init__(self, live: Host | None, kept: dict[str, Any] | None = None, name: str = "") -> None:
        self._live = live
        self._kept = dict(kept or {})
        self._values: dict[str, object] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.name = name or (live.name if live else "bundle")
        self.deadline = live.deadline if live else Deadline(1e9)

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        """See Host. A command with input is an action and cannot be recorded."""
        if input:
            raise ValueError("a recording does not act")
        key = tuple(argv)
        return self._observe("run", list(key), Completed, lambda live: live.run(key, timeout=timeout))

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """See Host."""
        return self._observe("read", [path, tail], bytes, lambda live: live.read(path, tail=tail))

    def listdir(self, path: str) -> tuple[str, ...]:
        """See Host."""
        return self._observe("listdir", [path], tuple[str, ...], lambda live: live.listdir(path))

    def resolve(self, query: Query) -> Answer:
        """See Host."""
        return self._observe("resolve", encode(query), Answer, lambda live: live.resolve(query))

    def probe(self, spec: ProbeSpec) -> Probe:
        """See Host."""
        return self._observe("probe", encode(spec), Probe, lambda live: live.probe(spec))

    def inventory(self) -> Inventory:
        """See Host."""
        return self._observe("inventory", [], Inventory, lambda live: live.inventory())

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """See Host."""
        if self._live:
            self._live.prefetch(commands, files, folders)

    def close(self) -> None:
        """End the connection of a host that has one."""
        close = getattr(self._live, "close", None)
        if close:
            close()

    def observations(self) -> dict[str, Any]:
        """What was seen so far, redacted, in a stable order: the body of a bundle."""
        with self._lock:
            return dict(sorted(self._kept.items()))

    def _observe(self, verb: str, arguments: Any, kind: Any, look: Callable[[Host], T]) -> T:
        # Two components may differ in nothing but their passwords: each has its own answer, though only one is kept.
        exact, key = (f"{verb} {json.dumps(one, sort_keys=True)}" for one in (arguments, redact_value(arguments)))
        with self._lock:
            lock = self._locks.setdefault(exact, threading.Lock())
        with lock:
            if exact not in self._values:
                is_kept = self._live is None and key in self._kept
                self._values[exact] = self._replay(key, kind) if is_kept else self._look(key, look)
        value = self._values[exact]
        if isinstance(value, OSError):
            raise value.with_traceback(None)
        return value  # type: ignore[return-value]

    def _replay(self, key: str, kind: Any) -> object:
        kept = self._kept[key]
        if isinstance(kept, dict) and "error" in kept and len(kept) == 2:
            return ERRORS.get(kept["error"], OSError)(0, str(kept["detail"]))
        return decode(kind, kept)

    def _look(self, key: str, look: Callable[[Host], T]) -> object:
        if self._live is None:
            raise NotRecorded(f"the bundle does not hold: {key}")
        value: object
        try:
            value = look(self._live)
            kept = redact_value(_redact_bytes(value))
        except OSError as error:
            value, kind = error, type(error).__name__
            kept = {"error": kind if kind in ERRORS else "OSError", "detail": redact(error.strerror or "")}
        with self._lock:
            self._kept[key] = kept
        return value


def _redact_bytes(value: object) -> object:
    """A file's content seen as text, so that the redaction sees it, whatever bytes are in it."""
    if not isinstance(value, bytes):
        return encode(value)
    return encode(redact(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))
