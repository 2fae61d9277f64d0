"""Large blocks of memory go back to the system when they are freed.

The C library of most distributions keeps an arena a thread, and learns to serve ever larger blocks from them: what one
endless output took for a moment would stay taken, once for each thread.
"""

from __future__ import annotations

import ctypes
import gc

M_MMAP_THRESHOLD = -3  # malloc.h
BLOCK = 128 * 1024  # bytes: from here on a block is mapped by itself


def return_large_blocks() -> None:
    """For this process, from now on; nothing to do where the C library has no such setting (musl, Windows)."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, BLOCK)
    except (OSError, AttributeError, TypeError):  # TypeError: CDLL(None) on Windows
        return


def keep_what_is_there() -> None:
    """For a process that serves many hosts: what is there by now stays, and is not looked through for cycles again."""
    gc.collect()
    gc.freeze()
