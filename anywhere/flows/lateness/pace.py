"""Whether this machine kept up with its own run: what is late because of us is no fault of a host.

A thread that wants to run and does not get a processor waits on the kernel's run queue, and the kernel counts that
(proc(5), `schedstat`): running and waiting of each thread in nanoseconds. How late a sleeper wakes up says little, since
the scheduler favours what slept (decision 042).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Mapping

from anywhere.frozen import frozen

TASKS = "/proc/self/task"
TICK = 0.5  # seconds between looks: of hundreds of threads
WAITED = 0.4  # of the time that it wanted to run: from there on this program is late
WHOLE = 0.85  # of a processor: one interpreter has no more, and its own threads wait for each other
LATE, HALF = 0.25, 0.5  # of the looks while a host was examined
ALL_THE_TIME = 0.9  # of the looks: then nothing that rests on time can be concluded
KEPT = 2 * 60 * 60  # looks, an hour of them

Times = Mapping[str, tuple[int, int]]
"""By thread: nanoseconds on a processor, and waiting for one."""


@frozen
class Look:
    """What was found at a moment (time.monotonic): the share of wanted time that was waited, of a processor that was used."""

    at: float
    waited: float
    used: float

    @property
    def is_late(self) -> bool:
        """Whether what was measured around this moment may be our own delay."""
        return self.waited > WAITED or self.used > WHOLE


class Pace:
    """Looks at this process while it is entered as a context."""

    def __init__(self) -> None:
        self.looks: deque[Look] = deque(maxlen=KEPT)
        self._ended = threading.Event()

    def __enter__(self) -> Pace:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _watch(self) -> None:
        before, since = thread_times(), time.monotonic()
        while not self._ended.wait(TICK):
            after, now = thread_times(), time.monotonic()
            self.looks.append(look(before, after, since, now))
            before, since = after, now

    def was_late(self, seconds: float, part: float = LATE) -> bool:
        """Whether this program could not keep up for a part of these last seconds: also where it had no time to look."""
        since = time.monotonic() - seconds - TICK
        seen = [one.is_late for one in self.looks if one.at >= since]
        expected = max(len(seen), int(seconds / (2 * TICK)))
        return expected > 0 and expected - len(seen) + sum(seen) >= part * expected


class Waiting:
    """How many of this process's threads wait for a processor, on average since the last look."""

    def __init__(self) -> None:
        self._times, self._at, self._rate = thread_times(), time.monotonic(), 0.0

    def threads(self) -> float:
        """A number such as 0.3; looked at every TICK at most."""
        now = time.monotonic()
        if now - self._at >= TICK:
            after = thread_times()
            waited = sum(max(0, times[1] - self._times.get(thread, (0, 0))[1]) for thread, times in after.items())
            self._times, self._rate, self._at = after, waited / 1e9 / (now - self._at), now
        return self._rate


def look(before: Times, after: Times, since: float, now: float) -> Look:
    """What changed between two readings, `since` and `now` in seconds."""
    pairs = [(before.get(thread, (0, 0)), times) for thread, times in after.items()]
    ran = sum(max(0, new[0] - old[0]) for old, new in pairs)
    waited = sum(max(0, new[1] - old[1]) for old, new in pairs)
    # A thread or two that did next to nothing tell nothing of the machine.
    share = waited / (ran + waited) if ran + waited > 0.02e9 * (now - since) else 0.0
    return Look(now, share, ran / 1e9 / max(now - since, 1e-9))


def thread_times() -> Times:
    """This process's threads; empty where the kernel does not count."""
    found = {}
    with contextlib.suppress(OSError):
        for thread in os.listdir(TASKS):
            with contextlib.suppress(OSError, ValueError):
                ran, waited, *_ = _read(f"{TASKS}/{thread}/schedstat").split()
                found[thread] = (int(ran), int(waited))
    return found


def _read(path: str) -> bytes:
    """As little as can be: hundreds of threads are read twice a second."""
    number = os.open(path, os.O_RDONLY)
    try:
        return os.read(number, 128)
    finally:
        os.close(number)
