"""The host's own packets through its own packet filter: out to an address, and the answer back in."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables_walk import Packet, walk
from anywhere.facts.firewall.nftables_walk import walk_nft
from anywhere.facts.network.routes import Route, route_to
from anywhere.frozen import frozen


@frozen
class Stop:
    """What stops the host's own packet: the hop (table and chain), the rule as it is printed, and which way it went."""

    hop: str
    rule: str
    inbound: bool


def own_stop(firewall: Firewall, table: tuple[Route, ...], address: str, port: int, protocol: str) -> Stop | None:
    """The first rule that certainly stops what this host sends there, or the answer; None where none is known to."""
    family = 6 if ":" in address else 4
    route = route_to(address, table)
    device = route.interface if route and not route.reject else ""
    out = Packet(oif=device, destination=address, dport=port, protocol=protocol)
    back = Packet(
        iif=device,
        source=address,
        states=frozenset({"ESTABLISHED"}),
        destination_is_local=True,
        protocol=protocol,
        sport=port,
    )
    hops = (*_stops(firewall, "OUTPUT", out, family, False), *_stops(firewall, "INPUT", back, family, True))
    return next(iter(hops), None)


def _stops(firewall: Firewall, chain: str, packet: Packet, family: int, inbound: bool) -> Iterator[Stop]:
    for backend in firewall.backends:
        for name in ("mangle", "filter"):
            verdict = walk(backend.rules(family).table(name), chain, packet)
            if verdict.stops:
                yield Stop(f"{name} {chain} ({backend.name})", verdict.rule, inbound)
    for base in firewall.nft.base_chains(chain.lower(), family):
        if base.kind == "filter" and (verdict := walk_nft(firewall.nft, base, packet)).stops:
            yield Stop(f"nft {base.family} {base.table} {base.name}", verdict.rule, inbound)
