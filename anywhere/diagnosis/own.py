"""Causes in this host's own routes, resolver and ports: they come before anything remote is blamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from anywhere.diagnosis.engine import Case, Claim, Rule, said_by
from anywhere.diagnosis.evidence import NAMESERVERS, REACH, Seen, explained_here, is_late, shapes
from anywhere.diagnosis.subjects import host_of
from anywhere.model import Finding, Reason, Remedy, Stage, Status

ROUTES, RESOLVER, PORTS = "network.own-routes", "network.own-resolver", "network.client-ports"
LIMITS, CONNECTION_TABLE = "system.kernel-limits", "net.netfilter.nf_conntrack_max"
NEVER_BEGUN = (Reason.NAMESERVER_TIMEOUT, Reason.TIMEOUT, Reason.PROXY_UNREACHABLE)
LINK, LATENCY, HELLO = "network.own-link", "endpoints.latency", "endpoints.large-hello"


def _own(check: str, code: str) -> Claim:
    """Claim the findings of a check with this code, and the nameservers, names and addresses that they explain."""

    def claim(case: Case) -> Iterator[int]:
        addresses: set[str] = set()
        names: set[str] = set()
        for index, finding in case.trouble(check):
            if finding.cause == code:
                their_addresses, their_names = explained_here(finding)
                addresses.update(their_addresses)
                names.update(their_names)
                yield index
        if addresses or names:
            mute = any(one.subject in addresses for one in case.of(NAMESERVERS) if one.is_trouble)
            for index, finding in case.trouble(NAMESERVERS, REACH):
                if _is_explained(finding, addresses, names, mute):
                    yield index

    return claim


def _table_full(case: Case) -> Iterator[int]:
    """A full connection table drops the first packet of every new connection, and so each question and each connect."""
    full = [
        index
        for index, finding in case.trouble(LIMITS)
        if finding.subject == CONNECTION_TABLE and finding.status is Status.FAIL
    ]
    if full:
        yield from full
        yield from (i for i, f in case.trouble(NAMESERVERS, REACH) if f.reason in NEVER_BEGUN)


def _shaping(case: Case) -> Iterator[int]:
    """What this host's own shaping holds back or loses explains all that is late, and all that names and endpoints lack."""
    held = [index for index, finding in case.trouble(LINK) if shapes(finding)]
    if held:
        yield from held
        yield from (i for i, f in case.trouble(NAMESERVERS, REACH, LATENCY, HELLO) if f.check == LATENCY or is_late(f))


def _is_explained(finding: Finding, addresses: set[str], names: set[str], mute: bool) -> bool:
    if finding.check == NAMESERVERS:
        return finding.subject in addresses
    seen = Seen(finding)
    subject = host_of(finding)
    if finding.stage is Stage.RESOLVE:
        return mute or any(fnmatchcase(name, subject) for name in names)
    if seen.proxy_unresolved:
        return mute or bool(names)
    return bool(seen.failed) and addresses.issuperset(seen.failed)


def _fix(check: str, findings: Sequence[Finding]) -> Remedy:
    return next((one.remedy for one in findings if one.check == check and one.remedy), Remedy("See the findings."))


def _rule(check: str, code: str) -> Rule:
    return Rule(code, _own(check, code), said_by(check), lambda fs: _fix(check, fs))


RULES: tuple[Rule, ...] = (
    _rule(PORTS, "kernel.limit"),
    Rule("kernel.limit", _table_full, said_by(LIMITS), lambda fs: _fix(LIMITS, fs)),
    _rule(ROUTES, "egress.host-firewall"),
    _rule(LINK, "egress.host-firewall"),
    _rule(LINK, "egress.path-mtu"),
    _rule(LINK, "egress.wrong-route"),
    Rule("egress.slow", _shaping, said_by(LINK), lambda fs: _fix(LINK, fs)),
    _rule(ROUTES, "egress.wrong-route"),
    _rule(ROUTES, "egress.no-route"),
    _rule(RESOLVER, "dns.nameserver-down"),
    _rule(RESOLVER, "dns.server-failing"),
    _rule(RESOLVER, "dns.nameserver-degraded"),
    _rule(RESOLVER, "dns.names-hidden"),
    _rule(RESOLVER, "dns.answers-forged"),
)
