"""Fan-out over daemon threads: a thread that hangs in the C library must not keep the process from ending.

A thread that is done waits for its next call: a host takes more than a hundred calls, and a thread costs more than most
of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_IDLE = 256  # threads kept: sixteen hosts at once want as many
EVERY = 0.1  # seconds between looks at the clock
STALLED = 2.0  # seconds without a result
_idle: list[SimpleQueue[Callable[[], object]]] = []
_counting = threading.Lock()


class Latch:
    """One thread opens it, any number wait for it. `threading.Event` takes ten times as long to create."""

    def __init__(self) -> None:
        self.is_open = False
        self._closed = threading.Lock()
        self._closed.acquire()

    def open(self) -> None:
        """Wake every waiting thread."""
        if not self.is_open:
            self.is_open = True
            self._closed.release()

    def wait(self, seconds: float) -> bool:
        """Whether it is open within so many seconds."""
        if not self._closed.acquire(timeout=max(0.0, seconds)):
            return False
        self._closed.release()
        return True


def begin(call: Callable[[], object]) -> None:
    """Run a call in a background thread. What it raises goes to `threading.excepthook`."""
    try:
        calls = _idle.pop()
    except IndexError:
        calls = SimpleQueue()
        threading.Thread(target=_serve, args=(calls,), daemon=True).start()
    calls.put(call)


def _serve(calls: SimpleQueue[Callable[[], object]]) -> None:
    while True:
        calls.get()()
        with _counting:
            if len(_idle) >= MOST_IDLE:
                return
            _idle.append(calls)


def fan_out(calls: Sequence[Callable[[], T]], limit: int = 128) -> list[T]:
    """The results of all calls in their order, at most `limit` at once. The first exception is raised again here.

    The calling thread works on them too.
    """
    if len(calls) == 1:
        return [calls[0]()]
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    todo = iter(range(len(calls)))
    workers = max(1, min(limit, len(calls)))
    lock, over = threading.Lock(), threading.Lock()
    over.acquire()

    def work() -> None:
        nonlocal workers
        try:
            while True:
                with lock:
                    index = next(todo, None)
                if index is None or errors:
                    return
                results[index] = calls[index]()
        except BaseException as error:
            errors.append(error)
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            with lock:
                workers -= 1
                if not workers:
                    over.release()

    for _ in range(workers - 1):
        begin(work)
    work()
    over.acquire()
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(calls))]


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result of a call that may never return: TimeoutError after `seconds`, and its thread is abandoned."""
    box: list[T] = []
    errors: list[BaseException] = []
    over = threading.Lock()
    over.acquire()

    def work() -> None:
        try:
            box.append(call())
        except BaseException as error:
            errors.append(error)
        finally:
            over.release()

    begin(work)
    over.acquire(timeout=max(0.0, seconds))
    if errors:
        raise errors[0]
    if not box:
        raise TimeoutError(f"no answer within {seconds:.1f} s")
    return box[0]


class Lane:
    """A queue of calls (by index) for a few threads, since most of the calls wait for the same resource."""

    def __init__(self, places: Sequence[int], workers: int) -> None:
        self.workers = min(workers, len(places))
        self._todo: Iterator[int] = iter(places)
        self.left = len(places)

    def begin(self, call: Callable[[int], object], workers: int) -> None:
        """Start this many more threads; each works until the queue is empty."""
        for _ in range(workers):
            begin(partial(self._work, call))

    def _work(self, call: Callable[[int], object]) -> None:
        while (place := next(self._todo, None)) is not None:
            self.left -= 1
            call(place)

    def close(self) -> None:
        """Start no more of the calls."""
        self._todo = iter(())
        self.left = 0


class _Race(Generic[T]):
    """The results so far, and the caller that waits for them."""

    def __init__(self, calls: Sequence[Callable[[], T]], enough: Callable[[dict[int, T], float], bool]) -> None:
        self.results: dict[int, T] = {}
        self.errors: list[BaseException] = []
        self.lock = threading.Lock()
        self._calls, self._enough, self._started = calls, enough, time.monotonic()
        self._over = threading.Lock()
        self._over.acquire()

    def work(self, index: int) -> None:
        """Make one call."""
        try:
            result = self._calls[index]()
        except BaseException as error:
            with self.lock:
                self.errors.append(error)
                self._look()
            return
        with self.lock:
            self.results[index] = result
            self._look()

    def _look(self) -> None:
        """Wake the caller when it has enough results."""
        all_done = len(self.results) == len(self._calls)
        done = self.errors or all_done or self._enough(self.results, time.monotonic() - self._started)
        if done and self._over.locked():
            self._over.release()

    def wait(self, lanes: Sequence[Lane]) -> None:
        """Block until there are enough results. When no call has ended for a while, each remaining one gets its own thread."""
        seen, since = 0, self._started
        while self._calls and not self._over.acquire(timeout=EVERY):
            with self.lock:
                self._look()
            if len(self.results) > seen:
                seen, since = len(self.results), time.monotonic()
            elif time.monotonic() - since > STALLED:
                for lane in lanes:
                    lane.begin(self.work, lane.left)


def race(
    calls: Sequence[Callable[[], T]],
    enough: Callable[[dict[int, T], float], bool],
    lanes: Sequence[Lane] = (),
) -> dict[int, T]:
    """Start all calls at once; return the results as soon as `enough(results, seconds)` is true or all calls are done.

    Calls that still run continue in the background. `lanes`, where given, hold all calls; when none has ended for a while,
    each remaining call gets its own thread.
    """
    run = _Race(calls, enough)
    taken = lanes or [Lane([index], 1) for index in range(len(calls))]
    for lane in taken:
        lane.begin(run.work, lane.workers)
    run.wait(taken)
    for lane in lanes:
        lane.close()
    with run.lock:
        if run.errors:
            raise run.errors[0]
        return dict(run.results)
