"""Observations on their way: each is waited for only when it is asked for, and is there as soon as it has come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from anywhere.errors import AnywhereError
from anywhere.frozen import frozen
from anywhere.hosts.ssh.script import Part
from anywhere.hosts.ssh.shell import OnPart
from anywhere.threads import Latch, begin

Key = tuple[str, ...]
"""A verb and its arguments."""
Split = Callable[[Part], Mapping[Key, Part]]
Gather = Callable[[Sequence[str], OnPart], object]


class _Slot:
    """A part that will come, or the reason why it does not."""

    def __init__(self) -> None:
        self.done = Latch()
        self.part: Part | None = None
        self.error: AnywhereError | None = None


@frozen
class Group:
    """The keys that one line answers, and how its part is divided among them. One left out is asked for by itself."""

    keys: tuple[Key, ...]
    split: Split


class Gathering:
    """Runs lines in the background and hands each part out once."""

    def __init__(self, gather: Gather) -> None:
        self._gather = gather
        self._slots: dict[Key, _Slot] = {}
        self._failure: AnywhereError | None = None
        self._lock = threading.Lock()

    def start(self, lines: Mapping[Key, str], groups: Mapping[Key, Group] | None = None) -> None:
        """Begin to gather. `groups` are the lines whose one part holds those of many keys."""
        groups = groups or {}
        of_lines = [groups[key].keys if key in groups else (key,) for key in lines]
        slots = {key: _Slot() for keys in of_lines for key in keys}
        with self._lock:
            self._slots = dict(slots)
        splits = [groups[key].split if key in groups else None for key in lines]
        begin(partial(self._work, slots, list(zip(of_lines, splits, strict=True)), list(lines.values())))

    def _work(
        self, slots: dict[Key, _Slot], outcomes: list[tuple[tuple[Key, ...], Split | None]], lines: list[str]
    ) -> None:
        def on_part(index: int, part: Part) -> None:
            keys, split = outcomes[index]
            parts = split(part) if split else dict.fromkeys(keys, part)
            for key in keys:
                slots[key].part = parts.get(key)
                slots[key].done.open()

        failure: AnywhereError | None = None
        try:
            self._gather(lines, on_part)
        except AnywhereError as error:
            failure = self._failure = error
        finally:
            for slot in slots.values():
                if not slot.done.is_open:
                    slot.error = failure
                slot.done.open()

    def take(self, key: Key, seconds: float) -> Part | None:
        """The part of this key, waited for; None when it was not asked for, taken before, or not among
        those that its line named.

        Raises the error that ended the gathering, also to whoever asks later: a host that did not answer is not asked for
        each observation anew.
        """
        with self._lock:
            slot = self._slots.pop(key, None)
        if slot is None and self._failure:
            raise self._failure.with_traceback(None)
        if slot is None or not slot.done.wait(seconds):
            return None
        if slot.error:
            raise slot.error
        return slot.part

    def cut(self) -> list[Key]:
        """The keys of parts that met a limit and were not taken yet."""
        with self._lock:
            return [key for key, slot in self._slots.items() if slot.part and slot.part.cut]

    def forget(self) -> None:
        """Nothing gathered so far counts any more."""
        with self._lock:
            self._slots, self._failure = {}, None
