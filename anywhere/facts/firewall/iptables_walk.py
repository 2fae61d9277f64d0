"""What the rules do to one packet, as far as that follows from the rules alone.

Every match is true, false, or not known (sets, rates, addresses that only the kernel knows; marks without a `Trace`). A
verdict is `certain` when no rule of unknown match could have decided before it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from anywhere.documents.numbers import whole
from anywhere.facts.firewall.iptables import Option, Rule, Table
from anywhere.frozen import frozen

_PASSING = {
    "LOG",
    "NFLOG",
    "ULOG",
    "MARK",
    "CONNMARK",
    "SET",
    "TRACE",
    "AUDIT",
    "CLASSIFY",
    "DSCP",
    "TOS",
    "TTL",
    "TCPMSS",
    "NOTRACK",
    "CT",
}
_FINAL = {"ACCEPT", "DROP", "REJECT", "DNAT", "REDIRECT", "QUEUE", "NFQUEUE", "TPROXY", "NETMAP", "MASQUERADE", "SNAT"}
ALL_BITS = 0xFFFFFFFF
_DEPTH = 32  # the kernel refuses loops; this only bounds what a damaged listing may cost


@frozen
class Packet:
    """A packet, of a new TCP connection unless said otherwise. Empty or 0 means: may be any. `states` are its conntrack
    state and status, `uid` the user of the program that sends it (None: not known, or no program here)."""

    iif: str = ""
    oif: str = ""
    source: str = ""
    destination: str = ""
    dport: int = 0
    states: frozenset[str] = frozenset({"NEW"})
    destination_is_local: bool = False
    protocol: str = "tcp"
    sport: int = 0
    uid: int | None = None


@frozen
class Verdict:
    """`target` is where the packet ends: ACCEPT, DROP, REJECT, DNAT ...; `rule` is the rule's text, or the policy."""

    target: str
    rule: str
    certain: bool = True

    @property
    def stops(self) -> bool:
        """Whether the packet certainly goes no further."""
        return self.certain and self.target in ("DROP", "REJECT")


class Trace:
    """What rules do to a packet besides its verdict, over all the chains that it passes: `mark` is what it carries (None:
    not known), `untracked` the rule that certainly keeps it from connection tracking."""

    def __init__(self, mark: int | None = None) -> None:
        self.mark = mark
        self.untracked = ""

    def see(self, rule: Rule, matches: bool | None) -> None:
        """A rule that matches, or may match."""
        if rule.target == "MARK":
            self.mark = _marked(self.mark, rule) if matches else None
        elif rule.target == "CONNMARK" and "--restore-mark" in rule.raw:
            self.mark = None
        elif matches and (rule.target == "NOTRACK" or (rule.target == "CT" and "--notrack" in rule.raw)):
            self.untracked = self.untracked or rule.raw


def _marked(mark: int | None, rule: Rule) -> int | None:
    """The mark that `--set-xmark VALUE/MASK` leaves: the bits of the mask are cleared, then the value is XORed in."""
    if (found := _number(rule.value("--set-xmark"))) is None:
        return None
    value, mask = found
    if mask == ALL_BITS:
        return value
    return None if mark is None else (mark & ~mask) ^ value


def _number(text: str) -> tuple[int, int] | None:
    value, slash, mask = text.partition("/")
    try:
        return int(value, 0), int(mask, 0) if slash else ALL_BITS
    except ValueError:
        return None


def walk(table: Table, chain: str, packet: Packet, trace: Trace | None = None) -> Verdict:
    """Follow a packet from a built-in chain to its verdict. `trace` is carried on from the chains before."""
    perhaps: list[str] = []
    for rule, known in _visited(table, chain, packet, _DEPTH, trace or Trace()):
        if rule.target not in _FINAL and known:
            return Verdict("UNKNOWN", rule.raw, False)
        if known:
            return Verdict(rule.target, rule.raw, agree(rule.target, perhaps))
        perhaps.append(rule.target)
    policy = table.policy(chain) or "ACCEPT"
    return Verdict(policy, f"policy {policy} of {table.name} {chain}", agree(policy, perhaps))


def agree(target: str, perhaps: Sequence[str]) -> bool:
    """Whether what may have decided before comes to the same: two ways to be dropped are one answer."""
    same = ("DROP", "REJECT") if target in ("DROP", "REJECT") else (target,)
    return all(other in same for other in perhaps)


def _visited(
    table: Table, chain: str, packet: Packet, depth: int, trace: Trace, sure: bool = True
) -> Iterator[tuple[Rule, bool]]:
    """The rules that decide or may decide, in order: with True the packet certainly ends there. Where it is not `sure` that
    it comes here, a mark that is set here is not known."""
    for rule in table.chain(chain):
        matches = rule_matches(rule, packet, trace.mark)
        target = rule.target
        if matches is False or not target:
            continue
        if target in _PASSING:
            trace.see(rule, matches if sure else None)
            continue
        if target == "RETURN":
            if matches:
                return
            yield rule, False
        elif table.policy(target) == "-" and depth:
            inside = sure and matches is True
            for inner, known in _visited(table, target, packet, depth - 1, trace, inside):
                yield inner, known and matches is True
            if rule.value("-g") and matches:
                return
        else:
            yield rule, matches is True


