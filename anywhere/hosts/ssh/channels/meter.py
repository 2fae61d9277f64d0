"""What one connection may take of this computer: bytes, and time of the one thread that serves all connections.

A host that floods (output, messages that say nothing, endless greetings) is slowed down, and dropped in the end; the
others do not wait for it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

MOST_BYTES = 20 << 20  # a host with ten thousand rules sends a quarter of this, a plain one 0.1 MiB
MOST_SECONDS = 2.0  # of a processor; a plain host takes 0.02
# What each command and each connection that is asked for adds to both: a registration waits for minutes, asking again.
MORE_BYTES, MORE_SECONDS = 1 << 18, 0.05
AT_ONCE = 0.08  # seconds of a processor that may be taken at any moment
SHARE = 0.05  # of a processor, from then on
LONGEST_PAUSE = 0.5  # seconds
PIECE = 32 * 1024  # bytes taken from the network at once: a thousand small messages, and then it is another's turn


class Meter:
    """Counts, and pauses the connection where it takes too much."""

    def __init__(self, connection: Any) -> None:
        self.bytes, self.seconds, self.asked = 0, 0.0, 0
        self.exceeded = ""
        self._connection = connection
        self._inner = connection.data_received
        self._credit, self._charged, self._at = AT_ONCE, 0.0, time.monotonic()
        connection.data_received = self.received
        transport = connection._transport
        if hasattr(transport, "max_size"):
            transport.max_size = PIECE

    def received(self, data: bytes, *more: object) -> None:
        """Pass a piece on, and count what that takes."""
        if self.exceeded:
            return
        before = time.thread_time()
        self._inner(data, *more)
        taken = time.thread_time() - before
        self.bytes += len(data)
        self.seconds += taken
        if self.bytes > (most := MOST_BYTES + self.asked * MORE_BYTES):
            self._drop(f"it sent more than {most >> 20} MiB")
        elif self.seconds > (limit := MOST_SECONDS + self.asked * MORE_SECONDS):
            self._drop(f"its messages took more than {limit:.0f} s of this computer's processor")
        else:
            self._pace(taken)

    def ask(self) -> None:
        """Allow what one more command or connection may bring."""
        self.asked += 1

    def charge(self, taken: float) -> None:
        """Count seconds of a processor that another thread has spent on what came from this host."""
        self.seconds += taken
        self._charged += taken

    def _pace(self, taken: float) -> None:
        now = time.monotonic()
        charged, self._charged = self._charged, 0.0
        self._credit = min(AT_ONCE, self._credit + SHARE * (now - self._at)) - taken - charged
        self._at = now
        if self._credit < 0:
            transport = self._connection._transport
            if transport is not None and hasattr(transport, "pause_reading"):
                transport.pause_reading()
                pause = min(LONGEST_PAUSE, -self._credit / SHARE)
                asyncio.get_running_loop().call_later(pause, self._resume, transport)

    def _resume(self, transport: object) -> None:
        if self._connection._transport is transport:
            transport.resume_reading()

    def _drop(self, why: str) -> None:
        self.exceeded = why
        self._connection.abort()
