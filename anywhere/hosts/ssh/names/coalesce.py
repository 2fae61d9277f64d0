"""Questions that many threads ask at the same moment, answered by one piece of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from anywhere.errors import AnywhereError
from anywhere.threads import Latch, begin

T = TypeVar("T")
LULL, LONGEST = 0.02, 0.12  # seconds: collect until nobody has come for a lull, at most so long


class Slot(Generic[T]):
    """A question and, in time, its answer; `parts` is room for whoever finds the answer piece by piece."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.answer: T | None = None
        self.parts: dict[int, T] = {}
        self.done = Latch()
        self._setting = threading.Lock()

    def set(self, answer: T | None) -> None:
        """Answer, once."""
        with self._setting:
            if not self.done.is_open:
                self.answer = answer
                self.done.open()


class Together(Generic[T]):
    """Calls `work` with the slots of one moment; slots that it leaves open are answered with None."""

    def __init__(self, work: Callable[[Sequence[Slot[T]]], None]) -> None:
        self._work = work
        self._waiting: list[Slot[T]] = []
        self._announced: dict[str, Slot[T]] = {}
        self._lock = threading.Lock()

    def announce(self, questions: Sequence[str]) -> None:
        """Begin to answer questions that will be asked, without waiting for more of them."""
        with self._lock:
            slots: list[Slot[T]] = [Slot(one) for one in questions if one not in self._announced]
            self._announced.update((slot.question, slot) for slot in slots)
        if slots:
            begin(partial(self._serve, slots))

    def known(self, question: str, seconds: float) -> T | None:
        """The answer to a question that was announced; None when there is none within so many seconds."""
        slot = self._announced.get(question)
        return slot.answer if slot is not None and slot.done.wait(seconds) else None

    def ask(self, question: str, seconds: float) -> T | None:
        """The answer; None when there is none within so many seconds."""
        with self._lock:
            slot = self._announced.pop(question, None)
            announced, slot = slot is not None, slot or Slot(question)
            if not announced:
                self._waiting.append(slot)
            first = not announced and len(self._waiting) == 1
        if first:
            begin(partial(self._serve, self._collect()))
        slot.done.wait(seconds)
        return slot.answer

    def _collect(self) -> list[Slot[T]]:
        end = time.monotonic() + LONGEST
        seen = 0
        while seen < len(self._waiting) and time.monotonic() < end:
            seen = len(self._waiting)
            time.sleep(LULL)
        with self._lock:
            slots, self._waiting = self._waiting, []
        return slots

    def _serve(self, slots: list[Slot[T]]) -> None:
        try:
            self._work(slots)
        except AnywhereError:
            pass  # the connection is gone: whoever gets no answer looks for that
        finally:
            for slot in slots:
                slot.set(None)
