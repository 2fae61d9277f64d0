"""Large blocks of memory go back to the system when they are freed.

The C library of most distributions keeps an arena a thread, and learns to serve ever larger blocks from them: what one
endless output took for a moment would stay taken, once for each thread.
"""

from __future__ import annotations

import ctypes
import gc

M_MMAP_THRESHOLD = -3  # malloc.h
ALLOCATIONS = 20_000  # more than were freed: then the interpreter looks for cycles; its own number is 700
BLOCK = 128 * 1024  # bytes: from here on a block is mapped by itself


def return_large_blocks() -> None:
    """For this process, from now on; nothing to do where the C library has no such setting (musl, Windows)."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, BLOCK)
    except (OSError, AttributeError, TypeError):  # TypeError: CDLL(None) on Windows
        return


def collect_seldom() -> None:
    """For a process that serves many hosts: what is there by now is not looked through again for cycles, and what comes is
    seldom, since next to nothing of it is one. It took 4 % of such a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
