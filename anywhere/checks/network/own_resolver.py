"""The resolver on this host comes before anybody else is asked: whom it asks answers, and it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.network.dns import lookups
from anywhere.checks.remedies import Command, remedy
from anywhere.evidence import Own
from anywhere.facts.network.lookup import Lookup
from anywhere.facts.network.own_resolver import (
    DNSMASQ,
    MANAGER,
    NAMED,
    RESOLVED,
    UNBOUND,
    Line,
    OwnResolver,
    own_resolvers,
)
from anywhere.facts.network.resolv_conf import ResolvConf, resolv_conf
from anywhere.facts.network.resolved_links import Route, links, route_of
from anywhere.facts.network.routes import is_private
from anywhere.hosts.base import Answer, Host, Query
from anywhere.model import EDIT, Finding, Reason, Stage, Status
from anywhere.settings import Settings
from anywhere.wording import some

ID = "network.own-resolver"
DOWN, FAILING, HIDDEN, FORGED = "dns.nameserver-down", "dns.server-failing", "dns.names-hidden", "dns.answers-forged"
DEGRADED = "dns.nameserver-degraded"
# Guessed numbers may exist nowhere, and new regions have no ec2messages.
_MAY_NOT_EXIST = ("ecs-a-", "ecs-t-", "ec2messages.")
CODES = {
    Reason.NAMESERVER_TIMEOUT: DOWN,
    Reason.SERVER_FAILURE: FAILING,
    Reason.NAME_UNKNOWN: HIDDEN,
    Reason.BOGUS_ANSWER: FORGED,
}
STATUS: tuple[Command, ...] = (("resolvectl", "status"),)
# The settings that make a resolver refuse or hide what whom it asks knows, best first; and what they do.
BLAMED: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    RESOLVED: (
        (r"^DNSSEC\s*=\s*(yes|true|1|on)\b", (FAILING,), "insists on DNSSEC signatures, which the nameserver behind it does "
         "not hand on"),
        (r"^DNSOverTLS\s*=\s*(yes|true|1|on)\b", (FAILING, DOWN), "insists on TLS to the nameserver behind it"),
        (r"^DNSStubListener\s*=\s*(no|false|0|off|tcp)\b", (DOWN,), "switches the stub off that resolv.conf still names"),
        (r"^Domains\s*=.*~", (FAILING, HIDDEN, DOWN), "routes domains to the nameservers of one link"),
    ),
    DNSMASQ: (
        (r"^(address|local)=/[^#]*(amazonaws|api\.aws|/aws/)", (HIDDEN, FORGED), "answers AWS's names itself"),
        (r"^server=/[^#]*(amazonaws|api\.aws|/aws/)", (FAILING, HIDDEN, DOWN), "sends AWS's names to another nameserver"),
        (r"^stop-dns-rebind\b", (HIDDEN,), "drops private addresses (rebinding protection), which PrivateLink's names have"),
        (r"^dnssec(-check-unsigned)?\b", (FAILING,), "insists on DNSSEC signatures"),
    ),
    UNBOUND: (
        (r"^local-zone:.*(amazonaws|api\.aws|\"aws\.?\")", (HIDDEN, FAILING), "answers AWS's names itself"),
        (r"^private-address:", (HIDDEN,), "drops private addresses (rebinding protection), which PrivateLink's names have"),
        (r"^module-config:.*validator|^auto-trust-anchor-file:", (FAILING,), "insists on DNSSEC signatures"),
    ),
    NAMED: ((r"dnssec-validation\s+(yes|auto)", (FAILING,), "insists on DNSSEC signatures"),),
}  # fmt: skip
BLAMED[MANAGER] = BLAMED[DNSMASQ]


@check(ID)
def own_resolver(host: Host, settings: Settings) -> Iterator[Finding]:
    """Names that a resolver of this host does not resolve, and whom it asks does."""
    own = own_resolvers(host)
    asked = [item for seen in surveys(host, settings) for item in lookups(seen) if not item.name.startswith("zq7-")]
    found = [finding for one in own if (finding := _judge(host, one, asked))]
    if searched := _searched(host, asked):
        found.append(searched)
    yield from found
    if not own and not found:
        yield skipped(ID, "/etc/resolv.conf", "names no resolver on this host")
    elif not found:
        names = ", ".join(f"{one.name} ({one.address})" for one in own) or "/etc/resolv.conf"
        yield passed(ID, names, "hides nothing that whom it asks knows")


def _judge(host: Host, one: OwnResolver, asked: Sequence[Lookup]) -> Finding | None:
    failed = [
        (item, answer) for item in asked for answer in item.servers if answer.source == one.address and answer.reason
    ]
    failed = [(item, answer) for item, answer in failed if not answer.late and answer.reason in CODES]
    failed.sort(key=lambda row: row[0].name.startswith(_MAY_NOT_EXIST))
    off = _is_off(one, failed, asked)
    # At silence and at errors every program asks the next nameserver.
    spared = all(map(_is_answered, (item for item, _ in failed)))
    for item, answer in failed[:2]:
        for server in one.upstreams[:3]:
            behind = host.resolve(Query(item.name, server))
            if behind.addresses:
                return _found(host, one, answer, behind, [other.name for other, _ in failed], spared)
    return (
        _found(host, one, failed[0][1], None, [other.name for other, _ in failed], spared) if off and failed else None
    )


def _is_answered(item: Lookup) -> bool:
    """Whether a nameserver has an address for the name, or reports no such name of one that may not exist."""
    may_not_exist = item.name.startswith(_MAY_NOT_EXIST)
    return any(answer.addresses or (may_not_exist and answer.reason is Reason.NAME_UNKNOWN) for answer in item.servers)


def _is_off(one: OwnResolver, failed: Sequence[tuple[Lookup, Answer]], asked: Sequence[Lookup]) -> bool:
    """Nothing listens where resolv.conf points: that is this host's own doing, whoever stands behind it."""
    silent = all(answer.reason is Reason.NAMESERVER_TIMEOUT for _, answer in failed)
    return one.listens is False and silent and len(failed) == len(asked)


