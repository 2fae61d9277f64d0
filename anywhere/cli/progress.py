"""The progress of a run over many hosts: counts and the time left, in one line on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anywhere.cli.output import progress
from anywhere.model import Target, Verdict

WORDS = {
    Verdict.READY: "ready",
    Verdict.WARNINGS: "with warnings",
    Verdict.NOT_READY: "not ready",
    Verdict.UNKNOWN: "not checked",
}
EVERY = 0.2  # seconds between two looks
BAR = 24


class Tally:
    """Counts targets by their verdicts. `before` of `total` were done by an earlier run."""

    def __init__(self, total: int, before: int = 0) -> None:
        self.total, self.before, self.done = total, before, before
        self._counted: Counter[Verdict] = Counter()
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def add(self, target: Target) -> None:
        """Count one more."""
        with self._lock:
            self.done += 1
            self._counted[target.verdict] += 1

    def line(self) -> str:
        """`[=====>    ] 120/1000  100 ready, 20 not ready  1:05 left`."""
        with self._lock:
            share = self.done / self.total
            counts = ", ".join(f"{self._counted[one]} {word}" for one, word in WORDS.items() if self._counted[one])
        filled = int(share * BAR)
        bar = "=" * filled + ">" * (filled < BAR) + " " * (BAR - filled - 1)
        return f"[{bar}] {self.done}/{self.total}  {counts}{self._left()}"

    def _left(self) -> str:
        fresh = self.done - self.before
        seconds = time.monotonic() - self._started
        if not fresh or self.done == self.total:
            return ""
        left = round(seconds / fresh * (self.total - self.done))
        return f"  {left // 60}:{left % 60:02} left"


@contextmanager
def tallying(name: str, total: int, before: int = 0) -> Iterator[Callable[[Target], None]]:
    """Shows the progress while something runs, on a terminal only; gives the function that counts each target."""
    if total == 1:
        with progress(f"checking {name}"):
            yield lambda _: None
        return
    tally = Tally(total, before)
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield tally.add
        return
    over = threading.Event()

    def tick() -> None:
        while not over.wait(EVERY):
            sys.stderr.write(f"\r\x1b[K{tally.line()}")
            sys.stderr.flush()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield tally.add
    finally:
        over.set()
        thread.join()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
