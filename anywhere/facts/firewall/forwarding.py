"""The way of a bridge container's packets through this host: forwarded, answered, and given the host's address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from anywhere.facts.files import list_folder, read_text
from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables_walk import Packet, walk
from anywhere.facts.firewall.nftables_walk import walk_nft
from anywhere.facts.network.routes import Route, route_to
from anywhere.hosts.base import Host

IP_FORWARD = "/proc/sys/net/ipv4/ip_forward"
SYSCTL_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (IP_FORWARD,)
FOLDERS: tuple[str, ...] = ("/etc/sysctl.d",)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a container has to reach: an address, a port, `tcp` or `udp`, and what it is."""

    address: str
    port: int
    protocol: str
    what: str


@dataclass(frozen=True, slots=True)
class Stop:
    """What stops a packet: the hop (table and chain), the rule as it is printed, and the aim."""

    hop: str
    rule: str
    aim: Aim


def forward_stops(
    firewall: Firewall, table: tuple[Route, ...], bridge: str, source: str, aims: tuple[Aim, ...]
) -> list[Stop]:
    """The first rule that certainly stops each aim's packets, on the way out or back."""
    found = []
    for aim in aims:
        route = route_to(aim.address, table)
        if route is None or route.reject or ":" in aim.address:
            continue
        out = Packet(bridge, route.interface, source, aim.address, aim.port, protocol=aim.protocol)
        back = Packet(
            *(route.interface, bridge, aim.address, source),
            states=frozenset({"ESTABLISHED"}),
            protocol=aim.protocol,
            sport=aim.port,
        )
        found += [stop for packet in (out, back) for stop in _stops(firewall, packet, aim)][:1]
    return found


def _stops(firewall: Firewall, packet: Packet, aim: Aim) -> Iterator[Stop]:
    for backend in firewall.backends:
        for name in ("mangle", "filter"):
            verdict = walk(backend.v4.table(name), "FORWARD", packet)
            if verdict.stops:
                yield Stop(f"{name} FORWARD ({backend.name})", verdict.rule, aim)
    for chain in firewall.nft.base_chains("forward"):
        if chain.kind == "filter" and (verdict := walk_nft(firewall.nft, chain, packet)).stops:
            yield Stop(f"nft {chain.family} {chain.table} {chain.name}", verdict.rule, aim)


def is_translated(firewall: Firewall, source: str, interface: str) -> bool:
    """Whether something may give the containers' packets the host's address; False only where certainly nothing does."""
    packet = Packet(oif=interface, source=source, destination="198.51.100.1", dport=443)
    for backend in firewall.backends:
        verdict = walk(backend.v4.table("nat"), "POSTROUTING", packet)
        if not verdict.certain or not verdict.rule.startswith("policy"):
            return True
    return bool(firewall.nft.base_chains("postrouting")) or bool(firewall.nft.unread)


def switched_off_by(host: Host) -> str:
    """The file and line that sets net.ipv4.ip_forward to 0 at boot, empty without one. The last in systemd's order counts."""
    by_name: dict[str, str] = {}
    for folder in SYSCTL_FOLDERS:
        for name in list_folder(host, folder) or ():
            if name.endswith(".conf"):
                by_name.setdefault(name, f"{folder}/{name}")
    last = ("", "")
    for path in (*(by_name[name] for name in sorted(by_name)), "/etc/sysctl.conf"):
        for number, row in enumerate(read_text(host, path).content.splitlines(), 1):
            name, equals, value = row.strip().lstrip("-").partition("=")
            if equals and name.strip().replace("/", ".") in ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"):
                last = (f"{path}:{number}", value.strip())
    return last[0] if last[1] == "0" else ""
