"""The same as packetpath for tables of nftables itself, from the JSON that nft prints."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from anywhere.facts.firewall.iptables_walk import Packet, Verdict, agree, owned_by, within
from anywhere.facts.firewall.nftables import Nft, NftChain, NftRule, Spans

_FINAL = ("accept", "drop", "reject", "queue", "dnat", "redirect", "snat", "masquerade")
_QUIET = ("counter", "log", "comment", "notrack", "mangle", "ct helper", "ct timeout")
# Matches whose answer depends on more than the packet; a set that is full, or has a limit of its own, ends the rule too.
_SOMETIMES = ("xt", "limit", "quota", "ct count", "meter", "set", "flow")
_NUMBERS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "icmpv6": 58}
_DEPTH = 32


def walk_nft(nft: Nft, base: NftChain, packet: Packet) -> Verdict:
    """Follow a packet through one base chain. Its accept ends this chain only; a drop ends the packet."""
    where = f"{base.family} {base.table} {base.name}"
    perhaps: list[str] = []
    for chain, rule, target, known in _visited(nft, base, packet, _DEPTH):
        text = f"{chain.family} {chain.table} {chain.name} handle {rule.handle}"
        if known:
            return Verdict(target.upper(), text, agree(target.upper(), perhaps))
        perhaps.append(target.upper())
    policy = base.policy or "accept"
    return Verdict(policy.upper(), f"policy {policy} of {where}", agree(policy.upper(), perhaps))


def notrack_rule(base: NftChain, packet: Packet) -> str:
    """The rule of a base chain that certainly takes a packet out of connection tracking; empty without one."""
    for rule in base.rules:
        matches, target, _ = _read(rule, packet)
        if matches and any(isinstance(one, dict) and "notrack" in one for one in rule.expressions):
            return f"{base.family} {base.table} {base.name} handle {rule.handle}"
        if matches is not False and target:
            return ""
    return ""


def matching(nft: Nft, chain: NftChain, packet: Packet, depth: int = _DEPTH) -> Iterator[tuple[NftChain, NftRule]]:
    """The rules without a verdict that a packet certainly meets, with their chains."""
    for rule in chain.rules:
        matches, target, to = _read(rule, packet)
        if not matches:
            continue
        if not target:
            yield chain, rule
        elif target in ("jump", "goto") and depth and (inner := nft.chain(chain.family, chain.table, to)):
            yield from matching(nft, inner, packet, depth - 1)
        if target in (*_FINAL, "return", "goto"):
            return


def _visited(nft: Nft, chain: NftChain, packet: Packet, depth: int) -> Iterator[tuple[NftChain, NftRule, str, bool]]:
    for rule in chain.rules:
        matches, target, to = _read(rule, packet)
        if matches is False or not target:
            continue
        if target == "return":
            if matches:
                return
            yield chain, rule, target, False
        elif target in ("jump", "goto"):
            inner = nft.chain(chain.family, chain.table, to)
            if inner is None or not depth:
                yield chain, rule, "?", False
                continue
            for found in _visited(nft, inner, packet, depth - 1):
                yield *found[:3], found[3] and matches is True
            if target == "goto" and matches:
                return
        else:
            yield chain, rule, target, matches is True and target != "?"


def _read(rule: NftRule, packet: Packet) -> tuple[bool | None, str, str]:
    """Whether the rule matches, what it does (empty: nothing that decides; `?`: not known), and where it jumps."""
    answers: list[bool | None] = []
    for expression in rule.expressions:
        name, body = next(iter(expression.items())) if isinstance(expression, dict) and expression else ("?", None)
        if name == "match":
            answers.append(_match(body, packet))
        elif name in _QUIET:
            continue
        elif name in ("jump", "goto"):
            return _all(answers), name, str(body.get("target", "")) if isinstance(body, dict) else ""
        elif name in _FINAL or name == "return":
            return _all(answers), name, ""
        elif name in _SOMETIMES:
            answers.append(None)
        elif name == "vmap" and isinstance(body, dict):
            matches, target, to = _mapped(body, packet)
            return _all([*answers, matches]), target, to
        else:
            return (False if False in answers else None), "?", ""
    return _all(answers), "", ""


def _mapped(body: dict[str, object], packet: Packet) -> tuple[bool | None, str, str]:
    """What a verdict map does with a packet; its keys exclude each other, and `*` stands for all others."""
    data = body.get("data")
    rows = data.get("set") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        return None, "?", ""
    pairs = [row for row in rows if isinstance(row, list) and len(row) == 2 and isinstance(row[1], dict) and row[1]]
    answers = [False if key == "*" else _among(body.get("key"), key, packet) for key, _ in pairs]
    if None in answers and True not in answers:
        return None, "?", ""
    others = [verdict for key, verdict in pairs if key == "*"]
    chosen = next(
        (verdict for answer, (_, verdict) in zip(answers, pairs, strict=True) if answer), *others[:1] or [None]
    )
    name, to = next(iter(chosen.items())) if chosen else ("continue", None)
    if name == "continue":
        return False, "", ""
    return True, name, str(to.get("target", "")) if isinstance(to, dict) else ""


def _all(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _match(body: object, packet: Packet) -> bool | None:
    if not isinstance(body, dict):
        return None
    answer = _among(body.get("left"), body.get("right"), packet)
    if answer is None or body.get("op") in ("==", "in"):
        return answer
    return not answer if body.get("op") == "!=" else None


def _among(left: object, right: object, packet: Packet) -> bool | None:
    if isinstance(right, Spans):
        address = _address_of(left, packet)
        return right.hold(address) if address else None
    values = right["set"] if isinstance(right, dict) and "set" in right else right
    values = values if isinstance(values, list) else [values]
    answers = [_one(left, value, packet) for value in values]
    return True if True in answers else None if None in answers else False


def _address_of(left: object, packet: Packet) -> str:
    """The packet's address that a match looks at; empty where it looks at something else, or it may be any."""
    field = left.get("payload") if isinstance(left, dict) else None
    name = field.get("field") if isinstance(field, dict) and field.get("protocol") in ("ip", "ip6") else ""
    return packet.source if name == "saddr" else packet.destination if name == "daddr" else ""


