"""Waiting for sockets: by poll, and by select where the system (Windows) has nothing else for them."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Sequence

from anywhere.windows import IS_WINDOWS

TCP_CORK: int | None = getattr(socket, "TCP_CORK", None)
TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
AF_UNIX: int | None = getattr(socket, "AF_UNIX", None)
# What connect says while it goes on. Elsewhere than on Windows EWOULDBLOCK says that no local port is free.
UNDER_WAY = (0, errno.EINPROGRESS, *((errno.EWOULDBLOCK,) if IS_WINDOWS else ()))


def ready(sockets: Sequence[socket.socket], seconds: float, *, to_write: bool = False) -> socket.socket | None:
    """The first of the sockets that can be read, or written, or has failed; None when the time is over."""
    seconds = max(0.0, seconds)
    if IS_WINDOWS:
        wanted = list(sockets)
        # A connection that was refused is ready neither to be read nor to be written there.
        readable, writable, failed = select.select(
            [] if to_write else wanted, wanted if to_write else [], wanted, seconds
        )
        return next(iter([*failed, *writable, *readable]), None)
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLOUT if to_write else select.POLLIN)
    found = poll.poll(seconds * 1000)
    return next(one for one in sockets if one.fileno() == found[0][0]) if found else None
