"""DNS to one nameserver of the far side: many queries on one TCP connection through a channel, or datagrams by bash."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Sequence

from anywhere.hosts.base import Answer, NotPermitted, Query
from anywhere.hosts.probe.dns import ask, merge
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.names.coalesce import Slot
from anywhere.hosts.ssh.names.messages import questions, read
from anywhere.hosts.ssh.names.records import run_records
from anywhere.hosts.ssh.shell import Shell
from anywhere.model import Reason

PIPELINE = 0.7  # seconds to connect, and as many again for all replies, before names are asked one by one
DATAGRAM = 3.0  # seconds for both tries
EACH = 1.0  # seconds for one try
NO_BASH = 127
MOST_NUMBER = 0xFF00  # of a question: the type's own is added
Dial = Callable[[str, int, float], socket.socket]


class Stream:
    """Queries of many names on one connection (RFC 7766), replies in any order."""

    def __init__(self, server: str, dial: Dial) -> None:
        self._server, self._dial = server, dial

    def alone(self, name: str, seconds: float) -> Answer:
        """One name on connections of its own."""
        return ask(Query(name, self._server), seconds, self._dial, udp=False)

    def work(self, slots: Sequence[Slot[Answer]]) -> None:
        """Answer all slots; one without a reply in time is left open."""
        started = time.monotonic()
        try:
            sock = self._dial(self._server, 53, PIPELINE)
        except OSError as error:
            for slot in slots:
                slot.set(self._unreached(slot.question, error, time.monotonic() - started))
            return
        with sock:
            try:
                self._exchange(sock, slots, started)
            except OSError:
                return

    def _unreached(self, name: str, error: OSError, seconds: float) -> Answer:
        said = error.strerror or "no answer"
        if isinstance(error, NotPermitted):
            return Answer(name, self._server, (), Reason.NOT_PERMITTED, said, tcp_reason=Reason.NOT_PERMITTED)
        tcp = Reason.REFUSED if isinstance(error, ConnectionRefusedError) else Reason.TIMEOUT
        return Answer(
            name, self._server, (), Reason.NAMESERVER_TIMEOUT, f"TCP/53: {said}", tcp_reason=tcp, seconds=seconds
        )

    def _exchange(self, sock: socket.socket, slots: Sequence[Slot[Answer]], started: float) -> None:
        waiting: dict[int, tuple[Slot[Answer], int]] = {}
        sent = bytearray()
        for slot in slots:
            for kind, wire in questions(slot.question, len(waiting) + 1).items():
                waiting[len(waiting) + 1] = (slot, kind)
                sent += len(wire).to_bytes(2, "big") + wire
        sock.sendall(sent)
        data = bytearray()
        while waiting:
            sock.settimeout(max(0.01, started + 2 * PIPELINE - time.monotonic()))
            piece = sock.recv(65536)
            if not piece:
                return
            data += piece
            for wire in take_messages(data):
                slot_kind = waiting.pop(int.from_bytes(wire[:2], "big"), None)
                if slot_kind:
                    self._received(*slot_kind, wire, started)

    def _received(self, slot: Slot[Answer], kind: int, wire: bytes, started: float) -> None:
        slot.parts[kind] = read(Query(slot.question, self._server), wire, kind)
        if len(slot.parts) == 2:
            parts = [part for _, part in sorted(slot.parts.items())]
            slot.set(merge(Query(slot.question, self._server), parts, time.monotonic() - started))


def take_messages(data: bytearray) -> list[bytes]:
    """Removes the whole messages from the start of a TCP stream: each has its length before it."""
    found = []
    while len(data) >= 2 and len(data) >= 2 + (size := int.from_bytes(data[:2], "big")):
        found.append(bytes(data[2 : 2 + size]))
        del data[: 2 + size]
    return found


def is_digits(text: str) -> bool:
    """Whether a record holds bytes in hexadecimal, or none: what else is printed in their place is no reply, and no silence."""
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True


class Datagrams:
    """Queries that the host itself sends by UDP, where it has bash: with EDNS, as Go programs do, and then without."""

    def __init__(self, server: str, shell: Shell, is_plain: Callable[[], bool]) -> None:
        self._server, self._shell, self._is_plain = server, shell, is_plain

    def work(self, slots: Sequence[Slot[Answer]]) -> None:
        """Answer all slots; none where the host has no bash."""
        started = time.monotonic()
        asked: dict[str, tuple[list[Slot[Answer]], int]] = {}
        lines = []
        for name in dict.fromkeys(slot.question for slot in slots):
            number = secrets.randbelow(MOST_NUMBER)
            first = questions(name, number, edns=not self._is_plain())
            for kind, wire in questions(name, number).items():
                key = f"{name} {kind}"
                asked[key] = ([slot for slot in slots if slot.question == name], kind)
                lines.append(script.udp_line(key, self._server, EACH, [[first[kind]], [wire]]))

        def answered(key: str, rc: int, digits: str) -> None:
            if rc != NO_BASH and key in asked and is_digits(digits):
                self._received(*asked[key], digits, time.monotonic() - started)

        run_records(self._shell, lines, DATAGRAM, answered)

    def _received(self, slots: Sequence[Slot[Answer]], kind: int, digits: str, seconds: float) -> None:
        for slot in slots:
            query = Query(slot.question, self._server)
            silent = Answer(slot.question, self._server, (), Reason.NAMESERVER_TIMEOUT, "no answer over UDP")
            slot.parts[kind] = read(query, bytes.fromhex(digits), kind) if digits else silent
            if len(slot.parts) == 2:
                slot.set(merge(query, [part for _, part in sorted(slot.parts.items())], seconds))
