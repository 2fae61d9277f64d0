"""Servers on loopback that behave well or badly, for tests of what dials them."""

from __future__ import annotations

import base64
import hashlib
import select
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import trustme

from anywhere.hosts.base import Deadline, Probe, ProbeSpec
from anywhere.hosts.probe.ladder import Ladder
from anywhere.hosts.probe.tcp import open_tcp
from anywhere.hosts.probe.tls import Contexts

HOST = "ecs.us-east-1.amazonaws.com"
Handler = Callable[[socket.socket], object]
REFUSAL = (
    "HTTP/1.1 403 Forbidden\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n"
    "x-amzn-RequestId: 1\r\nContent-Length: 2\r\n\r\n{}"
)


class Server:
    """A listener on a free port of 127.0.0.1 that gives each connection to `handler` in a thread of its own."""

    def __init__(self, handler: Handler, backlog: int = 64) -> None:
        self.handler = handler
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port: int = self.listener.getsockname()[1]

    def __enter__(self) -> Server:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._handle, args=(sock,), daemon=True).start()

    def _handle(self, sock: socket.socket) -> None:
        with sock:
            try:
                self.handler(sock)
            except (OSError, ValueError):
                pass


def silent(sock: socket.socket) -> None:
    """Never say a word, until the client leaves."""
    while sock.recv(65536):
        pass


def reset(sock: socket.socket) -> None:
    """Read what comes first, then cut the connection with a reset."""
    sock.recv(65536)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def says(data: bytes | str, *, after: int = 1) -> Handler:
    """Wait for the first bytes, then say this and close."""

    def handler(sock: socket.socket) -> None:
        if after:
            sock.recv(65536)
        sock.sendall(data.encode() if isinstance(data, str) else data)

    return handler


def drips(data: bytes, every: float = 1.0) -> Handler:
    """One byte at a time."""

    def handler(sock: socket.socket) -> None:
        sock.recv(65536)
        for place in range(len(data)):
            sock.sendall(data[place : place + 1])
            time.sleep(every)

    return handler


def read_request(sock: socket.socket) -> bytes:
    """A request's head."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise ConnectionError("the client left")
        data += more
    return data


def switching(request: bytes) -> bytes:
    """The answer that opens the WebSocket that this request asks for (RFC 6455)."""
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")).split()[1]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    head = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    return f"HTTP/1.1 101 Switching Protocols\r\n{head}".encode()


def https(context: ssl.SSLContext, answer: str | Handler = REFUSAL) -> Handler:
    """TLS, then one request and this answer, or another handler behind TLS."""

    def handler(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as tls:
            if callable(answer):
                answer(tls)
                return
            read_request(tls)
            tls.sendall(answer.encode())

    return handler


def proxy(
    port: int, answer: str = "HTTP/1.1 200 Connection established\r\n\r\n", seen: list[bytes] | None = None
) -> Handler:
    """An HTTP proxy that answers CONNECT so; 200 leads to `port` of loopback, whatever was asked for."""

    def handler(sock: socket.socket) -> None:
        request = read_request(sock)
        if seen is not None:
            seen.append(request)
        sock.sendall(answer.encode())
        if " 200 " in answer:
            with socket.create_connection(("127.0.0.1", port)) as far:
                relay(sock, far)

    return handler


def relay(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until either side leaves."""
    while True:
        if not any(isinstance(sock, ssl.SSLSocket) and sock.pending() for sock in (one, other)):
            select.select([one, other], [], [], 10)
        for source, sink in ((one, other), (other, one)):
            source.setblocking(False)
            try:
                data = source.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            if not data:
                return
            sink.setblocking(True)
            sink.sendall(data)


def context(leaf: trustme.LeafCert, *, whole: bool = True) -> ssl.SSLContext:
    """A server's context with this certificate, without its intermediates unless `whole`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    parts = leaf.cert_chain_pems if whole else leaf.cert_chain_pems[:1]
    pem = leaf.private_key_pem.bytes() + b"".join(part.bytes() for part in parts)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(pem)
        made.load_cert_chain(file.name)
    return made


def ladder(trusted: str, budget: float = 6.0) -> Ladder:
    """A ladder over real sockets that trusts these certificates."""
    return Ladder(open_tcp, Contexts(lambda _: trusted.encode()), Deadline(budget), budget, time.time)


def climb(ladder: Ladder, port: int, **changes: object) -> Probe:
    """One climb to a port of loopback."""
    spec = {"host": HOST, "port": port, "address": "127.0.0.1", **changes}
    return ladder.climb(ProbeSpec(**spec))
