"""The host's own packets through its own packet filter: out to an address, and the answer back in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.forwarding import CONNTRACK, UNKNOWN_STATE
from anywhere.facts.firewall.iptables_walk import Packet, walk
from anywhere.facts.firewall.nftables import NftChain
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


@frozen
class Below:
    """The devices under the card of a route, and whether that card is a bridge."""

    devices: tuple[str, ...] = ()
    is_bridge: bool = False


NOTHING = Below()


def own_stop(
    firewall: Firewall, table: tuple[Route, ...], address: str, port: int, protocol: str, below: Below = NOTHING
) -> Stop | None:
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
        *(_on_bridge(firewall, ("output", "postrouting"), out, below) if below.is_bridge else ()),
        *_on_cards(firewall, "egress", out, below),
        *_on_cards(firewall, "ingress", back, below),
        *(_on_bridge(firewall, ("prerouting", "input"), back, below) if below.is_bridge else ()),
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


def _on_cards(firewall: Firewall, hook: str, packet: Packet, below: Below) -> Iterator[Stop]:
    """The rules of the card itself and of those under it, to which a connection is not known."""
    for name in (packet.iif or packet.oif, *below.devices):
        # Of several members of a bond, or ports of a bridge, a packet passes one.
        if name in below.devices and len(below.devices) > 1:
            continue
        yield from _of_link(firewall, firewall.nft.of_card(hook, name), _by(packet, name))


def _on_bridge(firewall: Firewall, hooks: tuple[str, ...], packet: Packet, below: Below) -> Iterator[Stop]:
    """The rules of a bridge, which see the port that a packet passes."""
    port = below.devices[0] if len(below.devices) == 1 else ""
    for hook in hooks:
        yield from _of_link(firewall, firewall.nft.of_bridge(hook), _by(packet, port))


def _by(packet: Packet, device: str) -> Packet:
    return replace(packet, iif=device) if packet.sport else replace(packet, oif=device)


def _of_link(firewall: Firewall, chains: tuple[NftChain, ...], packet: Packet) -> Iterator[Stop]:
    seen, inbound = replace(packet, states=UNKNOWN_STATE), bool(packet.sport)
    for base in chains:
        if (verdict := walk_nft(firewall.nft, base, seen)).stops:
            yield Stop(f"nft {base.family} {base.table} {base.name}", verdict.rule, inbound, inbound)
