"""A host that remembers: cache of a run, support bundle, and replay of one, in a single class.

Checks and plans see only a Recording; actions see the live host, because a remembered command is no action. What goes
into a bundle is redacted on its way there.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Protocol, TypeVar, runtime_checkable

from anywhere.errors import AnywhereError, NotRecorded
from anywhere.frozen import frozen
from anywhere.hosts.base import Answer, Completed, Deadline, Host, Inventory, Probe, ProbeSpec, Query
from anywhere.hosts.bounds import TOTAL, TooLarge, is_limit
from anywhere.hosts.codec import decode, encode
from anywhere.redact import redact, redact_value
from anywhere.windows import LINUX

T = TypeVar("T")
TIMED_OUT = 124
NEGLIGIBLE = 4096  # bytes: what is smaller is kept in any case
Key = tuple[object, ...]
"""A verb and its arguments: two components may differ in nothing but a password, and each has its own answer."""
ERRORS: dict[str, type[OSError]] = {
    error.__name__: error
    for error in (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, OSError)
}


@runtime_checkable
class OfKnownSystem(Protocol):
    """A host that tells what it runs without being asked."""

    @property
    def system(self) -> str:
        """Linux or Windows."""


@runtime_checkable
class Ahead(Protocol):
    """A host that gathers ahead, so that what is asked of it is mostly there or under way."""

    is_ahead: bool

    def announce(self, names: Sequence[str], servers: Sequence[str], later: float) -> None:
        """Begin to ask for these names: the system's resolver, and each of these servers so many seconds later."""

    def has(self, query: Query, seconds: float) -> bool:
        """Whether there is an answer within so many seconds, for a name that was announced."""

    def cut(self) -> Sequence[tuple[str, ...]]:
        """Commands that met a limit and whose output nobody has asked for yet."""


@frozen
class _Failed:
    error: Exception


