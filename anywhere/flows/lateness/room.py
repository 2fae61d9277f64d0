"""More time for a run on a machine that other programs keep busy."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from anywhere.flows.lateness.pace import WAITED, look, thread_times
from anywhere.hosts.base import Deadline
from anywhere.threads import begin

LOOKED = 0.6  # of the time: what is not done by then will need the rest of it at the same pace


Late = Callable[[float], bool]
"""Whether this program mostly waited for a processor in these last seconds."""


def always(_seconds: float) -> bool:
    """That of a host which is measured again."""
    return True


@contextlib.contextmanager
def room(deadline: Deadline, patience: float, late: Late | None = None) -> Iterator[None]:
    """While this is entered, the deadline may grow by `patience` seconds, once, where this program is late: a run that has
    no time to look says nothing of a host. `late` is who knows it; None: it is measured here. Who was `always` late has it
    from the beginning: some waits take what is left when they begin."""
    if late is always:
        deadline.grow(max(0.0, patience))
        yield
        return
    ended = threading.Event()
    seconds = deadline.left() * LOOKED
    late = late or _measured()

    def watch() -> None:
        if not ended.wait(seconds) and late(seconds):
            deadline.grow(patience)

    if patience > 0:
        begin(watch)
    try:
        yield
    finally:
        ended.set()


def _measured() -> Late:
    before, since = thread_times(), time.monotonic()
    return lambda _: look(before, thread_times(), since, time.monotonic()).waited > WAITED