def _found(
    host: Host, one: OwnResolver, answer: Answer, behind: Answer | None, names: list[str], spared: bool
) -> Finding:
    assert answer.reason is not None
    off = one.listens is False and answer.reason is Reason.NAMESERVER_TIMEOUT
    code = CODES[answer.reason]
    spared = spared and code in (DOWN, FAILING)
    line, does = _blamed(one, code, behind)
    route = None if line else _route(host, one, names[0], behind)
    how = {
        DOWN: "does not listen and gives no answer" if off else "gives no answer",
        FAILING: f"answers with an error ({answer.detail})" if answer.detail else "answers with an error",
        HIDDEN: "knows no address",
    }.get(code, "answers falsely")
    asks = f", and {behind.source}, whom it asks, answers" if behind else ""
    why = f": {line.place} `{line.text}` {does}" if line else ""
    if route:
        why = f": the domain {route.domain} of the link {route.link.name} sends them to {', '.join(route.link.servers)}"
    whose = f"this host's own {one.program}" if one.program else one.name
    said = f"{whose} ({one.address}) {how} for {some(names, 2)}{asks}{why}"
    if spared:
        said += "; another nameserver of /etc/resolv.conf answers instead"
    if quote := _journal(host, one, names[0]):
        said += f'; its journal: "{quote}"'
    text, commands = _without(route) if route else _fix(one, code, line, behind)
    evidence: Own = {"explains": [one.address] if behind is None or len(names) > 1 else [], "names": names}
    return trouble(
        ID,
        Status.WARN if spared else Status.FAIL,
        one.address,
        said,
        cause=DEGRADED if spared else code,
        stage=Stage.RESOLVE,
        reason=answer.reason,
        remedy=remedy(host, text, *commands, look=STATUS if one.program == RESOLVED else ()),
        evidence=evidence,
    )


def _route(host: Host, one: OwnResolver, name: str, behind: Answer | None) -> Route | None:
    """The link that systemd-resolved sends the name to, where that is not the one whose nameserver answers."""
    if one.program != RESOLVED or behind is None:
        return None
    route = route_of(links(host), name)
    return route if route and behind.source not in route.link.servers else None


def _without(route: Route) -> tuple[str, tuple[Command, ...]]:
    """Take the domain off the link; the others stay."""
    name = route.link.name
    kept = tuple(domain for domain in route.link.domains if domain != route.domain)
    return (
        f"Take {route.domain} off the link {name}, so that other nameservers are asked for AWS's names. Then keep it: in what "
        f"sets the link up (Domains= of systemd-networkd, ipv4.dns-search of NetworkManager, the VPN's own settings).",
        (("resolvectl", "domain", name, *(kept or ("",))), ("resolvectl", "flush-caches")),
    )


