"""A channel of the connection as a socket: bytes carried between the two."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

CHUNK = 65536


class Pump:
    """Carries bytes between a channel and one end of a socket pair; the other end, `near`, is handed out."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.near, self._far = socket.socketpair()
        self._far.setblocking(False)
        self._number = self._far.fileno()  # the loop takes a number without looking at the socket's addresses
        self._loop = loop
        self._channel: Any = None
        self._waiting = bytearray()
        self._ended = False

    def connection_made(self, channel: object) -> None:
        self._channel = channel

    def session_started(self) -> None:
        self.resume_writing()

    def data_received(self, data: bytes, _kind: int | None) -> None:
        if not self._waiting:
            try:
                data = data[self._far.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                self._channel.abort()
                return
        if data:
            if not self._waiting:
                self._channel.pause_reading()
                self._loop.add_writer(self._number, self._drain)
            self._waiting += data

    def _drain(self) -> None:
        try:
            del self._waiting[: self._far.send(self._waiting)]
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()
        if not self._waiting:
            self._loop.remove_writer(self._number)
            if self._ended:
                self._far.close()
            else:
                self._channel.resume_reading()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._loop.remove_reader(self._number)

    def resume_writing(self) -> None:
        if not self._ended:
            self._loop.add_reader(self._number, self._from_near)

    def _from_near(self) -> None:
        try:
            data = self._far.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._channel.write(data)
        else:
            self._loop.remove_reader(self._number)
            self._channel.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._ended = True
        self._loop.remove_reader(self._number)
        if not self._waiting:
            self._loop.remove_writer(self._number)
            self._far.close()

    def close(self) -> None:
        """Drop both ends when nothing was handed out."""
        self.near.close()
        self._loop.call_soon_threadsafe(self.connection_lost, None)
