"""Sockets as the servers here use them: a thread for each connection, and the ways to end one badly."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

BIGGEST_HEAD = 65536


def serve(handle: Callable[[socket.socket], None], *listeners: socket.socket) -> None:
    """Give each connection to `handle` in a thread of its own, which then owns and closes it."""
    for listener in listeners:
        threading.Thread(target=_accept, args=(listener, handle), daemon=True).start()


def _accept(listener: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection = listener.accept()[0]
        except ConnectionError:
            continue
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_guarded, args=(connection, handle), daemon=True).start()


def _guarded(connection: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    try:
        handle(connection)
    except (OSError, ValueError, IndexError, struct.error):
        pass  # The client went away, or sent what no server understands.
    finally:
        connection.close()


def everywhere(port: int, families: str) -> list[socket.socket]:
    """Listeners on every address of these families (`4`, `6`, `46`) in the caller's namespace."""
    known = {"4": (socket.AF_INET, ""), "6": (socket.AF_INET6, "::")}
    return [listener(*known[family], port) for family in families]


def listener(family: int, address: str, port: int) -> socket.socket:
    """A listening socket, also on an address that is not there yet."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_FREEBIND", 15), 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    sock.listen(512)
    return sock


def hold(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    connection.settimeout(None)
    while connection.recv(65536):
        pass


def reset(connection: socket.socket) -> None:
    """Close with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_head(connection: socket.socket, early: bytes = b"") -> tuple[bytes, bytes]:
    """An HTTP head and what came after it. An end of file gives what there was."""
    data = early
    while b"\r\n\r\n" not in data and len(data) < BIGGEST_HEAD:
        chunk = connection.recv(65536)
        if not chunk:
            return data, b""
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def header(head: bytes, name: str) -> str:
    """A header's value, empty when absent."""
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return ""


def headers(head: bytes) -> dict[str, str]:
    """All headers, with lower-case names; of repeated ones the last."""
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def read_body(connection: socket.socket, head: bytes, rest: bytes) -> tuple[bytes, bytes]:
    """The body that belongs to a head, and what came after it."""
    if "chunked" in header(head, "transfer-encoding").lower():
        return _read_chunks(connection, rest)
    length = int(header(head, "content-length") or 0)
    while len(rest) < length and (chunk := connection.recv(65536)):
        rest += chunk
    return rest[:length], rest[length:]


def _read_chunks(connection: socket.socket, rest: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        while b"\r\n" not in rest:
            rest += _more(connection)
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        while len(rest) < size + 2:
            rest += _more(connection)
        body, rest = body + rest[:size], rest[size + 2 :]
        if not size:
            return body, rest


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionError("the body ends too early")
    return chunk


def is_last(head: bytes) -> bool:
    """Whether the client wants the connection closed after this answer: it says so, or speaks HTTP/1.0."""
    wanted = header(head, "connection").lower()
    is_old = head.partition(b"\r\n")[0].rstrip().endswith(b"HTTP/1.0")
    return wanted == "close" or (is_old and wanted != "keep-alive")


def relay(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until both ends are done; closes both."""
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join()
    one.close()
    other.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
