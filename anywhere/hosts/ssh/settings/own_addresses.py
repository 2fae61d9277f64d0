"""The addresses of this computer's interfaces, for `Match localnetwork` and BindInterface (ssh_config(5))."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator

SIOCGIFADDR = 0x8915  # netdevice(7)
IPV6 = "/proc/net/if_inet6"


def own_addresses(interface: str = "") -> Iterator[str]:
    """IPv4 and IPv6, loopback included, of one interface or of all; none where this is no Linux."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for name in [interface] if interface else [name for _, name in socket.if_nameindex()]:
                with contextlib.suppress(OSError):
                    found = fcntl.ioctl(sock.fileno(), SIOCGIFADDR, name.encode()[:15].ljust(256, b"\0"))
                    yield socket.inet_ntoa(found[20:24])
    with contextlib.suppress(OSError, ValueError), open(IPV6, encoding="ascii") as file:
        for address, *_, name in map(str.split, file):
            if interface in ("", name):
                yield str(ipaddress.IPv6Address(bytes.fromhex(address)))