def _one(left: object, value: object, packet: Packet) -> bool | None:
    """None also for what has another form than nft gives it."""
    if isinstance(value, dict) and isinstance(value.get("elem"), dict):
        value = value["elem"].get("val")
    try:
        return _compared(left, value, packet)
    except (AttributeError, TypeError, ValueError):
        return None


def _compared(left: object, value: object, packet: Packet) -> bool | None:
    if not isinstance(left, dict):
        return None
    if "meta" in left:
        return _meta(str(left["meta"].get("key", "")), value, packet)
    if "ct" in left:
        return _ct(str(left["ct"].get("key", "")), value, packet)
    field = left.get("payload")
    if not isinstance(field, dict):
        return None
    kind, name = field.get("protocol"), field.get("field")
    six = ":" in (packet.source + packet.destination)
    if kind == ("ip6" if six else "ip") and name in ("saddr", "daddr"):
        return _address(value, packet.source if name == "saddr" else packet.destination)
    if (kind, name) == ("ether", "type"):
        return _ethernet(value, packet)
    if (kind, name) in (("ip", "protocol"), ("ip6", "nexthdr")):
        return _protocol(value, packet) if (kind == "ip6") == six else False
    if kind in (packet.protocol, "th") and name in ("dport", "sport"):
        return _port(value, packet.dport if name == "dport" else packet.sport)
    return (
        False
        if kind in ({"ip" if six else "ip6", "tcp", "udp", "icmp", "icmpv6", "sctp"} - {packet.protocol})
        else None
    )


def _meta(key: str, value: object, packet: Packet) -> bool | None:
    if key in ("iifname", "iif"):
        return _iface(value, packet.iif)
    if key in ("oifname", "oif"):
        return _iface(value, packet.oif)
    if key == "l4proto":
        return _protocol(value, packet)
    if key == "protocol":
        return _ethernet(value, packet)
    if key == "skuid":
        if isinstance(value, dict) and isinstance(value.get("range"), list):
            value = "-".join(str(one) for one in value["range"])
        known = isinstance(value, int) or (isinstance(value, str) and not value.startswith("@"))
        return owned_by(str(value), packet.uid) if known else None
    if key == "nfproto":
        return bool(value == ("ipv6" if ":" in packet.source + packet.destination else "ipv4"))
    return None


def _ethernet(value: object, packet: Packet) -> bool | None:
    if not isinstance(value, str) or value.startswith("@"):
        return None
    return value == ("ip6" if ":" in packet.source + packet.destination else "ip")


def _protocol(value: object, packet: Packet) -> bool | None:
    if not isinstance(value, str | int) or str(value).startswith("@"):
        return None
    return value in (packet.protocol, _NUMBERS[packet.protocol])


def _iface(value: object, name: str) -> bool | None:
    if not name or not isinstance(value, str) or value.startswith("@"):
        return None
    return name.startswith(value[:-1]) if value.endswith("*") else name == value


def _ct(key: str, value: object, packet: Packet) -> bool | None:
    if key not in ("state", "status") or not isinstance(value, str):
        return None
    return value.upper() in packet.states


def _address(value: object, address: str) -> bool | None:
    if isinstance(value, dict) and isinstance(value.get("range"), list):
        return _in_range(value["range"], address)
    if isinstance(value, dict) and "prefix" in value:
        return within(f"{value['prefix'].get('addr')}/{value['prefix'].get('len')}", address)
    return within(value, address) if isinstance(value, str) and not value.startswith("@") else None


def _in_range(bounds: list[object], address: str) -> bool | None:
    try:
        low, high = (ipaddress.ip_address(str(one)) for one in bounds)
        network = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None
    if low.version != network.version:
        return False
    first, last = int(network.network_address), int(network.broadcast_address)
    if last < int(low) or first > int(high):
        return False
    return True if int(low) <= first and last <= int(high) else None


def _port(value: object, port: int) -> bool | None:
    if not port:
        return None
    if isinstance(value, dict) and isinstance(value.get("range"), list):
        low, high = value["range"]
        return low <= port <= high if isinstance(low, int) and isinstance(high, int) else None
    return value == port if isinstance(value, int) else None
