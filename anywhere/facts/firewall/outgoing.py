"""The host's own packets through its own packet filter: out to an address, and the answer back in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.forwarding import CONNTRACK, UNKNOWN_STATE
from anywhere.facts.firewall.iptables_walk import Packet, walk
from anywhere.facts.firewall.nftables_walk import walk_nft
from anywhere.facts.network.routes import Route, route_to
from anywhere.frozen import frozen


@frozen
class Stop:
    """What stops the host's own packet: the hop (table and chain), the rule as it is printed, and which way it went.
    `early` is whether that may be before the kernel knows its connection. `program` is the iptables (for IPv4) that speaks to
    the hop, empty for a table of nftables."""

    hop: str
    rule: str
    inbound: bool
    early: bool = False
    program: str = ""


def own_stop(firewall: Firewall, table: tuple[Route, ...], address: str, port: int, protocol: str) -> Stop | None:
    """The first rule that certainly stops what this host sends there, or the answer; None where none is known to."""
    family = 6 if ":" in address else 4
    route = route_to(address, table)
    device = route.interface if route and not route.reject else ""
    out = sent(device, address, port, protocol)
    back = Packet(
        iif=device,
        source=address,
        states=frozenset({"ESTABLISHED"}),
        destination_is_local=True,
        protocol=protocol,
        sport=port,
    )
    hops = (
        *_stops(firewall, "OUTPUT", out, family, False),
        *_on_card(firewall, "egress", out, False),
        *_on_card(firewall, "ingress", back, True),
        *_stops(firewall, "PREROUTING", back, family, True),
        *_stops(firewall, "INPUT", back, family, True),
    )
    return next(iter(hops), None)


def sent(device: str, address: str, port: int, protocol: str) -> Packet:
    """A packet of the agents or of docker, which all run as root."""
    return Packet(oif=device, destination=address, dport=port, protocol=protocol, uid=0)


# The tables of iptables that filter on each hook.
TABLES = {"OUTPUT": ("raw", "mangle", "filter"), "PREROUTING": ("raw", "mangle"), "INPUT": ("mangle", "filter")}


def _stops(firewall: Firewall, chain: str, packet: Packet, family: int, inbound: bool) -> Iterator[Stop]:
    early = replace(packet, states=UNKNOWN_STATE)
    for backend in firewall.backends:
        for name in TABLES[chain]:
            verdict = walk(backend.rules(family).table(name), chain, early if name == "raw" else packet)
            if verdict.stops:
                hop = f"{name} {chain} ({backend.name})"
                yield Stop(hop, verdict.rule, inbound, chain == "PREROUTING", backend.program)
    for base in firewall.nft.base_chains(chain.lower(), family):
        seen = early if base.priority < CONNTRACK else packet
        if base.kind == "filter" and (verdict := walk_nft(firewall.nft, base, seen)).stops:
            yield Stop(f"nft {base.family} {base.table} {base.name}", verdict.rule, inbound, base.hook == "prerouting")


def _on_card(firewall: Firewall, hook: str, packet: Packet, inbound: bool) -> Iterator[Stop]:
    """The rules of the card itself, to which a connection is not known."""
    seen = replace(packet, states=UNKNOWN_STATE)
    for base in firewall.nft.of_card(hook, packet.iif or packet.oif):
        if (verdict := walk_nft(firewall.nft, base, seen)).stops:
            yield Stop(f"nft {base.family} {base.table} {base.name}", verdict.rule, inbound, inbound)
