"""A device in the path: it takes each connection, reads the ClientHello, and resets, stalls or passes it on."""

from __future__ import annotations

import socket
import struct
import time
from fnmatch import fnmatchcase

from tests.region.machine import kernel, wire
from tests.region.world import Middlebox

SO_ORIGINAL_DST = 80
SOL_IPV6, SOL_IP = 41, 0
HELLO_PATIENCE = 10.0


class Device:
    """The middlebox of the world. Its connections onward are made in the router's namespace."""

    def __init__(self, box: Middlebox, network: str) -> None:
        self.box, self.network = box, network

    def handle(self, connection: socket.socket) -> None:
        """One connection, redirected here by the router."""
        target = destination(connection)
        connection.settimeout(HELLO_PATIENCE)
        hello = connection.recv(65536)
        too_large = self.box.largest and int.from_bytes(hello[3:5], "big") > self.box.largest
        if hello and (too_large or any(fnmatchcase(server_name(hello), one) for one in self.box.names)):
            if self.box.act == "reset":
                wire.reset(connection)
                return
            if self.box.act == "stall":
                wire.hold(connection)
                return
        connection.settimeout(None)
        time.sleep(self.box.delay)
        kernel.enter(self.network)
        with socket.create_connection(target, 10) as far:
            far.settimeout(None)
            far.sendall(hello)
            wire.relay(connection, far)


def destination(connection: socket.socket) -> tuple[str, int]:
    """Where the client wanted to go before the redirect."""
    if connection.family == socket.AF_INET6 and not connection.getsockname()[0].startswith("::ffff:"):
        raw = connection.getsockopt(SOL_IPV6, SO_ORIGINAL_DST, 28)
        return socket.inet_ntop(socket.AF_INET6, raw[8:24]), struct.unpack("!H", raw[2:4])[0]
    raw = connection.getsockopt(SOL_IP, SO_ORIGINAL_DST, 16)
    return socket.inet_ntoa(raw[4:8]), struct.unpack("!H", raw[2:4])[0]


def server_name(hello: bytes) -> str:
    """The name in a ClientHello, empty when there is none or it is something else."""
    try:
        place = 43 + 1 + hello[43]
        place += 2 + struct.unpack("!H", hello[place : place + 2])[0]
        place += 1 + hello[place]
        end = place + 2 + struct.unpack("!H", hello[place : place + 2])[0]
        place += 2
        while place < end:
            kind, length = struct.unpack("!HH", hello[place : place + 4])
            if kind == 0:
                return hello[place + 9 : place + 4 + length].decode("ascii")
            place += 4 + length
    except (IndexError, struct.error, UnicodeDecodeError):
        pass
    return ""
