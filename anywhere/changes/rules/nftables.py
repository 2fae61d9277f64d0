"""The same rules where there is no iptables: two tables of our own, made and removed whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from anywhere.changes.base import Command, Step
from anywhere.changes.script import run_script
from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables import OWN_PREFIX
from anywhere.facts.firewall.nftables import OWN_TABLE


class Rule(Protocol):
    """What is needed of a wanted rule."""

    @property
    def slug(self) -> str:
        """Its name in our comments."""

    @property
    def family(self) -> int:
        """4 or 6."""


# A base chain of ours ahead of the filters: its accept ends this chain alone, its drop is final for the packet.
_HOOKS = {
    "prerouting": "type nat hook prerouting priority -100; policy accept;",
    "output": "type nat hook output priority -100; policy accept;",
    "input": "type filter hook input priority -10; policy accept;",
}


def native_steps(firewall: Firewall, wanted: tuple[Rule, ...]) -> Iterator[Step]:
    """One step that lays both tables anew in one transaction; none when each rule is there once."""
    slugs = sorted(want.slug for want in wanted if want.slug in _RULES)
    present = sorted(rule.comment.removeprefix(OWN_PREFIX) for rule in firewall.nft.own)
    if slugs == present:
        return
    title = f"nft: add table {OWN_TABLE} with {', '.join(dict.fromkeys(slugs))}"
    do = Command(("nft", "-f", "-"), native_input(wanted, firewall.bridge).encode())
    yield Step(_KEY, title, do, (_REMOVE,), back=_BACK)


def remove_native() -> Step:
    """The step for a host that got iptables since: our own tables go, the rules sit in iptables from now on."""
    return Step(_KEY, f"nft: remove table {OWN_TABLE}, iptables holds the rules", _REMOVE, (_REMOVE,), back=_BACK)


def native_input(wanted: tuple[Rule, ...], bridge: str) -> str:
    """The input of `nft -f`: each table is made if absent, emptied and filled, all or nothing."""
    out = []
    for family, ip in ((4, "ip"), (6, "ip6")):
        slugs = [want.slug for want in wanted if want.family == family and want.slug in _RULES]
        if not slugs:
            continue
        out.append(f"table {ip} {OWN_TABLE}\ndelete table {ip} {OWN_TABLE}\ntable {ip} {OWN_TABLE} {{")
        for chain, head in _HOOKS.items():
            rules = [_RULES[slug][1].format(bridge=bridge) for slug in slugs if _RULES[slug][0] == chain]
            named = [f'{rule} comment "{OWN_PREFIX}{slug}"' for slug, rule in zip(_slugs(slugs, chain), rules)]
            if named:
                out.append(f"  chain {chain} {{\n    {head}\n    " + "\n    ".join(named) + "\n  }")
        out.append("}")
    return "\n".join((*out, ""))


_RULES = {
    "introspection-bridge": ("input", 'iifname "{bridge}" tcp dport 51678 accept'),
    "introspection-guard": ("input", 'iifname != "lo" tcp dport 51678 drop'),
    "loopback-guard": (
        "input",
        "ip saddr != 127.0.0.0/8 ip daddr 127.0.0.0/8 ct state != {{ established, related }} ct status & dnat == 0 drop",
    ),
    "credentials-prerouting": ("prerouting", "ip daddr 169.254.170.2 tcp dport 80 dnat to 127.0.0.1:51679"),
    "credentials-output": ("output", "ip daddr 169.254.170.2 tcp dport 80 redirect to :51679"),
}

_KEY = "rules:native"
_BACK = f"remove table {OWN_TABLE} from nft"
_REMOVE = Command(run_script(Path(__file__).with_name("remove_tables.sh"), OWN_TABLE))


def _slugs(slugs: list[str], chain: str) -> list[str]:
    return [slug for slug in slugs if _RULES[slug][0] == chain]
