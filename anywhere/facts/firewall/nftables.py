"""Tables of nftables itself: which base chains a packet meets beside those of iptables, and what they hold."""

from __future__ import annotations

import ipaddress
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from anywhere.errors import NotRecorded, ParseError
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

ALL_ADDRESSES = 1 << 128
LARGEST_SET = 20000  # elements that are read; block lists are larger, and hold public addresses
OWN_TABLE = "anywhere_rules"

# iptables-nft keeps its rules in tables of these names and prints them itself.
_IPTABLES = {(family, table) for family in ("ip", "ip6") for table in ("filter", "nat", "mangle", "raw", "security")}
# A card's own: before all others, and after them (nft(8), "Netdev address family").
CARD_HOOKS = ("ingress", "egress")
BRIDGE = "bridge"
_HOOKS = ("prerouting", "input", "output", "forward", "postrouting", *CARD_HOOKS)


@frozen
class Spans:
    """Addresses of a set, sorted and without overlap: IP version, first and last as numbers."""

    all: tuple[tuple[int, int, int], ...]

    def hold(self, address: str) -> bool | None:
        """Whether an address or network is among them; None where it is so in part, or may be any."""
        try:
            network = ipaddress.ip_network(address, strict=False)
        except ValueError:
            return None
        first, last = int(network.network_address), int(network.broadcast_address)
        place = bisect_right(self.all, (network.version, last, ALL_ADDRESSES))
        if not place:
            return False
        version, low, high = self.all[place - 1]
        if version != network.version or high < first:
            return False
        return True if low <= first and last <= high else None


@frozen
class NftRule:
    """One rule: its expressions as nft prints them in JSON, its handle, its comment."""

    expressions: tuple[object, ...]
    handle: int = 0
    comment: str = ""


@frozen
class NftChain:
    """A chain; `hook`, `kind`, `priority` and `policy` are empty but for base chains, `devices` but for those of a card."""

    family: str
    table: str
    name: str
    hook: str = ""
    kind: str = ""
    priority: int = 0
    policy: str = ""
    rules: tuple[NftRule, ...] = ()
    devices: tuple[str, ...] = ()


@frozen
class Nft:
    """What `nft` shows: all chains by (family, table, name), and those of tables that iptables does not own with their
    rules. `readable` is False where nft is absent or may not be asked; `unread` names tables that could not be read."""

    readable: bool = False
    listed: frozenset[tuple[str, str, str]] = frozenset()
    chains: tuple[NftChain, ...] = ()
    unread: tuple[str, ...] = ()

    def base_chains(self, hook: str, family: int = 4) -> tuple[NftChain, ...]:
        """Foreign base chains on a hook for packets of a family, in the order in which a packet meets them."""
        families = ("ip" if family == 4 else "ip6", "inet")
        found = [c for c in self.chains if c.hook == hook and c.family in families and c.table != OWN_TABLE]
        return tuple(sorted(found, key=lambda chain: chain.priority))

    def of_card(self, hook: str, device: str) -> tuple[NftChain, ...]:
        """Base chains on a card's own hook, `ingress` or `egress`."""
        found = [c for c in self.chains if c.hook == hook and device in c.devices and c.table != OWN_TABLE]
        return tuple(sorted(found, key=lambda chain: chain.priority))

    def of_bridge(self, hook: str) -> tuple[NftChain, ...]:
        """Base chains on a hook of bridges."""
        found = [c for c in self.chains if c.hook == hook and c.family == BRIDGE and c.table != OWN_TABLE]
        return tuple(sorted(found, key=lambda chain: chain.priority))

    def chain(self, family: str, table: str, name: str) -> NftChain | None:
        """A chain by its name within its table."""
        return next((c for c in self.chains if (c.family, c.table, c.name) == (family, table, name)), None)

    @property
    def own(self) -> tuple[NftRule, ...]:
        """The rules of our own tables, of either family."""
        return tuple(rule for chain in self.chains if chain.table == OWN_TABLE for rule in chain.rules)


