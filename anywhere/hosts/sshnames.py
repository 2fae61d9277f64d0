"""Names as the far side sees them: its own resolver by getent, its nameservers over TCP through a channel.

UDP cannot pass through SSH. So a nameserver that answers UDP only looks silent here; `Answer.tcp_reason` tells.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from anywhere.hosts import batch
from anywhere.hosts.base import Answer, Query
from anywhere.hosts.nameserver import UDP_SIZE, ask, judge, merge
from anywhere.hosts.remoteshell import KILLED, Shell
from anywhere.hosts.together import Slot, Together
from anywhere.model import Reason

if TYPE_CHECKING:
    import dns.rdatatype

LONGEST = 6.5  # seconds that getent may take, its own limit over there included
QUICK = 0.35  # seconds: a refusal this fast may be asked once more without holding up sshd
PIPELINE = 0.7  # seconds to connect, and as many again for all replies, before names are asked one by one
NOT_FOUND = 2  # getent's exit code for a name without an address
Dial = Callable[[str, int, float], socket.socket]


class SystemNames:
    """The system's resolver: all names of one moment by one command."""

    def __init__(self, shell: Shell, dial: Dial) -> None:
        self._shell, self._dial = shell, dial
        self._together: Together[Answer] = Together(self._work)

    def ask(self, name: str, seconds: float) -> Answer:
        """The addresses of a name, or why there are none."""
        answer = self._together.ask(name, seconds)
        if answer is None:
            return Answer(name, "system", (), Reason.NAMESERVER_TIMEOUT, "no answer", seconds=seconds)
        if answer.reason is Reason.NAME_UNKNOWN:
            return self._why(answer)
        return answer

    def _work(self, slots: Sequence[Slot[Answer]]) -> None:
        started = time.monotonic()
        mark = batch.token()
        asked: dict[str, list[Slot[Answer]]] = {}
        for slot in slots:
            asked.setdefault(slot.question, []).append(slot)
        unread = bytearray()

        def sink(data: bytes) -> None:
            unread.extend(data)
            for name, rc, addresses in take_names(mark, unread):
                for slot in asked.get(name, ()):
                    slot.set(_answer(name, rc, addresses, time.monotonic() - started))

        self._shell.plain(mark, [batch.name_line(name) for name in asked], LONGEST, sink)

    def _why(self, answer: Answer) -> Answer:
        """getent does not say why it found nothing, but sshd does when it is to connect to a name (gai_strerror)."""
        unsure = replace(answer, reason=Reason.SERVER_FAILURE, detail="getent found nothing, and does not say why")
        if answer.seconds > QUICK:
            return unsure
        try:
            self._dial(answer.name, 443, QUICK).close()
        except socket.gaierror as error:
            reason = Reason.SERVER_FAILURE if error.errno == socket.EAI_AGAIN else Reason.NAME_UNKNOWN
            return replace(answer, reason=reason, detail=error.strerror or "")
        except OSError:
            return unsure
        return unsure


