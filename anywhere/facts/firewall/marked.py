"""The mark that this host's own rules give its packets, by which routing rules choose a table.

Source: nft(8), `type route`; iptables-extensions(8), MARK; ip-rule(8), fwmark.
"""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables_walk import Packet, Trace, walk
from anywhere.facts.firewall.nftables import NftChain
from anywhere.facts.firewall.nftables_walk import matching
from anywhere.frozen import frozen

TABLES = ("raw", "mangle")


@frozen
class Mark:
    """A mark, and the hop (table and chain) where a packet gets it."""

    value: int
    hop: str


def own_mark(firewall: Firewall, packet: Packet) -> Mark | None:
    """The mark with which a packet of this host is certainly routed; None without one, or where it is not known."""
    marks = [one for one in _marks(firewall, packet) if one.value]
    return marks[-1] if marks else None


def _marks(firewall: Firewall, packet: Packet) -> Iterator[Mark]:
    family = 6 if ":" in packet.destination else 4
    for backend in firewall.backends:
        for name in TABLES:
            trace = Trace(0)
            walk(backend.rules(family).table(name), "OUTPUT", packet, trace)
            if trace.mark:
                yield Mark(trace.mark, f"{name} OUTPUT ({backend.name})")
    for base in firewall.nft.base_chains("output", family):
        for chain, value in _set_by(firewall, base, packet):
            yield Mark(value, f"nft {chain.family} {chain.table} {chain.name}")


def _set_by(firewall: Firewall, base: NftChain, packet: Packet) -> Iterator[tuple[NftChain, int]]:
    for chain, rule in matching(firewall.nft, base, packet):
        for one in rule.expressions:
            body = one.get("mangle") if isinstance(one, dict) else None
            is_mark = isinstance(body, dict) and body.get("key") == {"meta": {"key": "mark"}}
            if is_mark and isinstance(body, dict) and isinstance(value := body.get("value"), int):
                yield chain, value