class Recording:
    """Wraps a live host, or replays `kept` observations when there is none."""

    def __init__(self, live: Host | None, kept: dict[str, object] | None = None, name: str = "") -> None:
        self._live = live
        self._ahead = live if isinstance(live, Ahead) else None
        self._kept = dict(kept or {})
        self._seen: dict[Key, object] = {}
        self._derived: dict[Hashable, Any] = {}
        self._locks: dict[Key, threading.Lock] = {}
        self._left_out: set[Key] = set()
        self._lock = threading.Lock()
        self._size = 0  # bytes of what is kept
        self.name = name or (live.name if live else "bundle")
        self.deadline = live.deadline if live else Deadline(1e9)
        self._system = live.system if isinstance(live, OfKnownSystem) else LINUX

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        """See Host. A command with input is an action and cannot be recorded."""
        if input:
            raise ValueError("a recording does not act")
        key = tuple(argv)
        return self._observe(("run", *key), Completed, lambda live: live.run(key, timeout=timeout))

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """See Host."""
        return self._observe(("read", path, tail), bytes, lambda live: live.read(path, tail=tail))

    def listdir(self, path: str) -> tuple[str, ...]:
        """See Host."""
        return self._observe(("listdir", path), tuple[str, ...], lambda live: live.listdir(path))

    def resolve(self, query: Query) -> Answer:
        """See Host."""
        return self._observe(("resolve", query), Answer, lambda live: live.resolve(query))

    def probe(self, spec: ProbeSpec) -> Probe:
        """See Host."""
        return self._observe(("probe", spec), Probe, lambda live: live.probe(spec))

    def inventory(self) -> Inventory:
        """See Host."""
        return self._observe(("inventory",), Inventory, lambda live: live.inventory())

    @property
    def system(self) -> str:
        """Linux or Windows. A live host is not asked for it; a replayed one is Linux unless its inventory was kept."""
        if self._live is not None:
            return self._system
        try:
            return self.inventory().system
        except (AnywhereError, OSError):
            return LINUX

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """See Host."""
        if self._live is not None:
            self._live.prefetch(commands, files, folders)

    @property
    def is_ahead(self) -> bool:
        """Whether nothing is gained by asking for many things at once."""
        return self._live is None or self._ahead is not None

    def announce(self, names: Sequence[str], servers: Sequence[str], later: float) -> None:
        """See Ahead. Only a hint: the answers come by `resolve`."""
        if self._ahead:
            self._ahead.announce(names, servers, later)

    def has(self, query: Query, seconds: float = 0.0) -> bool:
        """Whether `resolve` need not wait for this, within so many seconds."""
        return ("resolve", query) in self._seen or (self._ahead is not None and self._ahead.has(query, seconds))

    def close(self) -> None:
        """End the connection of a host that has one."""
        if self._live is not None:
            self._live.close()

    def limits_met(self) -> tuple[tuple[str, str], ...]:
        """Files and commands that gave more than they may, or were no files, and in words what was met; each once. Also
        commands that no check came to ask for: the host may be lost because of them."""
        unasked: Sequence[tuple[str, ...]] = self._ahead.cut() if self._ahead else ()
        for argv in unasked:
            with suppress(AnywhereError):
                self.run(argv)
        with self._lock:
            seen = list(self._seen.items())
        found: dict[str, str] = {}
        for (verb, *words), value in seen:
            if isinstance(value, Completed) and value.cut:
                found[" ".join(map(str, words))] = value.cut
            elif isinstance(value, OSError) and is_limit(value) and verb in ("read", "listdir"):
                found[str(words[0])] = value.strerror or ""
        return tuple(sorted(found.items()))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is derived from many observations of this run, such as a survey: made at the first need, for all who ask.
        What could not be made is not tried again either: the host is gone, or its time is over."""
        if key not in self._derived:
            self._derive(key, make)
        value = self._derived[key]
        if isinstance(value, _Failed):
            raise value.error.with_traceback(None)
        return value  # type: ignore[no-any-return]  # the key holds the kind of its value

    def _derive(self, key: Hashable, make: Callable[[], object]) -> None:
        with self._lock:
            lock = self._locks.setdefault(("derived", key), threading.Lock())
        with lock:
            if key not in self._derived:
                try:
                    self._derived[key] = make()
                except (AnywhereError, OSError) as error:
                    self._derived[key] = _Failed(error)

    def leave_out(self, specs: Sequence[ProbeSpec]) -> None:
        """Keep no result of these probes: nobody waited for them, and whoever judges the bundle must not know more."""
        with self._lock:
            self._left_out |= {("probe", spec) for spec in specs}

    def observations(self) -> dict[str, object]:
        """What was seen so far, redacted, in a stable order: the body of a bundle."""
        with self._lock:
            seen = [one for one in self._seen.items() if one[0] not in self._left_out] if self._live is not None else []
        return dict(sorted({**self._kept, **{_text(key): _keep(value) for key, value in seen}}.items()))

    def _observe(self, key: Key, kind: object, look: Callable[[Host], T]) -> T:
        if key not in self._seen:
            self._see(key, kind, look)
        value = self._seen[key]
        if isinstance(value, OSError):
            raise value.with_traceback(None)
        return value  # type: ignore[return-value]  # the key holds the kind of its value

    def _see(self, key: Key, kind: object, look: Callable[[Host], object]) -> None:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._seen:
                value = self._look(look) if self._live is not None else self._replay(key, kind)
                with self._lock:
                    self._seen[key] = value

    def _look(self, look: Callable[[Host], object]) -> object:
        assert self._live is not None
        try:
            return self._counted(look(self._live))
        except OSError as error:
            return error

    def _counted(self, value: object) -> object:
        """The value, unless this host has given more than is kept of one."""
        size = sys.getsizeof(value.stdout if isinstance(value, Completed) else value)
        with self._lock:
            self._size += size
            if self._size <= TOTAL.size or size < NEGLIGIBLE:
                return value
            self._size -= size
        if isinstance(value, Completed):
            return replace(value, rc=TIMED_OUT, stdout="", stderr=TOTAL.met, cut=TOTAL.met)
        raise TooLarge(TOTAL, "")

    def _replay(self, key: Key, kind: object) -> object:
        text = _text(key)
        if text not in self._kept:
            raise NotRecorded(f"the bundle does not hold: {text}")
        kept = self._kept[text]
        if isinstance(kept, dict) and "error" in kept and len(kept) == 2:
            return ERRORS.get(str(kept["error"]), OSError)(0, str(kept.get("detail", "")))
        return decode(kind, kept)


def once_a_run(fact: Callable[[Host], T]) -> Callable[[Host], T]:
    """Decorates what many checks derive from one host: of a recording it is made once."""

    @wraps(fact)
    def kept(host: Host) -> T:
        return host.once(fact, partial(fact, host)) if isinstance(host, Recording) else fact(host)

    return kept


def _text(key: Key) -> str:
    """`read ["/etc/hosts", 0]`: the verb and its arguments as the bundle has them, without secrets."""
    verb, *arguments = key
    plain = encode(arguments[0]) if verb in ("resolve", "probe") else arguments
    return f"{verb} {json.dumps(redact_value(plain), sort_keys=True)}"


def _keep(value: object) -> object:
    """The form of an observation in a bundle. An error keeps its kind, where that is one of the builtin ones."""
    if not isinstance(value, OSError):
        return redact_value(_redact_bytes(value))
    kind = type(value).__name__
    return {"error": kind if kind in ERRORS else "OSError", "detail": redact(value.strerror or "")}


def _redact_bytes(value: object) -> object:
    """A file's content seen as text, so that the redaction sees it, whatever bytes are in it."""
    if not isinstance(value, bytes):
        return encode(value)
    return encode(redact(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))