def take_names(mark: str, output: bytearray) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Removes the complete records of `look_up` from the output: name, exit code of getent, addresses."""
    word = re.escape(mark.encode())
    record = re.compile(rb"\n" + word + rb" (\d{1,3}) ([^\n]*)\n(.*?)\n\n" + word + rb" end\n", re.DOTALL)
    while found := record.search(output):
        rc, name, text = (part.decode("utf-8", "replace") for part in found.groups())
        del output[: found.end()]
        addresses = (line.split()[0].partition("%")[0] for line in text.splitlines() if line.strip())
        yield name, int(rc), tuple(dict.fromkeys(addresses))


def _answer(name: str, rc: int, addresses: tuple[str, ...], seconds: float) -> Answer:
    if addresses:
        return Answer(name, "system", addresses, seconds=seconds)
    if rc in (KILLED, 124):
        return Answer(name, "system", (), Reason.NAMESERVER_TIMEOUT, "no answer", seconds=seconds)
    if rc in (126, 127):
        return Answer(name, "system", (), Reason.NOT_PERMITTED, "the host has no getent", seconds=seconds)
    return Answer(name, "system", (), Reason.NAME_UNKNOWN, f"getent: {rc}", seconds=seconds)


class ServerNames:
    """One nameserver: all names of one moment over one connection."""

    def __init__(self, server: str, dial: Dial) -> None:
        self._server, self._dial = server, dial
        self._together: Together[Answer] = Together(self._work)

    def ask(self, name: str, seconds: float) -> Answer:
        """A and AAAA of a name."""
        end = time.monotonic() + seconds
        answer = self._together.ask(name, seconds)
        # Some servers close after one query, or answer in order and stick at a slow one: then each name by itself.
        return answer or ask(Query(name, self._server), max(0.1, end - time.monotonic()), self._dial, udp=False)

    def _work(self, slots: Sequence[Slot[Answer]]) -> None:
        started = time.monotonic()
        try:
            sock = self._dial(self._server, 53, PIPELINE)
        except OSError as error:
            for slot in slots:
                slot.set(_unreached(slot.question, self._server, error, time.monotonic() - started))
            return
        with sock:
            try:
                _Pipeline(self._server, slots, started).run(sock, started + 2 * PIPELINE)
            except OSError:
                return


def _unreached(name: str, server: str, error: OSError, seconds: float) -> Answer:
    if getattr(error, "not_permitted", False):
        return Answer(name, server, (), Reason.NOT_PERMITTED, error.strerror or "", tcp_reason=Reason.NOT_PERMITTED)
    tcp = Reason.REFUSED if isinstance(error, ConnectionRefusedError) else Reason.TIMEOUT
    detail = f"TCP/53: {error.strerror or 'no answer'} (UDP/53 is not visible over SSH)"
    return Answer(name, server, (), Reason.NAMESERVER_TIMEOUT, detail, tcp_reason=tcp, seconds=seconds)


class _Pipeline:
    """Queries for A and AAAA of many names on one connection (RFC 7766), replies in any order."""

    def __init__(self, server: str, slots: Sequence[Slot[Answer]], started: float) -> None:
        self._server, self._started = server, started
        self._waiting: dict[int, tuple[Slot[Answer], dns.rdatatype.RdataType]] = {}
        self._parts: dict[int, list[Answer]] = {}
        self._slots = slots

    def run(self, sock: socket.socket, end: float) -> None:
        """Ask and read until all is answered. OSError (a timeout too) leaves the rest without an answer."""
        sock.sendall(self._queries())
        data = bytearray()
        while self._waiting:
            sock.settimeout(max(0.01, end - time.monotonic()))
            piece = sock.recv(65536)
            if not piece:
                return
            data += piece
            while len(data) >= 2 and len(data) >= 2 + (size := int.from_bytes(data[:2], "big")):
                self._reply(bytes(data[2 : 2 + size]))
                del data[: 2 + size]

    def _queries(self) -> bytes:
        import dns.exception
        import dns.message
        import dns.rdatatype

        queries: list[bytes] = []
        for slot in self._slots:
            for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
                number = len(queries) + 1
                try:
                    query = dns.message.make_query(
                        slot.question.rstrip(".") + ".", kind, use_edns=0, payload=UDP_SIZE, id=number
                    )
                except dns.exception.DNSException:
                    break
                self._waiting[number] = (slot, kind)
                wire = query.to_wire()
                queries.append(len(wire).to_bytes(2, "big") + wire)
        return b"".join(queries)

    def _reply(self, wire: bytes) -> None:
        import dns.exception
        import dns.message

        slot, kind = self._waiting.pop(int.from_bytes(wire[:2], "big"), (None, None))
        if slot is None or kind is None:
            return
        query = Query(slot.question, self._server)
        try:
            part = judge(query, dns.message.from_wire(wire), kind, False)
        except (dns.exception.DNSException, ValueError) as error:
            part = Answer(slot.question, self._server, (), Reason.SERVER_FAILURE, str(error) or type(error).__name__)
        parts = self._parts.setdefault(id(slot), [])
        parts.append(part)
        if len(parts) == 2:
            parts.sort(key=lambda one: ":" in "".join(one.addresses))
            slot.set(merge(query, parts, time.monotonic() - self._started))
