"""How much longer things take on this machine now than on an idle one."""

from __future__ import annotations

import os
from pathlib import Path


def pace() -> float:
    """Processes that want to run for each processor, now or on average of the last minute; 1 when there is room."""
    average, _, _, tasks, _ = Path("/proc/loadavg").read_text().split()
    wanting = max(float(average), int(tasks.partition("/")[0]))
    return max(1.0, wanting / len(os.sched_getaffinity(0)))


def within(seconds: float) -> float:
    """The limit for what takes at most `seconds` on an idle machine. It tells a wait from a hang, not fast from slow:
    the bench does that."""
    return seconds * pace()
