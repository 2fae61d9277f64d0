"""What one command writes, carried from the event loop to the thread that waits for it, and what is sent in return."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from anywhere.frozen import frozen

MOST_WAITING = 1 << 20  # bytes that are received and not yet looked at: then the far side has to wait
SENT_AT_ONCE = 1 << 18  # bytes: asyncssh copies what it cannot send yet each time when the host takes some of it
MOMENT = 0.005  # seconds: what comes within it is handed over at once, for the thread that waits costs more to wake
MOST_COLLECTED = 8  # pieces: what comes faster is handed over at once, so that a flood is soon noticed
KEPT = 4096  # bytes of each stream that are kept where a sink takes them, to be quoted
SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "SEGV": 11, "PIPE": 13, "ALRM": 14, "TERM": 15}


@frozen
class Reply:
    """What is written to the command's standard input; `last` ends it."""

    data: bytes = b""
    last: bool = False


class Enough(Exception):
    """Raised by a sink: the command is to be ended, whatever else it would say."""


class Pace:
    """How long a command may say nothing. This one: as long as it takes."""

    def patience(self) -> float:
        """Seconds from now until `stalled` is asked, unless something comes before."""
        return float("inf")

    def stalled(self) -> Reply | None:
        """What to tell the command; None to give it up."""
        return None


Pieces = Sequence[tuple[bytes, bool]]
Sink = Callable[[bytes, bool], Reply | None]
"""Takes a piece of output, and whether it is of standard error, in the thread that waits; returns what to answer."""


class Session:
    """A session in asyncssh's sense. The loop's thread only passes pieces on; they are looked at in the thread that calls
    `follow`, so that one host's flood takes no time of the others."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, largest: int, charge: Callable[[float], None] = lambda _: None
    ) -> None:
        self.out, self.err = bytearray(), bytearray()
        self.rc: int | None = None
        self.first_at = 0.0
        self.is_cut = False  # by us: its time was over, or its output too long
        self.is_full = False  # cut, because its output was too long
        self.done: asyncio.Future[None] = loop.create_future()
        self._loop, self._largest, self._charge = loop, largest, charge
        self._channel: Any = None
        self._pieces: queue.SimpleQueue[Pieces | None] = queue.SimpleQueue()
        self._collected: list[tuple[bytes, bool]] = []
        self._lock = threading.Lock()
        self._waiting, self._is_paused = 0, False
        self._to_send: deque[memoryview] = deque()
        self._ends, self._is_full_there, self._is_begun = False, False, False

    # --- in the loop's thread, called by asyncssh -------------------------------------------------------------------

    def connection_made(self, channel: object) -> None:
        self._channel = channel

    def session_started(self) -> None:
        pass

    def data_received(self, data: bytes, kind: int | None) -> None:
        if self.is_cut:
            return
        self.first_at = self.first_at or time.time()
        if not self._collected:
            self._loop.call_later(MOMENT, self._hand_over)
        self._collected.append((data, bool(kind)))
        if len(self._collected) >= MOST_COLLECTED:
            self._hand_over()
        with self._lock:
            self._waiting += len(data)
            if self._waiting > MOST_WAITING and not self._is_paused:
                self._is_paused = True
                self._channel.pause_reading()

    def _hand_over(self) -> None:
        if self._collected:
            pieces, self._collected = self._collected, []
            self._pieces.put(pieces)

    def exit_status_received(self, status: int) -> None:
        self.rc = status

    def exit_signal_received(self, signal: str, _core: bool, _message: str, _language: str) -> None:
        self.rc = 128 + SIGNALS.get(signal, 0)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._is_full_there = True

    def resume_writing(self) -> None:
        self._is_full_there = False
        # Later, not now: this is called while a message of the host is read, and what we send is not on its account.
        self._loop.call_soon(self._push)

    def send(self, data: bytes, is_last: bool) -> None:
        """Send to standard input, piece by piece as the host takes it, and end it after the last."""
        if not self._is_begun:
            self._is_begun = True
            self._pieces.put(())
        self._to_send.append(memoryview(data))
        self._ends = self._ends or is_last
        self._push()

    def _push(self) -> None:
        with contextlib.suppress(OSError):  # a quick command is over before it could read
            while self._to_send and not self._is_full_there:
                piece, rest = self._to_send[0][:SENT_AT_ONCE], self._to_send[0][SENT_AT_ONCE:]
                if rest:
                    self._to_send[0] = rest
                else:
                    self._to_send.popleft()
                self._channel.write(bytes(piece))
            if self._ends and not self._to_send:
                self._ends = False
                self._channel.write_eof()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)
        self._hand_over()
        self.over()

    # --- in any thread ----------------------------------------------------------------------------------------------

    def over(self) -> None:
        """Nothing more will come."""
        self._pieces.put(None)

    def follow(self, end: float, pace: Pace, sink: Sink | None) -> None:
        """Take the output until it is over. TimeoutError at `end` (monotonic seconds), or when `pace` has nothing more to
        say to a command that was started."""
        seen, is_open = 0, False
        while True:
            try:
                pieces = self._next(end, pace.patience() if is_open else float("inf"))
            except TimeoutError:
                reply = pace.stalled() if is_open and time.monotonic() < end else None
                if reply is None:
                    raise
                self._loop.call_soon_threadsafe(self.send, reply.data, reply.last)
                continue
            if pieces is None:
                return
            is_open = self._is_begun
            for data, is_error in pieces:
                seen += len(data)
                into = self.err if is_error else self.out
                into += data[: KEPT - len(into)] if sink else data
                if seen > self._largest:
                    self.is_full = True
                    self.cut_off()
                elif sink:
                    self._answer(sink, data, is_error)
                if self.is_cut:
                    return

    def _answer(self, sink: Sink, data: bytes, is_error: bool) -> None:
        before = time.thread_time()
        try:
            reply = sink(data, is_error)
        except Enough:
            self.is_full = True
            self.cut_off()
            return
        finally:
            self._charge(time.thread_time() - before)
        if reply:
            self._loop.call_soon_threadsafe(self.send, reply.data, reply.last)

    def _next(self, end: float, quiet: float) -> Pieces | None:
        left = min(quiet, end - time.monotonic())
        try:
            pieces = self._pieces.get(timeout=max(0.0, left))
        except queue.Empty as error:
            raise TimeoutError("nothing heard") from error
        if pieces:
            with self._lock:
                self._waiting -= sum(len(data) for data, _ in pieces)
                if self._is_paused and self._waiting < MOST_WAITING // 2:
                    self._is_paused = False
                    self._loop.call_soon_threadsafe(self._channel.resume_reading)
        return pieces

    def cut_off(self) -> None:
        """Give up on the command. The end of its input is what ends it on the far side."""
        self.rc, self.is_cut = None, True
        if self._channel is not None:
            self._loop.call_soon_threadsafe(self._channel.abort)
