"""Observations on their way: each is waited for only when it is asked for, and is there as soon as it has come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from anywhere.errors import AnywhereError
from anywhere.hosts.batch import Part
from anywhere.hosts.pool import begin
from anywhere.hosts.remoteshell import Told

Key = tuple[str, ...]
"""A verb and its arguments."""
Gather = Callable[[Sequence[str], Told], object]


class _Slot:
    """A part that will come, or the reason why it does not."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.part: Part | None = None
        self.error: AnywhereError | None = None


class Gathering:
    """Runs lines in the background and hands each part out once."""

    def __init__(self, gather: Gather) -> None:
        self._gather = gather
        self._slots: dict[Key, _Slot] = {}
        self._lock = threading.Lock()

    def start(self, lines: dict[Key, str]) -> None:
        """Begin to gather."""
        slots = {key: _Slot() for key in lines}
        with self._lock:
            self._slots = slots
        begin(partial(self._work, list(slots.values()), list(lines.values())))

    def _work(self, slots: list[_Slot], lines: list[str]) -> None:
        def told(index: int, part: Part) -> None:
            slots[index].part = part
            slots[index].done.set()

        failure: AnywhereError | None = None
        try:
            self._gather(lines, told)
        except AnywhereError as error:
            failure = error
        finally:
            for slot in slots:
                if not slot.done.is_set():
                    slot.error = failure
                    slot.done.set()

    def take(self, key: Key, seconds: float) -> Part | None:
        """The part of this key, waited for; None when it was not asked for, or taken before.

        Raises the error that ended the gathering.
        """
        with self._lock:
            slot = self._slots.pop(key, None)
        if slot is None or not slot.done.wait(seconds):
            return None
        if slot.error:
            raise slot.error
        return slot.part

    def forget(self) -> None:
        """Nothing gathered so far counts any more."""
        with self._lock:
            self._slots = {}
