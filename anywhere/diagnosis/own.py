"""This host's own routes and resolver, before anybody else is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from anywhere.diagnosis.engine import Case, Claim, Rule
from anywhere.diagnosis.evidence import Seen, explained_here
from anywhere.model import Finding, Remedy, Stage

ROUTES, RESOLVER, PORTS = "network.own-routes", "network.own-resolver", "network.client-ports"


def _own(check: str, code: str) -> Claim:
    """The findings of a check with this code, and what they explain: nameservers, names, addresses."""

    def claim(case: Case) -> Iterator[int]:
        addresses: set[str] = set()
        names: set[str] = set()
        for index, finding in case.trouble(check):
            if finding.cause == code:
                own = explained_here(finding)
                addresses |= set(own[0])
                names |= set(own[1])
                yield index
        if addresses or names:
            mute = any(one.subject in addresses for one in case.of("network.nameservers") if one.is_trouble)
            for index, finding in case.trouble("network.nameservers", "endpoints.reach"):
                if _is_explained(finding, addresses, names, mute):
                    yield index

    return claim


def _is_explained(finding: Finding, addresses: set[str], names: set[str], mute: bool) -> bool:
    if finding.check == "network.nameservers":
        return finding.subject in addresses
    seen = Seen(finding)
    subject = finding.subject.rpartition(":")[0]
    if finding.stage is Stage.RESOLVE:
        return mute or any(fnmatchcase(name, subject) for name in names)
    if seen.proxy_unresolved:
        return mute or bool(names)
    failed = [entry.get("address", "") for entry in seen.addresses if entry.get("reason")]
    return bool(failed) and addresses.issuperset(failed)


def _say(check: str, findings: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(finding.summary for finding in findings if finding.check == check))


def _fix(check: str, findings: Sequence[Finding]) -> Remedy:
    return next((one.remedy for one in findings if one.check == check and one.remedy), Remedy("See the findings."))


def _rule(check: str, code: str) -> Rule:
    return Rule(code, _own(check, code), lambda fs: _say(check, fs), lambda fs: _fix(check, fs))


RULES: tuple[Rule, ...] = (
    _rule(PORTS, "kernel.limit"),
    _rule(ROUTES, "egress.wrong-route"),
    _rule(ROUTES, "egress.no-route"),
    _rule(RESOLVER, "dns.nameserver-down"),
    _rule(RESOLVER, "dns.server-failing"),
    _rule(RESOLVER, "dns.nameserver-degraded"),
    _rule(RESOLVER, "dns.names-hidden"),
    _rule(RESOLVER, "dns.answers-forged"),
)
