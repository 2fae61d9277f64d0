"""Tables of nftables itself: which base chains a packet meets beside those of iptables, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from anywhere.errors import ParseError
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

OWN_TABLE = "anywhere_rules"

# iptables-nft keeps its rules in tables of these names and prints them itself.
_IPTABLES = {(family, table) for family in ("ip", "ip6") for table in ("filter", "nat", "mangle", "raw", "security")}
_HOOKS = ("prerouting", "input", "output", "forward", "postrouting")


@frozen
class NftRule:
    """One rule: its expressions as nft prints them in JSON, its handle, its comment."""

    expressions: tuple[object, ...]
    handle: int = 0
    comment: str = ""


@frozen
class NftChain:
    """A chain; `hook`, `kind`, `priority` and `policy` are empty but for base chains."""

    family: str
    table: str
    name: str
    hook: str = ""
    kind: str = ""
    priority: int = 0
    policy: str = ""
    rules: tuple[NftRule, ...] = ()


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
        wanted = [table for table in wanted if table[0] in ("ip", "ip6", "inet")]
        full: list[NftChain] = []
        unread: list[str] = []
        for family, table in wanted:
            answer = host.run(("nft", "-j", "list", "table", family, table))
            if answer.ok:
                full += parse_nft(answer.stdout)
            else:
                unread.append(f"{family} {table}")
    except ParseError as error:
        return Nft(unread=(str(error),))
    return Nft(True, frozenset((c.family, c.table, c.name) for c in chains), tuple(full), tuple(unread))


def parse_nft(text: str) -> tuple[NftChain, ...]:
    """The chains and rules of `nft -j list ...`. Raises ParseError for anything else."""
    try:
        items = json.loads(text)["nftables"] if text.strip() else []
        return tuple(_chains(items))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(f"not the JSON that nft prints: {error}") from None


def _chains(items: list[dict[str, Any]]) -> Iterator[NftChain]:
    rules: dict[tuple[str, str, str], list[NftRule]] = {}
    for item in items:
        if rule := item.get("rule"):
            key = (rule["family"], rule["table"], rule["chain"])
            found = NftRule(tuple(rule["expr"]), int(rule.get("handle", 0)), str(rule.get("comment", "")))
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
            )