def _blamed(one: OwnResolver, code: str, behind: Answer | None) -> tuple[Line | None, str]:
    private = behind is not None and any(map(is_private, behind.addresses))
    for pattern, codes, does in BLAMED.get(one.program, ()):
        if code not in codes or ("rebinding" in does and not private):
            continue
        if line := one.find(pattern):
            return line, does
    return None, ""


def _fix(one: OwnResolver, code: str, line: Line | None, behind: Answer | None) -> tuple[str, tuple[Command, ...]]:
    restart: tuple[Command, ...] = (("systemctl", "restart", one.unit),) if one.unit else ()
    where = f"On this host, in {line.path}" if line else "On this host"
    if line and line.text.upper().startswith("DNSSEC="):
        edit = (*EDIT, f"{line.number}s/=.*/=allow-downgrade/", line.path)
        return f"{where}: let {one.name} do without signatures where there are none (DNSSEC=allow-downgrade).", (
            edit,
            *restart,
        )
    if line and line.text.startswith("stop-dns-rebind"):
        edit = (*EDIT, f"{line.number}a rebind-domain-ok=/amazonaws.com/api.aws/", line.path)
        return f"{where}: except AWS's domains from the rebinding protection.", (edit, *restart)
    if line and line.text.startswith("private-address:"):
        add = (*EDIT, f'{line.number}a private-domain: "amazonaws.com"', line.path)
        return f"{where}: except AWS's domains from the rebinding protection (private-domain).", (add, *restart)
    if line and line.text.startswith("DNSStubListener"):
        target = ("ln", "-sf", "/run/systemd/resolve/resolv.conf", "/etc/resolv.conf")
        return "Point /etc/resolv.conf at the nameservers themselves, or switch the stub on again.", (target,)
    if line:
        off = (*EDIT, f"{line.number}s/^/#/", line.path)
        text = f"{where}: take back line {line.number} (the command makes a comment of it), or correct it."
        return f"{text} Then restart {one.name}.", (off, *restart)
    if code == DOWN and behind is None:
        start: tuple[Command, ...] = (("systemctl", "enable", "--now", one.unit),) if one.unit else ()
        return f"Start {one.name}, or name a nameserver that runs in /etc/resolv.conf.", start
    return (
        f"Correct the settings of {one.name} on this host, or restart it: {behind.source if behind else ''} answers.",
        restart,
    )


def _journal(host: Host, one: OwnResolver, name: str) -> str:
    """The resolver's own last line about such a name."""
    if not one.unit:
        return ""
    rows = host.run(
        ("journalctl", "-u", one.unit, "-n", "40", "--no-pager", "-o", "cat"), timeout=3
    ).stdout.splitlines()
    relevant = [row.strip() for row in rows if name in row or "DNSSEC" in row or "rebind" in row]
    return relevant[-1].partition("]: ")[2] or relevant[-1] if relevant else ""


def _searched(host: Host, asked: Sequence[Lookup]) -> Finding | None:
    """With a large `ndots` the search domains come first, and a wildcard there answers in AWS's place."""
    conf = resolv_conf(host)
    for item in asked:
        direct = {address for answer in item.servers for address in answer.addresses}
        if item.name.count(".") >= conf.ndots or not conf.search or not conf.nameservers or not item.system.addresses:
            continue
        if direct and direct.isdisjoint(item.system.addresses):
            for domain in conf.search:
                longer = host.resolve(Query(f"{item.name}.{domain}", conf.nameservers[0]))
                if set(longer.addresses) & set(item.system.addresses):
                    return _search_finding(host, conf, domain, [one.name for one in asked], longer)
    return None


def _search_finding(host: Host, conf: ResolvConf, domain: str, names: list[str], answer: Answer) -> Finding:
    evidence: Own = {"explains": list(answer.addresses), "names": names}
    return trouble(
        ID,
        Status.FAIL,
        "/etc/resolv.conf",
        f"`options ndots:{conf.ndots}` has {names[0]} asked as {names[0]}.{domain} first, where a wildcard answers "
        f"{', '.join(answer.addresses[:2])}",
        cause=FORGED,
        stage=Stage.RESOLVE,
        reason=Reason.BOGUS_ANSWER,
        remedy=remedy(
            host,
            "Take ndots out of resolv.conf (and out of what writes it): names with dots are then asked as they are.",
            (*EDIT, r"s/ndots:[0-9]*/ndots:1/", "/etc/resolv.conf"),
        ),
        evidence=evidence,
    )


CHECKS: tuple[Check, ...] = (own_resolver,)
