"""SOCKS5 as a client (RFC 1928, RFC 1929): Go programs speak it to a proxy whose URL says socks5://."""

from __future__ import annotations

import socket
import time

from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.model import Reason

VERSION, NO_SIGN_IN, PASSWORD = 5, 0, 2
NOT_ALLOWED = 2
REPLIES = {1: "general failure", 2: "not allowed by its rules", 3: "network unreachable", 4: "host unreachable",
           5: "connection refused", 6: "TTL expired", 7: "command not supported", 8: "address type not supported"}  # fmt: skip
ADDRESS_LENGTHS = {1: 4, 4: 16}


class Refused(Exception):
    """The proxy does not open the tunnel: why, and in its words."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def ask(sock: socket.socket, host: str, port: int, proxy: ProxyUrl, end: float) -> None:
    """Open a tunnel to a name that the proxy resolves. Raises Refused, OSError and TimeoutError."""
    _greet(sock, proxy, end)
    name = host.encode("ascii", "replace")[:255]
    sock.sendall(bytes((VERSION, 1, 0, 3, len(name))) + name + port.to_bytes(2, "big"))
    _, code, _, kind = _take(sock, 4, end)
    if code:
        reason = Reason.PROXY_DENIED if code == NOT_ALLOWED else Reason.PROXY_ERROR
        raise Refused(reason, f"SOCKS5: {REPLIES.get(code, f'reply {code}')}")
    _take(sock, (ADDRESS_LENGTHS.get(kind) or _take(sock, 1, end)[0]) + 2, end)


def _greet(sock: socket.socket, proxy: ProxyUrl, end: float) -> None:
    methods = (NO_SIGN_IN, PASSWORD) if proxy.user else (NO_SIGN_IN,)
    sock.sendall(bytes((VERSION, len(methods), *methods)))
    version, method = _take(sock, 2, end)
    if version != VERSION:
        raise Refused(Reason.PROXY_ERROR, "what answers does not speak SOCKS5")
    if method == PASSWORD and proxy.user:
        words = [one[:255] for one in proxy.credentials]
        sock.sendall(b"\1" + b"".join(bytes((len(word),)) + word for word in words))
        if _take(sock, 2, end)[1]:
            raise Refused(Reason.PROXY_AUTH_REQUIRED, "SOCKS5: user and password are not accepted")
    elif method != NO_SIGN_IN:
        raise Refused(Reason.PROXY_AUTH_REQUIRED, "SOCKS5: it asks for a user and password")


def _take(sock: socket.socket, size: int, end: float) -> bytes:
    data = b""
    while len(data) < size:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time left")
        sock.settimeout(left)
        more = sock.recv(size - len(data))
        if not more:
            raise Refused(Reason.PROXY_ERROR, "no answer in SOCKS5: connection closed")
        data += more
    return data
