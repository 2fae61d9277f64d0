"""Asks one nameserver directly, as the stub resolvers do: UDP, then TCP when the answer was cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from anywhere.hosts.base import Answer, NotPermitted, Query
from anywhere.hosts.bounds import kept_addresses
from anywhere.hosts.probe.waiting import ready
from anywhere.model import Reason
from anywhere.threads import fan_out

if TYPE_CHECKING:
    import dns.message
    import dns.rdatatype

PORT = 53
UDP_SIZE = 1232  # what Go's resolver and current glibc offer by EDNS
# Seconds to wait for each try: lost packets must not look like a dead server, also on a path that loses three of ten.
TRIES = (0.25, 0.3, 0.35, 0.4, 0.4, 0.3)
TCP_WAIT = 2.0
MOST_BYTES = 65535
WITH_EDNS = 3  # of these; then without, as old servers and filters want it
NO_SUCH_NAME = "NXDOMAIN"

# The library's modules import each other: of two threads that do so at once, one can see a module half made.
_IMPORTING = threading.Lock()
OpenTcp = Callable[[str, int, float], socket.socket]


def ask(query: Query, timeout: float, open_tcp: OpenTcp, *, udp: bool = True) -> Answer:
    """A and AAAA of a name from `query.server`. Over SSH only TCP is possible (`udp` False)."""
    with _IMPORTING:
        import dns.message
        import dns.rdatatype

    started = time.monotonic()
    end = started + timeout
    kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
    if query.wait:
        parts = fan_out([partial(_ask_type, query, kind, end, open_tcp, udp) for kind in kinds])
        return merge(query, parts, time.monotonic() - started)
    parts = []
    for kind in kinds:
        had_time = end - time.monotonic() >= min(sum(TRIES), timeout * 0.9)
        part = _ask_type(query, kind, end, open_tcp, udp)
        parts.append(part if had_time else replace(part, late=True))
    return merge(query, parts, time.monotonic() - started)


def merge(query: Query, parts: Sequence[Answer], seconds: float) -> Answer:
    """One answer of those for A and for AAAA: the worse reason counts, but a name that does not exist has neither kind."""
    addresses, many = kept_addresses(tuple(address for part in parts for address in part.addresses))
    worst = next((part for part in parts if part.reason not in (None, Reason.NAME_UNKNOWN)), None)
    denied = next((part for part in parts if part.detail == NO_SUCH_NAME), None)
    chosen = denied or worst or next((part for part in parts if part.reason), parts[0])
    return Answer(
        query.name,
        query.server,
        addresses,
        None if addresses else chosen.reason or Reason.NAME_UNKNOWN,
        many or chosen.detail,
        any(part.truncated for part in parts),
        next((part.tcp_reason for part in parts if part.tcp_reason), None),
        seconds,
        worst.reason if addresses and worst and not worst.late else None,
        plain=any(part.plain for part in parts),
    )


def _ask_type(query: Query, kind: dns.rdatatype.RdataType, end: float, open_tcp: OpenTcp, udp: bool) -> Answer:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name

    def failed(reason: Reason, detail: str, truncated: bool = False, tcp: Reason | None = None) -> Answer:
        return Answer(query.name, query.server, (), reason, detail, truncated, tcp)

    try:
        name = dns.name.from_text(query.name)
    except dns.exception.DNSException as error:
        return failed(Reason.NAME_UNKNOWN, str(error))
    message = dns.message.make_query(name, kind, use_edns=0, payload=UDP_SIZE)
    without = dns.message.make_query(name, kind)
    plain = False
    reply: dns.message.Message | None = None
    if udp:
        try:
            reply, plain = _udp(message, without, query.server, end, (query.wait,) if query.wait else TRIES)
        except TimeoutError as error:
            return failed(Reason.NAMESERVER_TIMEOUT, str(error) or "no answer over UDP")
        except (OSError, ValueError, dns.exception.DNSException) as error:
            return failed(_udp_reason(error), str(error) or type(error).__name__)
    truncated = reply is not None and bool(reply.flags & dns.flags.TC)
    if reply is None or truncated:
        try:
            longest = query.wait or TCP_WAIT
            reply = _tcp(
                message if udp and not plain else without, query.server, min(longest, end - time.monotonic()), open_tcp
            )
        except (OSError, ValueError, EOFError, dns.exception.DNSException) as error:
            if isinstance(error, NotPermitted):
                return failed(Reason.NOT_PERMITTED, str(error), truncated, Reason.NOT_PERMITTED)
            tcp = Reason.REFUSED if isinstance(error, ConnectionRefusedError) else Reason.TIMEOUT
            if reply is None or not _addresses(reply, kind):
                return failed(Reason.NAMESERVER_TIMEOUT, f"TCP/53: {error}", truncated, tcp)
            return Answer(query.name, query.server, _addresses(reply, kind), None, "cut answer", True, tcp)
    return replace(judge(query, reply, kind, truncated), plain=plain)


def judge(query: Query, reply: dns.message.Message, kind: dns.rdatatype.RdataType, truncated: bool) -> Answer:
    """What a nameserver's reply means."""
    import dns.rcode

    rcode = reply.rcode()
    addresses = _addresses(reply, kind)
    if rcode == dns.rcode.NOERROR:
        reason = None if addresses else Reason.NAME_UNKNOWN
        return Answer(query.name, query.server, addresses, reason, "" if addresses else "no address", truncated)
    reason = Reason.NAME_UNKNOWN if rcode == dns.rcode.NXDOMAIN else Reason.SERVER_FAILURE
    return Answer(query.name, query.server, (), reason, dns.rcode.to_text(rcode), truncated)


