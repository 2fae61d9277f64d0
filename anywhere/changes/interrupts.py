"""Ctrl-C while hosts are changed: the step that runs is ended, no other is begun, and the run says how far it came."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anywhere.changes.base import Halted


class Interrupted(Halted):
    """Somebody asked the run to end; what was done is recorded, and nothing is half done."""

    exit_code = 130


_asked = threading.Event()
_counting = threading.Lock()
_working = 0


def asked() -> bool:
    """Whether the run shall begin no other step."""
    return _asked.is_set()


@contextmanager
def working() -> Iterator[None]:
    """Steps are run within it, which Ctrl-C does not break off."""
    global _working
    with _counting:
        _working += 1
    try:
        yield
    finally:
        with _counting:
            _working -= 1


@contextmanager
def held(heard: Callable[[], object]) -> Iterator[None]:
    """Within it the first Ctrl-C that meets steps at work calls `heard` and only asks for the end; any other interrupts
    as usual. Without effect where Ctrl-C is ignored, and aside of the main thread."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        if not _working or asked():
            raise KeyboardInterrupt
        _asked.set()
        heard()

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _asked.clear()
