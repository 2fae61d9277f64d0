"""Logins alone, by asyncssh without this program: what a check of the same hosts can be measured against, and what no check
by that library can go below. Run in the hosts' network: KEY PORT HOSTS NAME=ADDRESS..."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Sequence
from typing import Any

import asyncssh

PARALLEL = 16
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE


class Request:
    """One TLS handshake and one GET over a channel, in asyncssh's sense a session."""

    def __init__(self, name: str, answered: asyncio.Future[None]) -> None:
        self._name, self._answered = name, answered
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = CONTEXT.wrap_bio(self._in, self._out, server_hostname=name)
        self._channel: Any = None
        self._asked = False

    def connection_made(self, channel: object) -> None:
        self._channel = channel

    def session_started(self) -> None:
        self._go_on()

    def data_received(self, data: bytes, _kind: int | None) -> None:
        self._in.write(data)
        self._go_on()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(error or ConnectionError(f"{self._name}: no answer"))

    def _go_on(self) -> None:
        try:
            if not self._asked:
                self._tls.do_handshake()
                self._tls.write(f"GET / HTTP/1.1\r\nHost: {self._name}\r\n\r\n".encode())
                self._asked = True
            if self._tls.read(65536) and not self._answered.done():
                self._answered.set_result(None)
                self._channel.close()
        except ssl.SSLWantReadError:
            pass
        if self._out.pending:
            self._channel.write(self._out.read())


async def request(connection: Any, name: str, address: str) -> None:
    """One endpoint, through the host."""
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await connection.create_connection(lambda: Request(name, answered), address, 443)
    await answered


async def visit(place: asyncio.Semaphore, host: str, port: int, key: str, names: Sequence[str]) -> None:
    """Log in, run one command, and ask these endpoints."""
    async with place:
        more: dict[str, Any] = {"username": "root", "client_keys": [key], "known_hosts": None, "config": None}
        async with asyncssh.connect(host, port, **more) as connection:
            await connection.run("true", check=True)
            await asyncio.gather(*(request(connection, *name.split("=")) for name in names))


async def main(key: str, port: str, hosts: str, *names: str) -> None:
    """All hosts, so many at once."""
    place = asyncio.Semaphore(PARALLEL)
    each = (f"127.1.{n // 200}.{n % 200 + 1}" for n in range(int(hosts)))
    await asyncio.gather(*(visit(place, host, int(port), key, names) for host in each))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
