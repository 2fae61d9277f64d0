"""The host's own packets that its own NAT rules send elsewhere, or give another source.

A transparent proxy, an interceptor or a DNS forwarder that is gone leaves such rules behind: what it served is then refused or
lost at once. Source: iptables-extensions(8), REDIRECT, DNAT, SNAT and owner; nft(8), "NAT statements" and `meta skuid`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables_walk import Verdict, walk
from anywhere.facts.firewall.nftables_walk import walk_nft
from anywhere.facts.firewall.outgoing import sent
from anywhere.facts.network.routes import Route, route_to
from anywhere.frozen import frozen

Step = tuple[str, str, Verdict]
HOOKS = {"OUTPUT": ("REDIRECT", "DNAT"), "POSTROUTING": ("SNAT",)}
_TO = re.compile(r"--to-(?:ports|destination|source) (\S+)")


@frozen
class Diversion:
    """The hop (table and chain), the rule as it is printed, what the rule does, the iptables that speaks to it (empty for a
    table of nftables), and the address or port that it names (empty where the listing does not show it). `accepts` is whether
    connections are taken there."""

    hop: str
    rule: str
    kind: str
    program: str = ""
    to: str = ""
    accepts: bool = False

    @property
    def is_source(self) -> bool:
        """Whether the packets keep their way and get another source."""
        return self.kind == "SNAT"


def diversion(
    firewall: Firewall, table: tuple[Route, ...], address: str, port: int, protocol: str, own: frozenset[str]
) -> Diversion | None:
    """The first rule that certainly sends what this host sends there elsewhere, or gives it a source that is none of its `own`
    addresses; None where none is known to."""
    route = route_to(address, table)
    packet = sent(route.interface if route and not route.reject else "", address, port, protocol)
    family = 6 if ":" in address else 4
    for chain, kinds in HOOKS.items():
        found: list[Step] = [
            (f"nat {chain} ({one.name})", one.program_for(family), walk(one.rules(family).table("nat"), chain, packet))
            for one in firewall.backends
        ]
        found += [
            (f"nft {base.family} {base.table} {base.name}", "", walk_nft(firewall.nft, base, packet))
            for base in firewall.nft.base_chains(chain.lower(), family)
            if base.kind == "nat"
        ]
        first = next(_certain(found, kinds, own), None)
        if first:
            return first
    return None


def _certain(found: list[Step], kinds: tuple[str, ...], own: frozenset[str]) -> Iterator[Diversion]:
    for hop, program, verdict in found:
        if not verdict.certain or verdict.target not in kinds:
            continue
        named = _TO.search(verdict.rule)
        to = named[1] if named else ""
        # A span of sources, or one that the listing does not show, may hold an address of this host.
        source = to.partition(":")[0] if "." in to else to
        if verdict.target == "SNAT" and (not re.fullmatch(r"[0-9a-f.:]*[0-9a-f]", to) or source in own):
            continue
        yield Diversion(hop, verdict.rule, verdict.target, program, to)
