"""The resolvers: UDP and TCP, as much of the protocol as a client of A and AAAA records sees."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
import time
from fnmatch import fnmatchcase
from typing import Any

from tests.region.machine import wire
from tests.region.names import find
from tests.region.world import NameServer, World

A, AAAA, OPT = 1, 28, 41
CNAME, FORMERR = 5, 1
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
EDNS = {"formerr": FORMERR, "denied": NXDOMAIN, "silent": None}
RESPONSE, TRUNCATED, DESIRED, AVAILABLE = 0x8000, 0x0200, 0x0100, 0x0080
TTL = 60


class Resolver:
    """One nameserver of the world."""

    def __init__(self, world: World, server: NameServer) -> None:
        self.world, self.server = world, server

    def start(self) -> None:
        """Listen in the caller's network namespace, and serve in threads."""
        if self.server.mode == "closed":
            return
        family = socket.AF_INET6 if ":" in self.server.address else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_FREEBIND", 15), 1)
        udp.bind((self.server.address, 53))
        threading.Thread(target=self._serve_udp, args=(udp,), daemon=True).start()
        if self.server.tcp:
            tcp = wire.listener(family, self.server.address, 53)
            wire.serve(self._serve_tcp, tcp)

    def _serve_udp(self, udp: socket.socket) -> None:
        while True:
            query, client = udp.recvfrom(4096)
            if not self.server.delay:
                self._answer_udp(udp, query, client)
                continue
            later = threading.Timer(self.server.delay, self._answer_udp, (udp, query, client))
            later.daemon = True
            later.start()

    def _answer_udp(self, udp: socket.socket, query: bytes, client: Any) -> None:
        try:
            answer = self.answer(query, is_udp=True)
            if answer:
                udp.sendto(answer, client)
        except (OSError, ValueError, struct.error):
            pass  # The client went away, or sent what is no question.

    def _serve_tcp(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while len(size := stream.read(2)) == 2:
                answer = self.answer(stream.read(struct.unpack("!H", size)[0]), is_udp=False)
                time.sleep(self.server.delay)
                if answer:
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    def answer(self, query: bytes, is_udp: bool) -> bytes:
        """The answer to one message, empty for none."""
        if self.server.mode == "silent" or len(query) < 17:
            return b""
        name, kind, end = question(query)
        said = EDNS.get(self.server.edns, NOERROR) if query[10:12] != b"\0\0" else NOERROR
        if kind == AAAA and self.server.refuses_ipv6:
            said = REFUSED
        if said is None:
            return b""
        if said:
            return query[:2] + struct.pack("!HHHHH", RESPONSE | said, 1, 0, 0, 0) + query[12:end]
        if any(fnmatchcase(name, one) for one in self.server.loops):
            alias = struct.pack("!HHHIH", 0xC00C, CNAME, 1, TTL, 2) + b"\xc0\x0c"
            return query[:2] + struct.pack("!HHHHH", RESPONSE | AVAILABLE, 1, 1, 0, 0) + query[12:end] + alias
        code, addresses = self.look_up(name)
        is_cut = is_udp and any(fnmatchcase(name, one) for one in self.server.truncated)
        version = {A: 4, AAAA: 6}.get(kind)
        found = [ipaddress.ip_address(one) for one in addresses]
        records = [] if is_cut else [one.packed for one in found if one.version == version]
        flags = RESPONSE | AVAILABLE | (struct.unpack("!H", query[2:4])[0] & DESIRED) | (TRUNCATED if is_cut else 0)
        extra = b"\0" + struct.pack("!HHIH", OPT, 1232, 0, 0) if query[10:12] != b"\0\0" else b""
        head = query[:2] + struct.pack("!HHHHH", flags | code, 1, len(records), 0, 1 if extra else 0)
        body = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, TTL, len(one)) + one for one in records)
        return head + query[12:end] + body + extra

    def look_up(self, name: str) -> tuple[int, list[str]]:
        """The response code and all addresses of a name, as this server sees it."""
        server = self.server
        modes = {"servfail": SERVFAIL, "refused": REFUSED}
        if server.mode in modes:
            return modes[server.mode], []
        for patterns, code in (
            (server.failing, SERVFAIL),
            (server.refused, REFUSED),
            (server.hidden, NXDOMAIN),
            (server.empty, NOERROR),
        ):
            if any(fnmatchcase(name, one) for one in patterns):
                return code, []
        for pattern, turns in server.rotating.items():
            if fnmatchcase(name, pattern):
                turns.append(turns.pop(0))
                return NOERROR, turns[:1]
        for pattern, addresses in server.forged.items():
            if fnmatchcase(name, pattern):
                return NOERROR, addresses
        is_private = any(fnmatchcase(name, one) for one in server.private)
        if name in (self.world.host.hostname, "localhost"):
            return NOERROR, []
        return (NOERROR, self.world.records(name, is_private)) if find(self.world.names, name) else (NXDOMAIN, [])


def question(query: bytes) -> tuple[str, int, int]:
    """The name, the type and where the question ends. A name that is cut off reads as far as it goes."""
    labels, place = [], 12
    while place < len(query) and query[place]:
        labels.append(query[place + 1 : place + 1 + query[place]])
        place += 1 + query[place]
    name = b".".join(labels).decode("ascii", "replace").lower()
    kind = struct.unpack("!H", query[place + 1 : place + 3])[0] if len(query) >= place + 5 else 0
    return name, kind, place + 5