def reached_rules(table: Table, chain: str, packet: Packet, depth: int = _DEPTH) -> Iterator[Rule]:
    """Every rule that matches or may match on the way, also those that only mark."""
    for rule in table.chain(chain):
        if rule_matches(rule, packet) is False:
            continue
        yield rule
        if table.policy(rule.target) == "-" and depth:
            yield from reached_rules(table, rule.target, packet, depth - 1)


def rule_matches(rule: Rule, packet: Packet, mark: int | None = None) -> bool | None:
    """Whether a packet matches all options of a rule; None when an option cannot be judged and no other says no."""
    matches: bool | None = True
    module = ""
    for option in rule.options:
        module = option.values[0] if option.flag == "-m" and option.values else module
        of_mark = module == "mark" and option.flag in ("-m", "--mark")
        answer = _has_mark(option, mark) if of_mark else _judge(option, packet)
        if answer is False:
            return False
        if answer is None:
            matches = None
    return matches


def _has_mark(option: Option, mark: int | None) -> bool | None:
    if option.flag == "-m":
        return True
    wanted = _number(option.values[0]) if option.values else None
    if mark is None or wanted is None:
        return None
    return ((mark & wanted[1]) == wanted[0]) is not option.negated


def _judge(option: Option, packet: Packet) -> bool | None:
    judge = _MATCHES.get(option.flag)
    if option.flag in _IGNORED:
        return True
    if judge is None or not option.values:
        return None
    answer = judge(option.values[0], packet)
    return answer if answer is None or not option.negated else not answer


def _module(value: str, _: Packet) -> bool | None:
    # The options of these modules are judged one by one; a module that is not known here may select by anything.
    known = ("tcp", "udp", "comment", "conntrack", "state", "multiport", "addrtype", "owner")
    return True if value in known else None


_PROTOCOLS = {"tcp": ("tcp", "6"), "udp": ("udp", "17")}


def _protocol(value: str, packet: Packet) -> bool:
    return value in (*_PROTOCOLS[packet.protocol], "all", "0")


def _iface(wanted: str, name: str) -> bool | None:
    if not name:
        return None
    return name.startswith(wanted[:-1]) if wanted.endswith("+") else name == wanted


def within(wanted: str, address: str) -> bool | None:
    """Whether an address or network lies in another; None where it may be any."""
    inner, outer = _span(address), _span(wanted)
    if not inner or not outer:
        return None
    if inner[0] != outer[0] or inner[2] < outer[1] or inner[1] > outer[2]:
        return False
    return True if outer[1] <= inner[1] and inner[2] <= outer[2] else None


@lru_cache(maxsize=1 << 14)
def _span(text: str) -> tuple[int, int, int] | None:
    """IP version, first and last address as numbers; None for what is no network."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return network.version, int(network.network_address), int(network.broadcast_address)


def _port(wanted: str, packet: Packet) -> bool | None:
    return _in_ports(wanted, packet.dport)


def _in_ports(wanted: str, port: int) -> bool | None:
    if not port:
        return None
    for part in wanted.split(","):
        low, colon, high = part.partition(":")
        first = whole(low or "0")
        last = whole(high or ("65535" if colon else low or "0"))
        if first is None or last is None:
            return None
        if first <= port <= last:
            return True
    return False


def owned_by(wanted: str, uid: int | None) -> bool | None:
    """Whether a rule's user is this one: a number, a span of numbers, or root by name; None for the names of others."""
    low, _, high = ("0" if wanted == "root" else wanted).partition("-")
    first, last = whole(low), whole(high or low)
    if uid is None or first is None or last is None:
        return None if uid != 0 or first is not None else False
    return first <= uid <= last


def _states(wanted: str, packet: Packet) -> bool:
    return not packet.states.isdisjoint(wanted.split(","))


def _local(wanted: str, packet: Packet) -> bool:
    # Every address that is asked about here is either this host's or some other host's.
    return wanted == ("LOCAL" if packet.destination_is_local else "UNICAST")


_MATCHES: dict[str, Callable[[str, Packet], bool | None]] = {
    "-m": _module,
    "-p": _protocol,
    "-i": lambda value, packet: _iface(value, packet.iif),
    "-o": lambda value, packet: _iface(value, packet.oif),
    "-s": lambda value, packet: within(value, packet.source),
    "-d": lambda value, packet: within(value, packet.destination),
    "--dport": _port,
    "--dports": _port,
    "--sport": lambda value, packet: _in_ports(value, packet.sport),
    "--sports": lambda value, packet: _in_ports(value, packet.sport),
    "--ctstate": _states,
    "--state": _states,
    "--ctstatus": _states,
    "--dst-type": _local,
    "--uid-owner": lambda value, packet: owned_by(value, packet.uid),
}
_IGNORED = {
    "-j", "-g", "--comment", "--to-destination", "--to-ports", "--reject-with", "--log-prefix", "--log-level",
    "--set-xmark", "--nflog-group", "--nflog-prefix", "--to-source", "--random", "--random-fully", "--persistent", "--notrack",
}  # fmt: skip
