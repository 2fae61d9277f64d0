"""A plain socket into a TLS session: the ssl module wraps only real sockets, and TLS to a proxy carries TLS within."""

from __future__ import annotations

import select
import socket
import ssl
import threading


def tunnel(outer: ssl.SSLSocket) -> socket.socket:
    """A socket whose bytes travel inside `outer`. Closing it ends the session; one thread carries both ways."""
    near, far = socket.socketpair()
    for sock in (outer, far):
        sock.setblocking(False)
    threading.Thread(target=_carry, args=(outer, far), daemon=True).start()
    return near


def _carry(outer: ssl.SSLSocket, far: socket.socket) -> None:
    with outer, far:
        try:
            while _pass_on(outer, far) and _pass_on(far, outer):
                if not outer.pending():
                    select.select([outer, far], [], [])
        except OSError:
            pass


def _pass_on(source: socket.socket, sink: socket.socket) -> bool:
    """Hand on what is there; False at the end of the stream."""
    try:
        data = source.recv(16384)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    view = memoryview(data)
    while view:
        try:
            view = view[sink.send(view) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            select.select([], [sink], [])
        except ssl.SSLWantReadError:
            select.select([sink], [], [])
    return bool(data)
