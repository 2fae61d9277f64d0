"""A connection's bytes in lines and pieces, up to one moment and one size, whatever the far end does."""

from __future__ import annotations

import socket
import time

PIECE = 4096  # bytes: what Go's bufio asks for at a time


class Ended(ValueError):
    """The far end closed before what was expected had come."""


class Stream:
    """Reads a socket until `end` (monotonic seconds), at most `limit` bytes in all. TimeoutError when the time is up."""

    def __init__(self, sock: socket.socket, end: float, limit: int) -> None:
        self._sock, self._end, self._left = sock, end, limit
        self._kept = bytearray()
        self._at = 0

    def line(self) -> bytes:
        """The next line without its end. Raises Ended at the end of the stream, ValueError past the limit."""
        searched = self._at
        while (found := self._kept.find(b"\n", searched)) < 0:
            searched = len(self._kept)
            if not self._more():
                raise Ended("connection closed" + (" in the answer's head" if searched else " without an answer"))
        return self._taken(found + 1)[:-1].removesuffix(b"\r")

    def take_line(self, most: int) -> bytes:
        """A line of a chunked body, which ends in CR and LF and is shorter than `most` bytes. Raises ValueError else."""
        while (found := self._kept.find(b"\n", self._at)) < 0 and len(self._kept) - self._at < most:
            if not self._more():
                raise Ended("the answer's body is cut between two chunks")
        if not 0 <= found < self._at + most - 1:
            raise ValueError("a line of the chunked encoding is too long")
        line = self._taken(found + 1)
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise ValueError("malformed chunked encoding")
        return line[:-2]

    def is_ahead(self, mark: bytes, most: int) -> bool:
        """Whether these bytes come within the next `most`; nothing is taken."""
        while self._kept.find(mark, self._at, self._at + most) < 0:
            if len(self._kept) - self._at >= most or not self._more():
                return False
        return True

    def peek(self, size: int = 1) -> bytes:
        """The next bytes, which stay; fewer at the end of the stream."""
        while len(self._kept) - self._at < size and self._more():
            pass
        return bytes(self._kept[self._at : self._at + size])

    def take(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end of the stream."""
        while len(self._kept) - self._at < size and self._more():
            pass
        return self._taken(min(self._at + size, len(self._kept)))

    def rest(self) -> bytes:
        """What has come in and was not taken yet; empty at the end of the stream."""
        if self._at >= len(self._kept) and not self._more():
            return b""
        return self._taken(len(self._kept))

    def _taken(self, end: int) -> bytes:
        taken = bytes(self._kept[self._at : end])
        self._at = end
        if end == len(self._kept):
            self._kept.clear()
            self._at = 0
        return taken

    def _more(self) -> bool:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time left")
        if self._left <= 0:
            raise ValueError("the answer is too large")
        self._sock.settimeout(left)
        data = self._sock.recv(min(PIECE, self._left))
        self._left -= len(data)
        self._kept += data
        return bool(data)
