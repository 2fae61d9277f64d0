"""TCP connections from this machine: tried again beside the first try, so that one lost packet costs little."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time

from anywhere.hosts.probe.waiting import AF_UNIX, TCP_INFO, UNDER_WAY, ready
from anywhere.windows import IS_WINDOWS

# Seconds after the start at which another try is made beside the first. The kernel itself asks again after 1 s only; of a
# path that loses three packets in ten, one try in the time of a step would often get nothing.
AGAIN = (0.3, 0.6, 1.0, 1.4, 1.9)


class Dialled(socket.socket):
    """A connection; `lost` tries were made before it without an answer in their time. `far` is one that another machine
    opens for us: only these tries tell what is lost on its way."""

    lost = 0
    far = False


def open_tcp(address: str, port: int, timeout: float, mss: int) -> Dialled:
    """A connected TCP socket to a literal address. Raises OSError as the kernel says."""
    if not address:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    # The flag keeps the C library from asking a nameserver: only literal addresses are dialled.
    found = socket.getaddrinfo(address, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    family, _, _, _, target = found[0]
    tries: list[Dialled] = []
    try:
        chosen = _race(family, target, timeout, mss, tries)
        chosen.lost = len(tries) - 1
        tries.remove(chosen)
    finally:
        for sock in tries:
            sock.close()
    chosen.settimeout(timeout)
    return chosen


def _race(family: int, target: object, timeout: float, mss: int, tries: list[Dialled]) -> Dialled:
    """The first try that is answered: by a connection, or by a refusal, which counts as well.

    What is there is looked at before the clock: a process that was kept waiting must not take its own wait for the
    network's.
    """
    started = time.monotonic()
    due = [0.0, *AGAIN]
    wait = 0.0
    while True:
        if answered := ready(tries, wait, to_write=True) if tries else None:
            return _result(next(one for one in tries if one is answered))
        passed = time.monotonic() - started
        if passed >= timeout and tries:
            raise TimeoutError("timed out")
        if due and passed >= due[0]:
            due = [later for later in due if later > passed]
            try:
                tries.append(_start(family, target, mss))
            except OSError:
                if not tries:
                    raise  # Otherwise the first try is still out: what keeps another from starting says nothing of it.
        wait = min(timeout, due[0] if due else timeout) - (time.monotonic() - started)


def _result(sock: Dialled) -> Dialled:
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    # A reset came after the connection was made, however late this process looks: whoever uses it next meets it.
    if code and code != errno.ECONNRESET:
        raise OSError(code, os.strerror(code))
    return sock


def _start(family: int, target: object, mss: int) -> Dialled:
    sock = Dialled(family, socket.SOCK_STREAM)
    try:
        if mss:
            clamp(sock, mss)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(target)  # type: ignore[arg-type]  # an address as getaddrinfo gave it, of either family
        if code not in UNDER_WAY:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def clamp(sock: socket.socket, mss: int) -> None:
    """Ask the far end for segments of at most `mss` bytes, before connecting."""
    if not IS_WINDOWS:  # which has a name for it and refuses it
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)


# linux/tcp.h, struct tcp_info: path MTU, what this end announces as its segments' size, retransmissions, data segments.
_PMTU, _ADVMSS, _RESENT, _SENT = 60, 84, 100, 156


def segments(sock: socket.socket) -> tuple[int, int]:
    """How many segments a connection sent that want an answer, and how many of them were sent again; (0, 0) where the
    kernel does not tell, or where some had to be sent again because they were too large for the path."""
    if TCP_INFO is None:
        return 0, 0
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 256)
        pmtu, announced, resent, sent = (
            struct.unpack_from("=I", info, at)[0] for at in (_PMTU, _ADVMSS, _RESENT, _SENT)
        )
    except (OSError, struct.error):
        return 0, 0
    return (0, 0) if pmtu < announced + 40 else (sent + 1, resent)


def is_reset(sock: socket.socket, seconds: float) -> bool:
    """Whether the far end resets the connection within this time. It is asked below TLS: the ssl module tells a reset as
    an end of file. A channel of SSH's (its near end is no TCP socket) ends the same by a reset and without one: there a
    bare end, before the closing word of TLS, counts as a reset."""
    try:
        if ready((sock,), seconds):
            return not socket.socket.recv(sock, 1, socket.MSG_PEEK) and sock.family == AF_UNIX
    except ConnectionResetError:
        return True
    except OSError:
        pass
    return False
