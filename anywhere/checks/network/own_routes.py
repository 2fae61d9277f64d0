"""This host's own routes come before anybody else is asked: another card, gateway or table would do."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from functools import partial

from anywhere.checks.base import Check, check, passed, trouble
from anywhere.checks.containers.subnets import bridge_networks
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.network.host_firewall import unanswered
from anywhere.checks.network.own_addresses import own_addresses
from anywhere.checks.remedies import Command, remedy
from anywhere.documents.numbers import whole
from anywhere.evidence import Own
from anywhere.facts.firewall.firewall import firewall
from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.firewall.marked import Mark, own_mark
from anywhere.facts.firewall.outgoing import sent
from anywhere.facts.network.kernel_routes import Hop, TableRoute, answers_by, covers, hop, policy_rules, table_routes
from anywhere.facts.ways.rule_choice import chosen_by
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings
from anywhere.threads import fan_out
from anywhere.wording import count, some

ID, CODE, REFUSED = "network.own-routes", "egress.wrong-route", "egress.no-route"
DIVERTED, LOOPBACK = "egress.host-firewall", "lo"
MOST_WAYS, MOST_AIMS = 4, 24
KINDS = ("unreachable", "blackhole", "prohibit")


@frozen
class Better:
    """A route that would do where the one that is taken does not; `why` is what proves it."""

    route: TableRoute
    why: str


@check(ID)
def own_routes(host: Host, settings: Settings) -> Iterator[Finding]:
    """For what gave no answer, every other route of this host is tried: nothing is changed for that."""
    aims = [aim for seen in surveys(host, settings) for aim in unanswered(seen) if ":" not in aim.address]
    aims = list(dict.fromkeys(aims))
    if not aims:
        yield passed(ID, "routes", "everything that was asked gave an answer")
        return
    routes = table_routes(host)
    bridges = {card.name for card in host.inventory().interfaces if bridge_networks(card)}
    by_hop: dict[Hop, list[Aim]] = {}
    caught: dict[Mark, list[Aim]] = {}
    marks: dict[Aim, int] = {}
    marked, walls = any("fwmark" in rule for rule in policy_rules(host)), firewall(host)
    for aim in aims[:MOST_AIMS]:
        # A bridge of containers that covers the address is no choice among routes: containers.subnets says so.
        mark = own_mark(walls, sent("", aim.address, aim.port, aim.protocol)) if marked else None
        value = mark.value if mark else 0
        taken = hop(host, aim.address, mark=value, port=aim.port, protocol=aim.protocol)
        if mark and taken and taken.device == LOOPBACK:
            caught.setdefault(mark, []).append(aim)
        elif taken and taken.device not in bridges:
            marks[aim] = value
            by_hop.setdefault(taken, []).append(aim)
    found = bool(caught)
    for mark, kept in caught.items():
        yield _kept_here(host, mark, kept)
    for taken, stopped in by_hop.items():
        if taken.device == LOOPBACK and (mine := tuple(own_addresses(host, settings, stopped))):
            found = True
            yield from mine
            continue
        if refusing := _refusing(routes, taken, stopped):
            found = True
            yield _refused(host, refusing, [one for one in stopped if covers(refusing, one.address)])
            continue
        if rule := _refusing_rule(host, routes, taken, stopped[0], marks[stopped[0]]):
            found = True
            yield _ruled_out(host, rule, stopped)
            continue
        # What TCP can show comes first; a nameserver may listen there too.
        aim = next((one for one in stopped if one.protocol == "tcp"), stopped[0])
        if better := _better(host, routes, taken, aim):
            found = True
            yield _wrong(host, routes, taken, better, stopped)
    if not found:
        yield passed(
            ID,
            "routes",
            f"no other route of this host reaches the {count(aims, 'address', 'addresses')} without an answer",
        )


def _refusing(routes: Sequence[TableRoute], taken: Hop, stopped: Sequence[Aim]) -> TableRoute | None:
    """The route for a part of the addresses that refuses what a wider one would carry."""
    if not taken.error:
        return None
    address = stopped[0].address
    narrow = [one for one in routes if one.refuses and not one.is_default and covers(one, address)]
    carried = any(covers(one, address) for one in routes if not one.refuses and one.device != "lo")
    return max(narrow, key=lambda one: ipaddress.ip_network(one.network).prefixlen) if narrow and carried else None


def _refused(host: Host, route: TableRoute, stopped: Sequence[Aim]) -> Finding:
    table: Command = ("table", route.table) if route.table != "main" else ()
    said = (
        f"a route of this host refuses {_shown(stopped)}: `{route.kind} {route.network}`"
        f"{f' in table {route.table}' if table else ''}, while a wider route would carry it"
    )
    text = "Take the route away here, and where it is kept (netplan, NetworkManager, a routing daemon, a blocker's script)."
    evidence: Own = {"explains": [aim.address for aim in stopped], "names": []}
    command: Command = ("ip", "route", "del", route.kind, route.network, *table)
    fix = remedy(host, text, command, look=(("ip", "route", "show", "table", "all"),))
    return trouble(ID, Status.FAIL, route.network, said, cause=REFUSED, remedy=fix, evidence=evidence)


def _kept_here(host: Host, mark: Mark, stopped: Sequence[Aim]) -> Finding:
    """What a transparent proxy should take: marked on its way out, and routed back to this host."""
    rule = next((one for one in policy_rules(host) if chosen_by(one, stopped[0], mark.value)), "")
    said = (
        f"this host marks what it sends to {_shown(stopped)} ({mark.hop}) and routes it to itself "
        f"(`{' '.join(rule.split())}`), where nothing answers"
    )
    text = (
        "Start the transparent proxy (TPROXY) that this rule serves, or take away the rule, here and where it is kept, and "
        "what marks the packets."
    )
    priority, _, selector = rule.partition(":")
    commands: tuple[Command, ...] = (("ip", "rule", "del", "priority", priority, *selector.split()),) if rule else ()
    evidence: Own = {"explains": [aim.address for aim in stopped], "names": []}
    fix = remedy(host, text, *commands, look=(("ip", "rule", "show"), ("ip", "route", "show", "table", "all")))
    return trouble(ID, Status.FAIL, f"mark {mark.value:#x}", said, cause=DIVERTED, remedy=fix, evidence=evidence)


def _refusing_rule(host: Host, routes: Sequence[TableRoute], taken: Hop, aim: Aim, mark: int) -> str:
    """The routing rule that refuses an address, itself or by its table; empty without one, or where nothing carries it."""
    address = aim.address
    refusing = {one.table for one in routes if one.refuses and covers(one, address)}
    if not taken.error or not any(covers(one, address) and not one.refuses and one.table == "main" for one in routes):
        return ""
    for rule in policy_rules(host):
        words = rule.split()
        table = words[words.index("lookup") + 1] if "lookup" in words[:-1] else ""
        if chosen_by(rule, aim, mark) and (words[-1] in KINDS or table in refusing):
            return rule
    return ""


def _ruled_out(host: Host, rule: str, stopped: Sequence[Aim]) -> Finding:
    priority, _, selector = rule.partition(":")
    said = f"a routing rule of this host refuses {_shown(stopped)}, while the main table would carry it: "
    said += f"`{' '.join(rule.split())}`"
    text = "Take the rule away here, and where it is kept (a VPN's settings, netplan, NetworkManager), or correct its table."
    evidence: Own = {"explains": [aim.address for aim in stopped], "names": []}
    look = (("ip", "rule", "show"), ("ip", "route", "show", "table", "all"))
    fix = remedy(host, text, ("ip", "rule", "del", "priority", priority, *selector.split()), look=look)
    return trouble(ID, Status.FAIL, f"rule {priority}", said, cause=REFUSED, remedy=fix, evidence=evidence)


def _shown(stopped: Sequence[Aim]) -> str:
    return some([aim.address for aim in stopped])


def _better(host: Host, routes: Sequence[TableRoute], taken: Hop, aim: Aim) -> Better | None:
    """Another route that leads there, tried by its card; one by the same card when only its gateway is alive."""
    fitting = [one for one in routes if not one.refuses and one.device != "lo" and covers(one, aim.address)]
    others = {one.device: one for one in reversed(fitting) if one.device != taken.device}
    tried = list(others.values())[:MOST_WAYS]
    answers = fan_out([partial(answers_by, host, aim.address, aim.port, one.device) for one in tried])
    for other, answer in zip(tried, answers, strict=True):
        if answer:
            return Better(other, f"by {other.device} {aim.address} answers")
    beside = [one for one in fitting if one.device == taken.device and one.gateway not in ("", taken.gateway)]
    if beside and taken.gateway:
        states = _neighbours(host, taken.device)
        if states.get(taken.gateway) in ("FAILED", "INCOMPLETE"):
            return Better(beside[0], f"the gateway {taken.gateway} does not answer (ARP: {states[taken.gateway]})")
    return None


def _neighbours(host: Host, device: str) -> dict[str, str]:
    rows = host.run(("ip", "-4", "neigh", "show", "dev", device), timeout=3).stdout.splitlines()
    return {words[0]: words[-1] for row in rows if len(words := row.split()) > 1}


def _wrong(host: Host, routes: Sequence[TableRoute], taken: Hop, better: Better, stopped: Sequence[Aim]) -> Finding:
    used = next(
        (one for one in routes if one.is_default and one.device == taken.device and one.gateway == taken.gateway), None
    )
    # A VPN's two half routes go by the same card: each address has its own.
    each = () if used else dict.fromkeys(filter(None, (_narrow(routes, taken, aim.address) for aim in stopped)))
    narrow = next(iter(each), None)
    way = f"dev {taken.device}" if taken.device else f"no route ({taken.error})"
    way = (
        used.text
        if used
        else f"{narrow.text} by the route to {' and '.join(one.network for one in each)}"
        if narrow
        else way
    )
    rules = policy_rules(host)
    ruled = (
        f"; a routing rule chose it: {'; '.join(rules[:3])}" if rules and (used is None or used.table != "main") else ""
    )
    said = (
        f"this host's own route leads nowhere: {_shown(stopped)} {'is' if len(stopped) == 1 else 'are'} sent {way}, "
        f"while another route of this host would do: {better.route.text} ({better.why}){ruled}"
    )
    evidence: Own = {"explains": [aim.address for aim in stopped], "names": []}
    text, commands = _narrowed(host, narrow) if narrow else _fix(used, better.route, rules)
    commands = (
        tuple(dict.fromkeys(command for one in each for command in _narrowed(host, one)[1])) if each else commands
    )
    return trouble(
        ID,
        Status.FAIL,
        taken.device or "routes",
        said,
        cause=CODE,
        remedy=remedy(host, text, *commands, look=(("ip", "rule", "show"), ("ip", "route", "show", "table", "all"))),
        evidence=evidence,
    )


def _narrow(routes: Sequence[TableRoute], taken: Hop, address: str) -> TableRoute | None:
    """The route of the main table for a part of the addresses by which the kernel sends this one."""
    fitting = [
        one
        for one in routes
        if one.table == "main" and not one.refuses and not one.is_default and one.device == taken.device
        and one.gateway == taken.gateway and covers(one, address)
    ]  # fmt: skip
    return max(fitting, key=lambda one: ipaddress.ip_network(one.network).prefixlen, default=None)


def _narrowed(host: Host, narrow: TableRoute) -> tuple[str, tuple[Command, ...]]:
    """The network of a card itself is given up by that card alone; any other route can be taken away."""
    network = ipaddress.ip_network(narrow.network)
    own = [address for card in host.inventory().interfaces if card.name == narrow.device for address in card.addresses]
    if any(ipaddress.ip_interface(address).network == network for address in own):
        return (
            f"The network {network} of the card {narrow.device} covers addresses that lie elsewhere. Give that card and what "
            "is behind it another range where it is set (libvirt `virsh net-edit`, Podman and LXD network settings, netplan), "
            "or take the card away if nothing uses it.",
            (),
        )
    via: Command = ("via", narrow.gateway) if narrow.gateway else ()
    text = (
        "Take the route away that leads nowhere, here and where it is kept (netplan, NetworkManager, a VPN's settings)."
    )
    return text, (("ip", "route", "del", narrow.network, *via, "dev", narrow.device),)


def _fix(used: TableRoute | None, better: TableRoute, rules: Sequence[str]) -> tuple[str, tuple[Command, ...]]:
    via: Command = ("via", better.gateway) if better.gateway else ()
    keep = (
        "Then keep it: NetworkManager `ipv4.never-default yes` or `ipv4.route-metric`, netplan `use-routes: false` or "
        "`route-metric`, systemd-networkd UseRoutes=no, ifcfg DEFROUTE=no for the other card."
    )
    if better.table != "main" and not rules:
        text = (
            f"The route is in table {better.table} only (a VRF or a table that no rule asks): give the main table one "
            f"too, or run the agents there (`ip vrf exec`). {keep}"
        )
        return text, (("ip", "route", "add", "default", *via, "dev", better.device),)
    if used is not None and used.table == "main" and better.table == "main":
        if used.metric > 1:
            add = ("ip", "route", "add", "default", *via, "dev", better.device, "metric", str(used.metric - 1))
            return f"Prefer the route that works. {keep}", (add,)
        delete = ("ip", "route", "del", "default", *(("via", used.gateway) if used.gateway else ()), "dev", used.device)
        return f"Take the default route away that leads nowhere. {keep}", (delete,)
    first = min((number for rule in rules if (number := whole(rule.partition(":")[0])) is not None), default=0)
    add = ("ip", "rule", "add", "lookup", better.table, "priority", str(first - 1))
    text = f"A routing rule sends this host's packets to a table that leads nowhere (a VPN that is down?): correct it. {keep}"
    return text, (add,) if first > 1 else ()


CHECKS: tuple[Check, ...] = (own_routes,)
