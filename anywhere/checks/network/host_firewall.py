"""The host's own packet filter, followed for what did not answer: before something remote is blamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.network.dns import lookups
from anywhere.checks.remedies import Command, iptables, remedy
from anywhere.evidence import HostFirewall
from anywhere.facts.firewall.diverted import Diversion, diversion
from anywhere.facts.firewall.firewall import firewall, of_family
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.firewall.nftables import BRIDGE, CARD_HOOKS
from anywhere.facts.firewall.outgoing import NOTHING, Below, Stop, own_stop
from anywhere.facts.link.devices import below, is_bridge
from anywhere.facts.network.routes import Route, route_to, routes
from anywhere.facts.network.survey import Survey
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Stage, Status
from anywhere.settings import Settings
from anywhere.wording import count, some

ID = "network.host-firewall"
# A certificate, or an answer of HTTP, is the word of whatever the packets were sent to: that is judged by itself.
BROKEN = (
    Reason.TLS_RESET, Reason.TLS_TIMEOUT, Reason.NOT_TLS, Reason.HTTP_TIMEOUT, Reason.PROXY_ERROR,
)  # fmt: skip
UNANSWERED = (Reason.TIMEOUT, Reason.REFUSED, Reason.UNREACHABLE, Reason.PROXY_UNREACHABLE)


@check(ID)
def host_firewall(host: Host, settings: Settings) -> Iterator[Finding]:
    """Every address that gave no answer (nameserver, proxy, endpoint): the rules out, and the rules back in."""
    aims = list(dict.fromkeys(aim for seen in surveys(host, settings) for aim in unanswered(seen)))
    broken = list(dict.fromkeys(aim for seen in surveys(host, settings) for aim in broken_off(seen)))
    if not aims and not broken:
        yield passed(ID, "packet filter", "everything that was asked gave an answer")
        return
    walls, table = firewall(host), routes(host)
    if not host.inventory().is_root or not walls.readable or not (walls.backends or walls.nft.readable):
        yield skipped(ID, "packet filter", "the rules may be read by root only", because="root")
        return
    by_rule: dict[Stop, list[Aim]] = {}
    for aim in aims:
        if stop := own_stop(walls, table, aim.address, aim.port, aim.protocol, _below(host, table, aim)):
            by_rule.setdefault(stop, []).append(aim)
    for stop, stopped in by_rule.items():
        yield _dropped(host, stop, stopped)
    free = [aim for aim in aims if not any(aim in stopped for stopped in by_rule.values())]
    diverted = _diverted(host, settings, free, broken)
    for rule, lost in diverted.items():
        yield _sent_elsewhere(host, rule, lost)
    if not by_rule and not diverted:
        yield passed(
            ID,
            "packet filter",
            f"no rule of this host is known to stop the {count(aims or broken, 'address', 'addresses')} without an answer",
        )


def _below(host: Host, table: tuple[Route, ...], aim: Aim) -> Below:
    """What lies under the card by which packets go there; not asked where no rule could be on it."""
    route = route_to(aim.address, table)
    if route is None or not any(
        chain.hook in CARD_HOOKS or chain.family == BRIDGE for chain in firewall(host).nft.chains
    ):
        return NOTHING
    return Below(below(host, route.interface), is_bridge(host, route.interface))


def unanswered(seen: Survey) -> Iterator[Aim]:
    """What was asked and gave no answer."""
    for item in lookups(seen):
        for answer in item.servers:
            if (
                answer.reason in (Reason.NAMESERVER_TIMEOUT, Reason.SERVER_FAILURE)
                and not answer.late
                and answer.source
            ):
                yield Aim(answer.source, 53, "udp")
    for visit in (*seen.visits, *seen.extra):
        port = visit.dialled_port
        for probe in visit.probes if port else ():
            failed = probe.stage in (Stage.CONNECT, Stage.PROXY) and probe.reason in UNANSWERED and not probe.late
            if failed and probe.address:
                yield Aim(probe.address, port, "tcp")


def broken_off(seen: Survey) -> Iterator[Aim]:
    """What took a connection, and then closed it, was silent, or spoke something else than it should."""
    for visit in (*seen.visits, *seen.extra):
        for probe in visit.probes if visit.dialled_port else ():
            if probe.address and probe.reason in BROKEN and not probe.late:
                yield Aim(probe.address, visit.dialled_port, "tcp")


def answered(seen: Survey) -> Iterator[Aim]:
    """What gave an answer directly."""
    for item in lookups(seen):
        yield from (Aim(answer.source, 53, "udp") for answer in item.servers if answer.source and not answer.reason)
    for visit in (*seen.visits, *seen.extra):
        if not visit.proxy:
            yield from (
                Aim(probe.address, visit.endpoint.port, "tcp")
                for probe in visit.probes
                if probe.address and probe.stage is not Stage.CONNECT and probe.reason not in BROKEN
            )


def _diverted(host: Host, settings: Settings, aims: Sequence[Aim], broken: Sequence[Aim]) -> dict[Diversion, list[Aim]]:
    """What NAT rules of this host send elsewhere, where nothing of all that they divert got an answer."""
    walls, table = firewall(host), routes(host)
    own = frozenset(one.partition("/")[0] for card in host.inventory().interfaces for one in card.addresses)
    found: dict[Diversion, list[Aim]] = {}
    for aim in aims:
        if rule := diversion(walls, table, aim.address, aim.port, aim.protocol, own):
            found.setdefault(rule, []).append(aim)
    for aim in broken:
        rule = diversion(walls, table, aim.address, aim.port, aim.protocol, own)
        if rule and not rule.is_source:
            found.setdefault(replace(rule, accepts=True), []).append(aim)
    if found:
        for aim in dict.fromkeys(aim for seen in surveys(host, settings) for aim in answered(seen)):
            if rule := diversion(walls, table, aim.address, aim.port, aim.protocol, own):
                found.pop(rule, None)
                found.pop(replace(rule, accepts=True), None)
    return found


def _sent_elsewhere(host: Host, rule: Diversion, lost: list[Aim]) -> Finding:
    fix = (
        "Give the rule an address that this host has (or MASQUERADE), or limit it to the packets that it is for"
        if rule.is_source
        else "Restore the program that this rule serves (transparent proxy, interceptor, DNS forwarder), or remove the rule"
    )
    return trouble(
        ID,
        Status.FAIL,
        rule.hop,
        f"this host's own NAT rule {_does(rule, _shown(lost))}: {rule.hop}: {rule.rule}",
        cause="egress.host-firewall",
        remedy=remedy(
            host,
            f"{fix}, in whatever sets it; the commands let these packets pass unchanged until the next reload.",
            *_past(rule, lost),
        ),
        evidence=HostFirewall(rule=rule.rule, hop=rule.hop, stopped=[aim.address for aim in lost]),
    )


def _does(rule: Diversion, shown: str) -> str:
    to = f" ({rule.to})" if rule.to else ""
    if rule.is_source:
        return f"gives what goes to {shown} a source address that this host does not have{to}"
    if rule.accepts:
        place = f"a port of this host{to}" if rule.kind == "REDIRECT" else f"another place{to}"
        return f"sends what goes to {shown} to {place}, which accepts connections and serves none of them"
    if rule.kind == "REDIRECT":
        return f"sends what goes to {shown} to a port of this host{to}, which does not answer"
    return f"sends what goes to {shown} elsewhere{to}, where nothing answers"


def _past(rule: Diversion, lost: Sequence[Aim]) -> tuple[Command, ...]:
    """The commands that let these packets pass before the rule, each port once."""
    kinds = tuple(dict.fromkeys((":" in aim.address, aim.protocol, str(aim.port)) for aim in lost))
    if rule.hop.startswith("nft "):
        # Packets of containers go by POSTROUTING too, and need their own translation behind this rule.
        own = ("fib", "saddr", "type", "local") if rule.is_source else ()
        start = ("nft", "insert", "rule", *rule.hop.split()[1:], *own)
        return tuple(dict.fromkeys((*start, protocol, "dport", port, "accept") for _, protocol, port in kinds))
    own = ("-m", "addrtype", "--src-type", "LOCAL") if rule.is_source else ()
    # By the iptables that made the rule: where both kinds are in use, both of their hooks run.
    start = (rule.program, "-t", "nat", "-I", rule.hop.split()[1], "1")
    return tuple(
        dict.fromkeys((*start, "-p", protocol, "--dport", port, *own, "-j", "ACCEPT") for _, protocol, port in kinds)
    )


def _shown(aims: Sequence[Aim]) -> str:
    return some([f"{aim.address}:{aim.port}" for aim in aims])


def _dropped(host: Host, stop: Stop, stopped: list[Aim]) -> Finding:
    way = "the answers of" if stop.inbound else "what it sends to"
    return trouble(
        ID,
        Status.FAIL,
        stop.hop,
        f"this host's own packet filter drops {way} {_shown(stopped)}: {stop.hop}: {stop.rule}",
        cause="egress.host-firewall",
        remedy=remedy(
            host,
            "Change that rule, or accept these packets before it, in whatever manages the chain (ufw, firewalld, "
            "/etc/nftables.conf, a saved ruleset); the commands do it until the next reload.",
            *(_accept_early(stop, stopped) if stop.early else _accept(stop, stopped)),
        ),
        evidence=HostFirewall(rule=stop.rule, hop=stop.hop, stopped=[aim.address for aim in stopped]),
    )


def _accept_early(stop: Stop, stopped: list[Aim]) -> tuple[Command, ...]:
    """By the far end's port: which connection an answer belongs to may not be known there yet."""
    ports = tuple(dict.fromkeys((aim.protocol, str(aim.port), ":" in aim.address) for aim in stopped))
    if stop.hop.startswith("nft "):
        _, family, table, chain = stop.hop.split()
        start = ("nft", "insert", "rule", family, table, chain)
        return tuple(dict.fromkeys((*start, protocol, "sport", port, "accept") for protocol, port, _ in ports))
    return tuple((*_into(stop, six), "-p", protocol, "--sport", port, "-j", "ACCEPT") for protocol, port, six in ports)


def _into(stop: Stop, six: bool) -> Command:
    """The start of a rule before all others, in the table and chain of the one that stops the packet."""
    table, chain, *_ = stop.hop.split()
    return (*iptables(of_family(stop.program, 6 if six else 4), table), "-I", chain, "1")


def _accept(stop: Stop, stopped: list[Aim]) -> tuple[Command, ...]:
    """One command for each port and protocol that the rule stops, not for the first one alone."""
    return tuple(dict.fromkeys(_accept_one(stop, aim) for aim in stopped))


def _accept_one(stop: Stop, aim: Aim) -> Command:
    if stop.hop.startswith("nft "):
        _, family, table, chain = stop.hop.split()
        words = ("ct", "state", "established,related") if stop.inbound else (aim.protocol, "dport", str(aim.port))
        return ("nft", "insert", "rule", family, table, chain, *words, "accept")
    start = _into(stop, ":" in aim.address)
    if stop.inbound:
        return (*start, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT")
    return (*start, "-p", aim.protocol, "--dport", str(aim.port), "-j", "ACCEPT")


CHECKS: tuple[Check, ...] = (host_firewall,)