def nft(host: Host) -> Nft:
    """The nftables rules that iptables does not show. Listing chains is cheap; only foreign tables are read whole."""
    listed = host.run(("nft", "-j", "list", "chains"))
    if not listed.ok:
        return Nft()
    try:
        chains = parse_nft(listed.stdout)
        wanted = sorted({(c.family, c.table) for c in chains if c.hook in _HOOKS} - _IPTABLES)
        wanted = [table for table in wanted if table[0] in ("ip", "ip6", "inet", "netdev", "bridge")]
        full: list[NftChain] = []
        unread: list[str] = []
        on_way = {
            (c.family, c.table) for c in chains if c.hook in _HOOKS and c.hook not in CARD_HOOKS and c.family != BRIDGE
        }
        for family, table in wanted:
            try:
                answer = host.run(("nft", "-j", "list", "table", family, table))
            except NotRecorded:
                if (family, table) in on_way:
                    raise
                continue  # a bundle of a run that did not ask for the rules of cards and bridges
            if answer.ok:
                full += (_with_devices(host, chain) for chain in parse_nft(answer.stdout))
            elif family != BRIDGE:  # whose rules judge no packet that is routed
                unread.append(f"{family} {table}")
    except ParseError as error:
        return Nft(unread=(str(error),))
    return Nft(True, frozenset((c.family, c.table, c.name) for c in chains), tuple(full), tuple(unread))


def _with_devices(host: Host, chain: NftChain) -> NftChain:
    """The chain with its cards, which nft 1.0.6 prints as text alone: `hook ingress device "eth0" priority filter`."""
    if chain.hook not in CARD_HOOKS or chain.devices:
        return chain
    try:
        said = host.run(("nft", "list", "chain", chain.family, chain.table, chain.name)).stdout
    except NotRecorded:
        return chain
    named = re.search(r"\bdevices?\b([^\n]{1,20000}?)\bpriority\b", said)
    return replace(chain, devices=tuple(re.findall(r"[\w.@:-]+", named[1])) if named else ())


def parse_nft(text: str) -> tuple[NftChain, ...]:
    """The chains and rules of `nft -j list ...`. Raises ParseError for anything else."""
    try:
        items = json.loads(text)["nftables"] if text.strip() else []
        return tuple(_chains(items))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(f"not the JSON that nft prints: {error}") from None


def _chains(items: list[dict[str, Any]]) -> Iterator[NftChain]:
    rules: dict[tuple[str, str, str], list[NftRule]] = {}
    sets = {(one["family"], one["table"], one["name"]): one for item in items if (one := item.get("set"))}
    for item in items:
        if rule := item.get("rule"):
            key = (rule["family"], rule["table"], rule["chain"])
            expressions = tuple(_with_set(one, key[:2], sets) for one in rule["expr"])
            found = NftRule(expressions, int(rule.get("handle", 0)), str(rule.get("comment", "")))
            rules.setdefault(key, []).append(found)
    for item in items:
        if chain := item.get("chain"):
            key = (str(chain["family"]), str(chain["table"]), str(chain["name"]))
            yield NftChain(
                *key,
                str(chain.get("hook", "")),
                str(chain.get("type", "")),
                int(chain.get("prio", 0)),
                str(chain.get("policy", "")),
                tuple(rules.get(key, ())),
                _texts(chain.get("dev", [])),
            )


def _texts(found: object) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, list) else (str(found),)


def _with_set(expression: object, table: tuple[str, str], sets: dict[tuple[str, str, str], dict[str, Any]]) -> object:
    """A match against a named set of addresses with what the set holds; any other expression as it stands."""
    match = expression.get("match") if isinstance(expression, dict) else None
    if not isinstance(match, dict):
        return expression
    name = match.get("right")
    if not isinstance(name, str) or not name.startswith("@") or not (found := sets.get((*table, name[1:]))):
        return expression
    elements = found.get("elem", [])
    if found.get("type") not in ("ipv4_addr", "ipv6_addr") or "dynamic" in found.get("flags", ()):
        return expression
    if len(elements) > LARGEST_SET or (held := spans(elements)) is None:
        return expression
    return {"match": {**match, "right": held}}


def spans(elements: list[object]) -> Spans | None:
    """The elements of a set, sorted; None where one of them is nothing that can be read."""
    try:
        return Spans(tuple(sorted(_span(one) for one in elements)))
    except (ValueError, KeyError, TypeError):
        return None


def _span(element: Any) -> tuple[int, int, int]:
    """IP version, first and last address. Raises ValueError, KeyError, TypeError for what is none."""
    value = element["elem"]["val"] if isinstance(element, dict) and "elem" in element else element
    if isinstance(value, dict) and "range" in value:
        low, high = (ipaddress.ip_address(one) for one in value["range"])
        return low.version, int(low), int(high)
    text = f"{value['prefix']['addr']}/{value['prefix']['len']}" if isinstance(value, dict) else value
    network = ipaddress.ip_network(text)
    return network.version, int(network.network_address), int(network.broadcast_address)
