"""Fan-out over daemon threads: a thread that hangs in the C library must not keep the process from ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def fan_out(calls: Sequence[Callable[[], T]], limit: int = 128) -> list[T]:
    """The results of all calls in their order, at most `limit` at once. The first exception is raised again here.

    The caller's own thread takes its part.
    """
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    todo = iter(range(len(calls)))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                index = next(todo, None)
            if index is None or errors:
                return
            try:
                results[index] = calls[index]()
            except BaseException as error:
                errors.append(error)
                if isinstance(error, KeyboardInterrupt):
                    raise

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(limit, len(calls)) - 1)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(calls))]


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result of a call that may never come back: TimeoutError after `seconds`, and its thread is left behind."""
    box: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            box.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not box:
        raise TimeoutError(f"no answer within {seconds:.1f} s")
    return box[0]


def race(calls: Sequence[Callable[[], T]], enough: Callable[[dict[int, T], float], bool]) -> dict[int, T]:
    """Start all calls at once; return what is there as soon as `enough(results, seconds)` says so, or all are done.

    The calls that are still under way go on in the background.
    """
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    changed = threading.Condition()
    started = time.monotonic()

    def work(index: int) -> None:
        try:
            result = calls[index]()
        except BaseException as error:
            with changed:
                errors.append(error)
                changed.notify()
            return
        with changed:
            results[index] = result
            changed.notify()

    for index in range(len(calls)):
        threading.Thread(target=work, args=(index,), daemon=True).start()
    with changed:
        while not errors and len(results) < len(calls) and not enough(dict(results), time.monotonic() - started):
            changed.wait(0.05)
        if errors:
            raise errors[0]
        return dict(results)
