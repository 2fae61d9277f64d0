"""Where the host's own nat rules send a packet in place of its destination.

A rule of nat's OUTPUT (REDIRECT, DNAT) is what transparent proxies, DNS filters and traffic recorders leave behind on the
host itself. Sources: iptables-extensions(8), REDIRECT and DNAT; nft(8), NAT statements. The kernel translates before the
filter table of OUTPUT sees the packet (linux/netfilter_ipv4.h, the priorities of the hooks).
"""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables_walk import Packet, walk
from anywhere.facts.firewall.nftables import Nft
from anywhere.facts.firewall.nftables_walk import walk_nft
from anywhere.facts.firewall.outgoing import sent
from anywhere.facts.network.routes import Route
from anywhere.frozen import frozen

OUTPUT = "OUTPUT"
TRANSLATED = ("REDIRECT", "DNAT")


@frozen
class Diverted:
    """A rule that translates what this host sends: the hop (table and chain), the rule as it is printed, and where the
    packet goes then. `address` is empty for this host itself, `port` 0 where the rule keeps it or it is not known."""

    hop: str
    rule: str
    address: str = ""
    port: int = 0


def diverted(firewall: Firewall, table: tuple[Route, ...], address: str, port: int, protocol: str) -> Diverted | None:
    """The first rule that certainly translates what root sends there; None where none is known to."""
    family, packet = 6 if ":" in address else 4, sent(table, address, port, protocol)
    return next(iter((*_of_iptables(firewall, packet, family), *_of_nft(firewall, packet, family))), None)


def _of_iptables(firewall: Firewall, packet: Packet, family: int) -> Iterator[Diverted]:
    for backend in firewall.backends:
        nat = backend.rules(family).table("nat")
        verdict = walk(nat, OUTPUT, packet)
        if not verdict.certain or verdict.target not in TRANSLATED:
            continue
        rule = next(one for one in nat.rules if one.raw == verdict.rule)
        address, port = _parted(rule.value("--to-destination") or f":{rule.value('--to-ports')}")
        yield Diverted(f"nat {OUTPUT} ({backend.name})", rule.raw, address, port)


def _of_nft(firewall: Firewall, packet: Packet, family: int) -> Iterator[Diverted]:
    for base in firewall.nft.base_chains("output", family):
        verdict = walk_nft(firewall.nft, base, packet) if base.kind == "nat" else None
        if verdict and verdict.certain and verdict.target in TRANSLATED:
            address, port = _named(firewall.nft, base.family, base.table, verdict.rule.rpartition(" ")[2])
            yield Diverted(f"nft {base.family} {base.table} {base.name}", verdict.rule, address, port)


def _parted(text: str) -> tuple[str, int]:
    """`10.0.0.9:3129`, `:12345`, `[2001:db8::9]:3129` or an address alone; of a range of ports the first."""
    address, _, port = text.rpartition(":") if "]:" in text or text.count(":") == 1 else (text, "", "")
    first = port.partition("-")[0]
    return address.strip("[]"), int(first) if first.isdigit() else 0


def _named(nft: Nft, family: str, table: str, handle: str) -> tuple[str, int]:
    """The address and the port of a rule's `redirect` or `dnat`, as far as they stand in it."""
    rules = (rule for chain in nft.chains if (chain.family, chain.table) == (family, table) for rule in chain.rules)
    for rule in rules:
        if str(rule.handle) != handle:
            continue
        for expression in rule.expressions:
            found = expression if isinstance(expression, dict) else {}
            body = found.get("redirect") or found.get("dnat")
            if isinstance(body, dict):
                address, port = body.get("addr", ""), body.get("port", 0)
                return address if isinstance(address, str) else "", port if isinstance(port, int) else 0
    return "", 0
