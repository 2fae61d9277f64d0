"""Observations on their way: each is waited for only when it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from anywhere.errors import AnywhereError
from anywhere.hosts.batch import Part

Key = tuple[str, ...]
"""A verb and its arguments."""
Gather = Callable[[Sequence[str]], list[Part]]


class _Group:
    """Lines that are gathered together."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.parts: dict[Key, Part] = {}
        self.error: AnywhereError | None = None


class Gathering:
    """Runs groups of lines beside each other and hands each part out once."""

    def __init__(self, gather: Gather) -> None:
        self._gather = gather
        self._groups: dict[Key, _Group] = {}
        self._lock = threading.Lock()

    def start(self, lines: dict[Key, str]) -> None:
        """Begin to gather one group, in the background."""
        group = _Group()
        with self._lock:
            self._groups.update(dict.fromkeys(lines, group))
        threading.Thread(target=self._work, args=(group, lines), daemon=True).start()

    def _work(self, group: _Group, lines: dict[Key, str]) -> None:
        try:
            group.parts = dict(zip(lines, self._gather(list(lines.values()))))
        except AnywhereError as error:
            group.error = error
        finally:
            group.done.set()

    def take(self, key: Key, seconds: float) -> Part | None:
        """The part of this key, waited for; None when it was not asked for, or taken before.

        Raises the group's own error.
        """
        with self._lock:
            group = self._groups.pop(key, None)
        if group is None or not group.done.wait(seconds):
            return None
        if group.error:
            raise group.error
        return group.parts.pop(key, None)

    def forget(self) -> None:
        """Nothing gathered so far counts any more."""
        with self._lock:
            self._groups.clear()
