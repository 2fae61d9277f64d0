"""More time for a run on a machine that other programs keep busy."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from anywhere.flows.lateness.pace import WAITED, look, thread_times
from anywhere.hosts.base import Deadline
from anywhere.settings import Settings

LOOKED = 0.6  # of the budget: what is not done by then will need the rest of it at the same pace


@contextlib.contextmanager
def room(deadline: Deadline, settings: Settings) -> Iterator[None]:
    """While this is entered, the deadline grows by the patience of the settings where this program mostly waits for a
    processor: a run that has no time to look says nothing of a host."""
    ended = threading.Event()
    before, since = thread_times(), time.monotonic()

    def watch() -> None:
        if (
            not ended.wait(settings.budget * LOOKED)
            and look(before, thread_times(), since, time.monotonic()).waited > WAITED
        ):
            deadline.grow(settings.patience)

    if settings.patience:
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
