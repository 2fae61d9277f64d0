"""What keeps a climb from its first step: a failed connect, and proxies that a program cannot use."""

from __future__ import annotations

import socket

from anywhere.hosts.base import NotPermitted, ProbeSpec
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.model import Reason
from anywhere.redact import MASK


def bare_user(spec: ProbeSpec, proxy: ProxyUrl) -> bool:
    """Whether a channel goes out without the user of the proxy's URL, since no password stands there."""
    # What a bundle shows of a user with a password is one mask.
    bare = ":" not in proxy.userinfo and proxy.userinfo != MASK
    return spec.scheme == "wss" and spec.client not in ("", "installer") and bare


def channel_refuses(spec: ProbeSpec, proxy: ProxyUrl) -> str:
    """Why the agents' WebSocket library cannot use a proxy that their API calls may use; empty when it can.

    Source: gorilla/websocket x_net_proxy.go (proxy_FromURL), proxy.go; 1.4.2 and 1.5.0.
    """
    if spec.client in ("", "installer"):
        return ""
    if proxy.scheme not in ("http", "socks5"):
        return f"the agents' WebSocket library does not know the proxy scheme {proxy.scheme}: write http://"
    if proxy.bare_ipv6:
        return "the agents' WebSocket library wants the proxy's IPv6 address in brackets: write http://[ADDRESS]:PORT"
    if not proxy.port and (proxy.scheme == "socks5" or proxy.bare_colon):
        kind = "a socks5 proxy" if proxy.scheme == "socks5" else "a proxy whose URL has a colon"
        return f"the agents' WebSocket library wants the port of {kind} written out"
    if not proxy.host.isascii():
        return "the agents' WebSocket library looks the proxy's name up unchanged: write its ASCII form (xn--)"
    return ""


def connect_reason(error: OSError) -> tuple[Reason, str]:
    """What a failed connect means."""
    import errno

    if isinstance(error, socket.gaierror):
        return Reason.NAME_UNKNOWN, error.strerror or str(error)
    if isinstance(error, TimeoutError):
        return Reason.TIMEOUT, "timed out: packets are dropped silently"
    if isinstance(error, ConnectionRefusedError):
        return Reason.REFUSED, "connection refused"
    if isinstance(error, NotPermitted):
        return Reason.NOT_PERMITTED, error.strerror or str(error)
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL):
        return Reason.UNREACHABLE, error.strerror or str(error)
    return Reason.REFUSED if isinstance(error, ConnectionError) else Reason.UNREACHABLE, str(error)
