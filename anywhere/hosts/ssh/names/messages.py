"""DNS messages of many hosts that ask the same: each question is encoded once in a run, each reply is decoded once."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from anywhere.hosts.base import Answer, Query
from anywhere.hosts.probe.dns import UDP_SIZE, judge
from anywhere.model import Reason

KINDS = A, AAAA = 1, 28  # types of records (RFC 1035, section 3.2.2; RFC 3596)
KEPT, LONGEST = 4096, 1232  # messages, and bytes of one: a longer one is decoded each time
ID = 2  # bytes before the rest, which is the same for every host


@lru_cache(KEPT)
def _questions(name: str, edns: bool) -> tuple[bytes, ...]:
    import dns.exception
    import dns.message
    from dns.rdatatype import RdataType

    try:
        whole = name.rstrip(".") + "."
        with_edns = 0 if edns else False
        made = (
            dns.message.make_query(whole, kind, use_edns=with_edns, payload=UDP_SIZE) for kind in map(RdataType, KINDS)
        )
        return tuple(message.to_wire()[ID:] for message in made)
    except dns.exception.DNSException:
        return ()


def questions(name: str, number: int, *, edns: bool = False) -> dict[int, bytes]:
    """The questions for A and AAAA by type, numbered from `number` on; none for what is no name. TCP needs no EDNS: there it
    only says how long a datagram may be."""
    return {
        kind: (number + place).to_bytes(ID, "big") + wire
        for place, (kind, wire) in enumerate(zip(KINDS, _questions(name, edns), strict=False))
    }


def read(query: Query, wire: bytes, kind: int) -> Answer:
    """What a reply means; rubbish is a failing server."""
    find = _meaning if len(wire) <= LONGEST else _meaning.__wrapped__
    return replace(find(wire[ID:], kind), name=query.name, source=query.server)


@lru_cache(KEPT)
def _meaning(rest: bytes, kind: int) -> Answer:
    import dns.exception
    import dns.flags
    import dns.message
    from dns.rdatatype import RdataType

    try:
        reply = dns.message.from_wire(bytes(ID) + rest)
        truncated = bool(reply.flags & dns.flags.TC)
        return judge(Query(""), reply, RdataType.make(kind), truncated)
    except (dns.exception.DNSException, ValueError) as error:
        return Answer("", "", (), Reason.SERVER_FAILURE, str(error) or type(error).__name__)