def _addresses(reply: dns.message.Message, kind: dns.rdatatype.RdataType) -> tuple[str, ...]:
    return tuple(item.address for rrset in reply.answer if rrset.rdtype == kind for item in rrset)


def _udp(
    message: dns.message.Message, without: dns.message.Message, server: str, end: float, tries: Sequence[float]
) -> tuple[dns.message.Message, bool]:
    """The answer, and whether only the question without EDNS got it.

    Some tries over one connected socket: a closed port is seen at once, and a late answer to the first try counts."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    address = socket.getaddrinfo(server, PORT, family, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)[0][4]
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.setblocking(False)
        for number, patience in enumerate(tries):
            left = min(patience, end - time.monotonic())
            if left <= 0:
                break
            sock.send((message if number < WITH_EDNS else without).to_wire())
            found = _receive(sock, (message, without), left)
            if found and found[1] is message and _may_be_for_edns(found[0]):
                return _compared(found[0], sock, without, left)
            if found:
                return found[0], found[1] is without
    raise TimeoutError("no answer over UDP")


def _receive(
    sock: socket.socket, asked: Sequence[dns.message.Message], seconds: float
) -> tuple[dns.message.Message, dns.message.Message] | None:
    """The first answer to one of these questions, and to which: a slow server answers an earlier one. An answer to another
    question is none (Go net dnsclient_unix.go, checkResponse)."""
    import dns.message

    end = time.monotonic() + seconds
    while ready((sock,), end - time.monotonic()):
        reply = dns.message.from_wire(sock.recv(MOST_BYTES))
        if question := next((one for one in asked if one.is_response(reply)), None):
            return reply, question
    return None


def _may_be_for_edns(reply: dns.message.Message) -> bool:
    """Whether the answer may be due to EDNS: an error, or no IPv4 address, which most names have."""
    import dns.flags
    import dns.rcode
    import dns.rdatatype

    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return True
    asks_for_ipv4 = bool(reply.question) and reply.question[0].rdtype == dns.rdatatype.A
    return asks_for_ipv4 and not reply.answer and not reply.flags & dns.flags.TC


def _compared(
    reply: dns.message.Message, sock: socket.socket, without: dns.message.Message, seconds: float
) -> tuple[dns.message.Message, bool]:
    """The answer to the same question without EDNS, where it is another one."""
    sock.send(without.to_wire())
    found = _receive(sock, (without,), seconds)
    if found is None:
        return reply, False
    same = found[0].rcode() == reply.rcode() and bool(found[0].answer) == bool(reply.answer)
    return (reply, False) if same else (found[0], True)


def _tcp(message: dns.message.Message, server: str, left: float, open_tcp: OpenTcp) -> dns.message.Message:
    import dns.exception
    import dns.query

    if left <= 0:
        raise TimeoutError("no time left")
    with open_tcp(server, PORT, left) as sock:
        sock.setblocking(False)
        try:
            return dns.query.tcp(message, server, left, PORT, sock=sock)
        except dns.exception.Timeout as error:
            raise TimeoutError("no answer") from error


def _udp_reason(error: Exception) -> Reason:
    """A closed port or no route is a silent nameserver; rubbish in the answer is a failing one."""
    return Reason.NAMESERVER_TIMEOUT if isinstance(error, OSError) else Reason.SERVER_FAILURE
