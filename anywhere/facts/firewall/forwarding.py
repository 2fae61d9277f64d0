"""The way of a bridge container's packets through this host: forwarded, answered, and given the host's address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.facts.files import list_folder, read_text
from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables_walk import Packet, Trace, Verdict, walk
from anywhere.facts.firewall.nftables import NftRule
from anywhere.facts.firewall.nftables_walk import notrack_rule, walk_nft
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

# What rules before connection tracking see of any packet, and the priority from which its connection is known.
UNKNOWN_STATE, CONNTRACK = frozenset({"INVALID"}), -200
IP_FORWARD = "/proc/sys/net/ipv4/ip_forward"
SYSCTL_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (IP_FORWARD,)
FOLDERS: tuple[str, ...] = ("/etc/sysctl.d",)


@frozen
class Aim:
    """What a host or a container has to reach: an address, a port, `tcp` or `udp`, and what it is where that is shown."""

    address: str
    port: int
    protocol: str
    what: str = ""


@frozen
class Stop:
    """What stops a packet: the hop (table and chain), the rule as it is printed, the aim, and the iptables that speaks to
    the hop (empty for a table of nftables)."""

    hop: str
    rule: str
    aim: Aim
    program: str = ""


def forward_stops(firewall: Firewall, device: str, bridge: str, source: str, aims: Sequence[Aim]) -> list[Stop]:
    """The first rule that certainly stops each aim's packets, on the way out by that card or back."""
    found = []
    for aim in aims:
        out = Packet(bridge, device, source, aim.address, aim.port, protocol=aim.protocol)
        back = Packet(
            *(device, bridge, aim.address, source),
            states=frozenset({"ESTABLISHED"}),
            protocol=aim.protocol,
            sport=aim.port,
        )
        found += [stop for packet in (out, back) for stop in _stops(firewall, packet, aim)][:1]
    return found


def _stops(firewall: Firewall, packet: Packet, aim: Aim) -> Iterator[Stop]:
    arriving = replace(packet, oif="")
    early = replace(arriving, states=UNKNOWN_STATE)
    trace = arrived(firewall)
    for backend in firewall.backends:
        for name, chain in (
            ("raw", "PREROUTING"),
            ("mangle", "PREROUTING"),
            ("mangle", "FORWARD"),
            ("filter", "FORWARD"),
        ):
            seen = packet if chain == "FORWARD" else early if name == "raw" else arriving
            verdict = walk(backend.v4.table(name), chain, seen, trace)
            if verdict.stops:
                yield Stop(f"{name} {chain} ({backend.name})", verdict.rule, aim, backend.program)
    for hook, at in (("prerouting", arriving), ("forward", packet)):
        for base in firewall.nft.base_chains(hook):
            seen = early if base.priority < CONNTRACK else at
            if base.kind == "filter" and (verdict := walk_nft(firewall.nft, base, seen)).stops:
                yield Stop(f"nft {base.family} {base.table} {base.name}", verdict.rule, aim)


def arrived(firewall: Firewall) -> Trace:
    """A packet that has just come in by a card: without a mark, unless a table of nftables gives one."""
    rules = (rule for chain in firewall.nft.chains for rule in chain.rules)
    return Trace(None if any(map(_sets_mark, rules)) or firewall.nft.unread else 0)


def _sets_mark(rule: NftRule) -> bool:
    return any(
        isinstance(one, dict) and isinstance(body := one.get("mangle"), dict) and "mark" in str(body.get("key"))
        for one in rule.expressions
    )


def untracked(firewall: Firewall, device: str, bridge: str, source: str, aims: Sequence[Aim]) -> Iterator[Stop]:
    """The rule that keeps an aim's packets, or their answers, from connection tracking: no address is translated then."""
    for aim in aims:
        out = Packet(bridge, "", source, aim.address, aim.port, protocol=aim.protocol)
        back = Packet(device, "", aim.address, protocol=aim.protocol, sport=aim.port)
        for packet in (out, back):
            for backend in firewall.backends:
                trace = arrived(firewall)
                walk(backend.v4.table("raw"), "PREROUTING", packet, trace)
                if trace.untracked:
                    yield Stop(f"raw PREROUTING ({backend.name})", trace.untracked, aim, backend.program)
            for base in firewall.nft.base_chains("prerouting"):
                if rule := notrack_rule(base, packet):
                    yield Stop(f"nft {base.family} {base.table} {base.name}", rule, aim)


def translation(firewall: Firewall, source: str, device: str, aim: Aim) -> Verdict | None:
    """What the NAT rules certainly do to the packets: `ACCEPT` where they leave the container's address in place. None
    where that is not certain."""
    packet = Packet(oif=device, source=source, destination=aim.address, dport=aim.port, protocol=aim.protocol)
    verdicts = [walk(backend.v4.table("nat"), "POSTROUTING", packet) for backend in firewall.backends]
    verdicts += [
        walk_nft(firewall.nft, chain, packet)
        for chain in firewall.nft.base_chains("postrouting")
        if chain.kind == "nat"
    ]
    if not verdicts or firewall.nft.unread or not all(verdict.certain for verdict in verdicts):
        return None
    return next((one for one in verdicts if one.target != "ACCEPT"), verdicts[0])


def switched_off_by(host: Host, *devices: str) -> str:
    """The file and line that switches forwarding off at boot, for all cards or for one of these; empty without one. The
    last in systemd's order counts."""
    names = ("net.ipv4.ip_forward", *(f"net.ipv4.conf.{one}.forwarding" for one in ("all", "default", *devices)))
    place, value = set_at_boot(host, *names)
    return place if value == "0" else ""


def set_at_boot(host: Host, *names: str) -> tuple[str, str]:
    """The file and line that gives one of these settings its value at boot, and the value; both empty without one."""
    by_name: dict[str, str] = {}
    for folder in SYSCTL_FOLDERS:
        for name in list_folder(host, folder) or ():
            if name.endswith(".conf"):
                by_name.setdefault(name, f"{folder}/{name}")
    last = ("", "")
    for path in (*(by_name[name] for name in sorted(by_name)), "/etc/sysctl.conf"):
        for number, row in enumerate(read_text(host, path).content.splitlines(), 1):
            name, equals, value = row.strip().lstrip("-").partition("=")
            if equals and name.strip().replace("/", ".") in names:
                last = (f"{path}:{number}", value.strip())
    return last
