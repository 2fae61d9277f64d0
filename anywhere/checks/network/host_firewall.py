"""The host's own packet filter, followed for what did not answer: before something remote is blamed."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.network.dns import lookups
from anywhere.checks.remedies import Command, remedy
from anywhere.evidence import HostFirewall
from anywhere.facts.agents.ports import listeners
from anywhere.facts.firewall.diverted import Diverted, diverted
from anywhere.facts.firewall.firewall import firewall
from anywhere.facts.firewall.outgoing import Stop, own_stop
from anywhere.facts.network.routes import routes
from anywhere.facts.network.survey import Survey
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Stage, Status
from anywhere.settings import Settings

ID = "network.host-firewall"
UNANSWERED = (Reason.TIMEOUT, Reason.REFUSED, Reason.UNREACHABLE, Reason.PROXY_UNREACHABLE)
Aim = tuple[str, int, str]
DNS = 53


@check(ID)
def host_firewall(host: Host, settings: Settings) -> Iterator[Finding]:
    """Every address that gave no answer (nameserver, proxy, endpoint): the rules out, and the rules back in."""
    aims = list(dict.fromkeys(aim for seen in surveys(host, settings) for aim in unanswered(seen)))
    if not aims:
        yield passed(ID, "packet filter", "everything that was asked gave an answer")
        return
    walls, table = firewall(host), routes(host)
    if not host.inventory().is_root or not walls.readable or not (walls.backends or walls.nft.readable):
        yield skipped(ID, "packet filter", "the rules may be read by root only", because="root")
        return
    by_rule: dict[Stop | Diverted, list[Aim]] = {}
    for aim in aims:
        if rule := diverted(walls, table, *aim) or own_stop(walls, table, *aim):
            by_rule.setdefault(rule, []).append(aim)
    for rule, stopped in by_rule.items():
        yield _dropped(host, rule, stopped) if isinstance(rule, Stop) else _diverted(host, rule, stopped)
    if not by_rule:
        yield passed(
            ID,
            "packet filter",
            f"no rule of this host is known to stop the {len(aims)} address{'es' * (len(aims) != 1)} without an answer",
        )


def unanswered(seen: Survey) -> Iterator[Aim]:
    """Address, port and protocol of what was asked and gave no answer."""
    for item in lookups(seen):
        for answer in item.servers:
            if (
                answer.reason in (Reason.NAMESERVER_TIMEOUT, Reason.SERVER_FAILURE)
                and not answer.late
                and answer.source
            ):
                yield answer.source, 53, "udp"
    for visit in (*seen.visits, *seen.extra):
        for probe in visit.probes:
            if probe.stage in (Stage.CONNECT, Stage.PROXY) and probe.reason in UNANSWERED and not probe.late:
                port = visit.proxy.rpartition(":")[2].strip("/") if visit.proxy else str(visit.endpoint.port)
                if probe.address and port.isdigit():
                    yield probe.address, int(port), "tcp"


def _shown(stopped: list[Aim]) -> str:
    more = f" and {len(stopped) - 3} more" if len(stopped) > 3 else ""
    return ", ".join(f"{address}:{port}" for address, port, _ in stopped[:3]) + more


def _diverted(host: Host, rule: Diverted, stopped: list[Aim]) -> Finding:
    """What goes to another place never reaches the network: that place is asked about, not the network team."""
    here = not rule.address or rule.address.startswith("127.") or rule.address == "::1"
    port = rule.port or stopped[0][1]
    idle = here and stopped[0][2] == "tcp" and not listeners(host, port)
    place = f"port {port} of this host" if here else f"{rule.address}:{port}"
    state = "where nothing listens" if idle else "which gives no answer"
    said = f"this host's own packet filter redirects what it sends to {_shown(stopped)} to {place}, {state}"
    text = (
        f"Start the program that serves {place} (a transparent proxy, a DNS filter), or take the rule away where it is kept "
        "(that program's service, a saved ruleset). The commands send these packets past the rule until the next reload."
    )
    commands = tuple(dict.fromkeys(command for aim in stopped for command in _pass_by(rule, aim)))
    evidence = HostFirewall(rule=rule.rule, hop=rule.hop, stopped=[address for address, _, _ in stopped])
    fix = remedy(host, text, *commands)
    code = "egress.host-firewall"
    return trouble(
        ID, Status.FAIL, rule.hop, f"{said}: {rule.hop}: {rule.rule}", cause=code, remedy=fix, evidence=evidence
    )


def _pass_by(rule: Diverted, aim: Aim) -> tuple[Command, ...]:
    """An accept in front of nat's rules: for a connection that meets it nothing is translated."""
    address, port, protocol = aim
    both = ("udp", "tcp") if port == DNS else (protocol,)
    if rule.hop.startswith("nft "):
        start: Command = ("nft", "insert", "rule", *rule.hop.split()[1:])
        return tuple((*start, one, "dport", str(port), "accept") for one in both)
    start = ("ip6tables" if ":" in address else "iptables", "-t", "nat", "-I", "OUTPUT", "1", "-p")
    return tuple((*start, one, "--dport", str(port), "-j", "ACCEPT") for one in both)


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
            *(_accept_early(stop, stopped) if stop.early else _accept(stop, stopped[0])),
        ),
        evidence=HostFirewall(rule=stop.rule, hop=stop.hop, stopped=[address for address, _, _ in stopped]),
    )


def _accept_early(stop: Stop, stopped: list[Aim]) -> tuple[Command, ...]:
    """By the far end's port: which connection an answer belongs to may not be known there yet."""
    ports = tuple(dict.fromkeys((protocol, str(port), ":" in address) for address, port, protocol in stopped))
    if stop.hop.startswith("nft "):
        _, family, table, chain = stop.hop.split()
        start = ("nft", "insert", "rule", family, table, chain)
        return tuple(dict.fromkeys((*start, protocol, "sport", port, "accept") for protocol, port, _ in ports))
    table = stop.hop.partition(" ")[0]
    return tuple(
        (
            "ip6tables" if six else "iptables",
            "-t",
            table,
            "-I",
            "PREROUTING",
            "1",
            "-p",
            protocol,
            "--sport",
            port,
            "-j",
            "ACCEPT",
        )
        for protocol, port, six in ports
    )


def _accept(stop: Stop, aim: Aim) -> tuple[Command, ...]:
    address, port, protocol = aim
    if not stop.hop.startswith("nft "):
        program = "ip6tables" if ":" in address else "iptables"
        if stop.inbound:
            return (
                (program, "-I", "INPUT", "1", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"),
            )
        return ((program, "-I", "OUTPUT", "1", "-p", protocol, "--dport", str(port), "-j", "ACCEPT"),)
    _, family, table, chain = stop.hop.split()
    words = ("ct", "state", "established,related") if stop.inbound else (protocol, "dport", str(port))
    return (("nft", "insert", "rule", family, table, chain, *words, "accept"),)


CHECKS: tuple[Check, ...] = (host_firewall,)
