"""The way of a container's request to 169.254.170.2:80, hop by hop, and what stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anywhere.facts.firewall.firewall import Backend, Firewall
from anywhere.facts.firewall.iptables import Table
from anywhere.facts.firewall.iptables_walk import Packet, Verdict, walk
from anywhere.facts.firewall.nftables import NftChain
from anywhere.facts.firewall.nftables_walk import walk_nft
from anywhere.facts.firewall.route_localnet import CREDENTIAL_ADDRESS, CREDENTIAL_PORT, Localnet
from anywhere.frozen import frozen

_DNAT_PRIORITY = -100  # NF_IP_PRI_NAT_DST: a chain on the prerouting hook before it sees the old destination
# A neighbour's packet: an interface that no rule can name, an address that only documentation has (RFC 5737).
NEIGHBOUR = Packet(iif="\0", source="198.51.100.1", destination="127.0.0.1", destination_is_local=True)
_NAT = {"ACCEPT", "DNAT", "REDIRECT", "NETMAP", "RETURN"}


@frozen
class Obstacle:
    """What stops the packet: `hop` names the place, `rule` what does it, `path` is `bridge` or `host`. `backend` is set
    where one of ours in the same chain would help."""

    hop: str
    rule: str
    path: str
    backend: str = ""


def obstacles(firewall: Firewall, net: Localnet) -> tuple[Obstacle, ...]:
    """Everything that certainly stops the request, in the order of the hops. Our own rules are left out of the
    judgement of INPUT, so that what made them necessary stays visible."""
    return (*_routes(net), *_bridge(firewall, net), *_host(firewall, net))


def input_drops(firewall: Firewall, net: Localnet) -> tuple[Obstacle, ...]:
    """The iptables backends whose INPUT would drop the request of a bridge container if we had no rule there."""
    found = []
    for backend in firewall.backends:
        table = _without_ours(backend.v4.table("filter"))
        verdict = walk(table, "INPUT", redirected(firewall, net))
        if verdict.stops:
            found.append(Obstacle(f"filter INPUT ({backend.name})", verdict.rule, "bridge", backend.name))
    return tuple(found)


def guards_loopback(backend: Backend) -> bool:
    """Whether INPUT drops a neighbour's packet to the loopback, save what special rules before it may accept."""
    return walk(backend.v4.table("filter"), "INPUT", NEIGHBOUR).target in ("DROP", "REJECT")


def _routes(net: Localnet) -> Iterator[Obstacle]:
    if not net.route and net.route_error and (net.has_default or net.link_local):
        routes = "; ".join(net.link_local) or net.route_error
        yield Obstacle("route", f"the kernel has no way to {CREDENTIAL_ADDRESS}: {routes}", "host")
    if net.bridge_rp_filter == 1 and net.way_back not in ("", net.bridge):
        text = f"strict rp_filter, and the way back to the containers is {net.way_back}"
        yield Obstacle("rp_filter", text, "bridge")


def _bridge(firewall: Firewall, net: Localnet) -> Iterator[Obstacle]:
    source = net.bridge_address
    arriving = Packet(iif=firewall.bridge, source=source, destination=CREDENTIAL_ADDRESS, dport=80)
    sent_on = redirected(firewall, net)
    for backend in firewall.backends:
        for table in ("raw", "mangle"):
            yield from _stop(walk(backend.v4.table(table), "PREROUTING", arriving), f"{table} PREROUTING", backend)
        yield from _captured(backend, "PREROUTING", arriving)
        for table in ("mangle", "filter"):
            hop = f"{table} INPUT"
            yield from _stop(walk(backend.v4.table(table), "INPUT", sent_on), hop, backend)
    for hook in ("prerouting", "input"):
        for chain in firewall.nft.base_chains(hook):
            early = hook == "prerouting" and chain.priority < _DNAT_PRIORITY
            yield from _nft_stop(firewall, chain, arriving if early else sent_on, "bridge")


def _host(firewall: Firewall, net: Localnet) -> Iterator[Obstacle]:
    words = net.route.split()
    device = words[words.index("dev") + 1] if "dev" in words[:-1] else ""
    leaving = Packet(oif=device, destination=CREDENTIAL_ADDRESS, dport=80)
    # The redirect changes the route, but OUTPUT still sees the device that was chosen before.
    arrived = Packet(
        iif="lo",
        oif=device,
        destination="127.0.0.1",
        dport=CREDENTIAL_PORT,
        states=frozenset({"NEW", "DNAT"}),
        destination_is_local=True,
    )
    for backend in firewall.backends:
        for table in ("raw", "mangle"):
            yield from _stop(walk(backend.v4.table(table), "OUTPUT", leaving), f"{table} OUTPUT", backend, "host")
        yield from _captured(backend, "OUTPUT", leaving, "host")
        for name in ("OUTPUT", "INPUT"):
            verdict = walk(backend.v4.table("filter"), name, arrived)
            yield from _stop(verdict, f"filter {name}", backend, "host")
    for hook in ("output", "input"):
        for chain in firewall.nft.base_chains(hook):
            yield from _nft_stop(firewall, chain, arrived, "host")


def _nft_stop(firewall: Firewall, chain: NftChain, packet: Packet, path: str) -> Iterator[Obstacle]:
    if chain.kind == "filter" and (verdict := walk_nft(firewall.nft, chain, packet)).stops:
        yield Obstacle(f"nft {chain.family} {chain.table} {chain.name}", verdict.rule, path)


def _stop(verdict: Verdict, hop: str, backend: Backend, path: str = "bridge") -> Iterator[Obstacle]:
    if verdict.stops:
        yield Obstacle(f"{hop} ({backend.name})", verdict.rule, path, backend.name)


def _captured(backend: Backend, chain: str, packet: Packet, path: str = "bridge") -> Iterator[Obstacle]:
    """A nat rule that ends the request's way before the one that redirects it."""
    verdict = walk(backend.v4.table("nat"), chain, packet)
    if not verdict.certain or verdict.rule.startswith("policy"):
        return
    if verdict.target in _NAT and f":{CREDENTIAL_PORT}" not in verdict.rule and "--to-ports 51679" not in verdict.rule:
        yield Obstacle(f"nat {chain} ({backend.name})", verdict.rule, path, backend.name)


def redirected(firewall: Firewall, net: Localnet) -> Packet:
    """A container's request as INPUT sees it, after PREROUTING has sent it to the agent."""
    return Packet(
        iif=firewall.bridge,
        source=net.bridge_address,
        destination="127.0.0.1",
        dport=CREDENTIAL_PORT,
        states=frozenset({"NEW", "DNAT"}),
        destination_is_local=True,
    )


def _without_ours(table: Table) -> Table:
    return replace(table, rules=tuple(rule for rule in table.rules if not rule.is_ours))
