"""Many hosts at once: bounded in number and in time, so that no host delays or hides another.

A host that takes long gives its place to the next one and goes on aside; one that outlasts its own deadline is given up.
"""

from __future__ import annotations

import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

PARALLEL = 16
SLOW = 3.0  # seconds, or so many times the median: then a host no longer counts among those under way
TICK = 0.1  # seconds between looks at the clock


@dataclass(frozen=True, slots=True)
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
    _results: queue.SimpleQueue[Done[Result] | BaseException] = field(default_factory=queue.SimpleQueue)
    _started: dict[int, float] = field(default_factory=dict)
    _durations: list[float] = field(default_factory=list)

    def run(self) -> Iterator[Done[Result]]:
        """The results as they come, each job once. What `work` raises is raised here: a bug, not a host's state.

        Whoever stops to iterate (Ctrl-C) stops the run: what is under way is left behind in daemon threads.
        """
        todo = iter(range(len(self.jobs)))
        more = True
        while more or self._started:
            while more and self._under_way() < self.parallel:
                index = next(todo, None)
                more = index is not None
                if index is not None:
                    self._start(index)
            yield from self._finished()
            yield from self._overdue()

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
        slow = time.monotonic() - SLOW * max(1.0, usual)
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
