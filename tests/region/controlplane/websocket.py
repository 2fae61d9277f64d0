"""WebSocket frames on a connection that was upgraded: the server's side of RFC 6455, whole text messages only."""

from __future__ import annotations

import socket
import struct
import threading
import time

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Frames:
    """Reads the client's frames and writes ours. Writing is safe from any thread."""

    def __init__(self, connection: socket.socket, rest: bytes = b"") -> None:
        self.connection, self.rest = connection, rest
        self._lock = threading.Lock()

    def send(self, text: str) -> None:
        """Send a text message."""
        self._write(TEXT, text.encode())

    def close(self, code: int = 1000) -> None:
        """Send a close frame."""
        self._write(CLOSE, struct.pack("!H", code))

    def _write(self, kind: int, data: bytes) -> None:
        size = len(data)
        head = struct.pack("!BB", 0x80 | kind, size) if size < 126 else struct.pack("!BBH", 0x80 | kind, 126, size)
        with self._lock:
            self.connection.sendall(head + data)

    def receive(self, seconds: float) -> str | None:
        """The next text message; None when none came in that time. Answers pings. Raises ConnectionError at the end."""
        until = time.monotonic() + seconds
        message = b""
        while True:
            frame = self._frame()
            if frame is None:
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._fill(left)
                continue
            is_last, kind, data = frame
            if kind == CLOSE:
                raise ConnectionError("closed by the client")
            if kind == PING:
                self._write(PONG, data)
            elif kind in (0, 1, 2):
                message += data
                if is_last:
                    return message.decode("utf-8", "replace")

    def _fill(self, seconds: float) -> None:
        self.connection.settimeout(max(seconds, 0.01))
        try:
            chunk = self.connection.recv(65536)
        except TimeoutError:
            return
        finally:
            self.connection.settimeout(30)
        if not chunk:
            raise ConnectionError("end of file")
        self.rest += chunk

    def _frame(self) -> tuple[bool, int, bytes] | None:
        """A frame that is complete, unmasked."""
        data = self.rest
        if len(data) < 2:
            return None
        size, place = data[1] & 0x7F, 2
        if size == 126:
            size, place = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, place = int.from_bytes(data[2:10], "big"), 10
        mask = b""
        if data[1] & 0x80:
            mask, place = data[place : place + 4], place + 4
        if len(data) < place + size:
            return None
        body = data[place : place + size]
        if mask:
            body = bytes(one ^ mask[n % 4] for n, one in enumerate(body))
        self.rest = data[place + size :]
        return bool(data[0] & 0x80), data[0] & 0x0F, body
