"""Many hosts at once: bounded in number and in time, so that no host delays or hides another.

A slow host no longer counts against the limit and continues in the background; one that outlasts its own deadline is given
up. While this machine is overloaded only a few hosts run at once: more would not finish sooner, and delays of this machine
would look like faults of the hosts.
"""

from __future__ import annotations

import contextlib
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from anywhere.flows.lateness.pace import Waiting
from anywhere.frozen import frozen

Job = TypeVar("Job")
Result = TypeVar("Result")

Looked = tuple[float, float, float, float]
PARALLEL = 16
SLOW = 3.0  # seconds, or this many times the median: then a host no longer counts against the limit
TICK = 0.1  # seconds between looks at the clock and at the load
FEWEST = 4  # jobs at once on an overloaded machine, and at the start
FEWER = 0.75  # factor of the limit after each look that finds the machine overloaded; otherwise it grows by one


@frozen
class Done(Generic[Result]):
    """One result: the place of its job in the list, and how long it took in seconds."""

    index: int
    result: Result
    seconds: float


@dataclass
class Fleet(Generic[Job, Result]):
    """Runs `work` on every job. `give_up` makes the result of a job that has outlasted `seconds`."""

    jobs: Sequence[Job]
    work: Callable[[Job], Result]
    give_up: Callable[[Job], Result]
    parallel: int = PARALLEL
    seconds: float = 60.0
    slow: float | None = None  # seconds after which a job gives its place to the next; None: three times the usual
    is_full: Callable[[], bool] = field(default_factory=lambda: Load().is_full)
    _results: queue.SimpleQueue[Done[Result] | BaseException] = field(default_factory=queue.SimpleQueue)
    _started: dict[int, float] = field(default_factory=dict)
    _durations: list[float] = field(default_factory=list)
    _window: float = float(FEWEST)
    _looked: float = 0.0

    def run(self) -> Iterator[Done[Result]]:
        """The results as they come, one for each job. An exception of `work` is raised here: it is a bug, not the state of a
        host.

        To stop iterating (Ctrl-C) stops the run; running jobs are abandoned in daemon threads.
        """
        todo = iter(range(len(self.jobs)))
        more = True
        while more or self._started:
            self._adapt()
            while more and self._under_way() < min(self.parallel, int(self._window)):
                index = next(todo, None)
                more = index is not None
                if index is not None:
                    self._start(index)
            yield from self._finished()
            yield from self._overdue()

    def _adapt(self) -> None:
        """Grow the limit up to `parallel` within a few looks, and shrink it while this machine is overloaded."""
        if time.monotonic() - self._looked < TICK:
            return
        self._looked = time.monotonic()
        if self.is_full():
            self._window = max(FEWEST, self._window * FEWER)
        elif self._under_way() >= int(self._window):
            self._window = min(self.parallel, self._window + 1)

    def _start(self, index: int) -> None:
        self._started[index] = time.monotonic()
        threading.Thread(target=self._work, args=(index,), daemon=True).start()

    def _work(self, index: int) -> None:
        started = time.monotonic()
        try:
            self._results.put(Done(index, self.work(self.jobs[index]), time.monotonic() - started))
        except BaseException as error:
            self._results.put(error)

    def _under_way(self) -> int:
        usual = statistics.median(self._durations[-50:]) if self._durations else 0.0
        slow = time.monotonic() - (SLOW * max(1.0, usual) if self.slow is None else self.slow)
        return sum(1 for started in self._started.values() if started > slow)

    def _finished(self) -> Iterator[Done[Result]]:
        if not self._started:
            return
        try:
            done = self._results.get(timeout=TICK)
        except queue.Empty:
            return
        if isinstance(done, BaseException):
            raise done
        if self._started.pop(done.index, None) is not None:  # else it was given up before
            self._durations.append(done.seconds)
            yield done

    def _overdue(self) -> Iterator[Done[Result]]:
        end = time.monotonic() - self.seconds
        for index in [index for index, started in self._started.items() if started < end]:
            del self._started[index]
            yield Done(index, self.give_up(self.jobs[index]), self.seconds)


class Load:
    """The load of this machine, smoothed over several looks. One Python process uses one processor at a time.

    A machine that other programs keep busy is not overloaded for a run that mostly waits for its hosts. It is for a run that
    needs a full processor, whether it gets one or not: beside other such runs, more hosts at once do not finish sooner.
    """

    WEIGHT = 0.3  # of the newest look
    WHOLE, PART, IDLE = 0.85, 0.35, 0.06  # of a processor: wanted, taken by this process; of all: not taken by anyone

    def __init__(self, look: Callable[[], Looked] | None = None, waiting: Callable[[], float] | None = None) -> None:
        self._look, self._waiting = look or look_at_processors, waiting or Waiting().threads
        self._own, self._idle = 0.0, 1.0
        self._last = self._look()

    def is_full(self) -> bool:
        """Whether this process uses a full processor, or causes much of the load while all processors are busy."""
        now = self._look()
        seconds, own, idle, whole = (new - old for new, old in zip(now, self._last, strict=True))
        if seconds <= 0:
            return False
        self._last = now
        self._own += self.WEIGHT * (own / seconds - self._own)
        self._idle += self.WEIGHT * ((idle / whole if whole else 1.0) - self._idle)
        wanted = self._own + (self._waiting() if self._idle < self.IDLE else 0.0)
        return wanted > self.WHOLE or (self._own > self.PART and self._idle < self.IDLE)


def look_at_processors() -> Looked:
    """Seconds: elapsed, and used by this process; ticks: idle or nice, and total (proc(5), `stat`). Without that file only
    this process counts."""
    numbers = [0] * 8
    with contextlib.suppress(OSError, ValueError), open("/proc/stat", encoding="ascii") as file:
        numbers = [int(word) for word in file.readline().split()[1:9]]
    user, nice, system, idle, wait, *others = numbers
    unused = nice + idle + wait
    return time.monotonic(), time.process_time(), unused, unused + user + system + sum(others)
