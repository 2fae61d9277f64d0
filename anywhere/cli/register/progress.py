"""The progress of `anywhere register` and `anywhere artifacts`: one line a step with its time, on standard error."""

from __future__ import annotations

import os
import sys
import threading
import time

from anywhere.cli.say import note
from anywhere.flows.lifecycle.register import Listener
from anywhere.printable import printable

_EVERY = 0.2  # seconds between two looks at the clock on a terminal
_TOLD_AGAIN = 10.0  # seconds between two lines on what is waited for, where there is no terminal


class Lines(Listener):
    """The progress of one host on standard error; `name` is in front of each line where there are many."""

    _lock = threading.Lock()

    def __init__(self, name: str) -> None:
        self._prefix = f"{name}: " if name else ""
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not name
        self._text, self._begun, self._last = "", 0.0, time.monotonic()
        self._stop: threading.Event | None = None

    def begins(self, text: str) -> None:
        """See Listener."""
        self._text, self._begun, self._last = text, time.monotonic(), time.monotonic()
        if self._live:
            self._stop = threading.Event()
            threading.Thread(target=self._tick, args=(self._stop,), daemon=True).start()

    def ends(self, text: str, seconds: float) -> None:
        """See Listener."""
        self._end()
        self._say(f"{seconds:6.1f} s  {text}")

    def waits(self, text: str) -> None:
        """See Listener."""
        if self._live:
            self._text = f"waiting for {text}"
        else:
            self._say(f"{'...':>8}  waiting for {text}")

    def received(self, name: str, have: int, of: int) -> None:
        """See Listener."""
        share = f"{have >> 20} of {of >> 20} MiB" if of else f"{have >> 20} MiB"
        if self._live:
            self._text = f"fetch {name}: {share}"
        elif time.monotonic() - self._last > _TOLD_AGAIN:
            self._last = time.monotonic()
            self._say(f"{'...':>8}  fetch {name}: {share}")

    def close(self) -> None:
        """Leave no half line behind."""
        self._end()

    def _end(self) -> None:
        if self._stop:
            self._stop.set()
            self._stop = None
            sys.stderr.write("\r\x1b[K")

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(_EVERY):
            sys.stderr.write(f"\r\x1b[K{time.monotonic() - self._begun:6.1f} s  {printable(self._text[:100])}")
            sys.stderr.flush()

    def _say(self, text: str) -> None:
        with self._lock:
            note(f"{self._prefix}{text}")
