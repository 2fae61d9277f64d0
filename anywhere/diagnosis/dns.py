"""Causes in name resolution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.diagnosis.engine import Case, Claim, Rule, fixed_by
from anywhere.diagnosis.evidence import (
    CONNECT_REASONS,
    NAMESERVERS,
    REACH,
    Seen,
    direct,
    disputed,
    half,
    made_up,
    patience,
    public_names,
    reached,
    without_edns,
)
from anywhere.diagnosis.requests import ask_for_list
from anywhere.diagnosis.subjects import first_host, host_of, names
from anywhere.model import EDIT, Finding, Reason, Remedy, Stage, Status
from anywhere.wording import count

_SILENCE = Reason.NAMESERVER_TIMEOUT
FORGERY, PINS = "network.dns-forgery", "network.hosts-file"
PRIVATE, TCP, AGREEMENT = "network.private-answers", "network.dns-tcp", "network.dns-agreement"


def _with_servers(*reasons: Reason) -> Claim:
    """Claim the nameserver findings with these reasons and, if there are any, the endpoints that did not resolve because of
    them."""

    def claim(case: Case) -> Iterator[int]:
        servers = [(i, f) for i, f in case.trouble(NAMESERVERS) if f.reason in reasons and f.status is Status.FAIL]
        yield from (i for i, _ in servers)
        # A server that answers for some names and is silent about others is not down: the cause is those names.
        another_answers = any(f.status is Status.PASS for f in case.of(NAMESERVERS))
        own = () if _SILENCE in reasons and another_answers else reasons
        for index, finding in reached(case, Stage.RESOLVE):
            if finding.reason in own or (servers and finding.reason in _SYSTEM_GAVE_UP):
                yield index
        if servers:
            yield from (i for i, f in reached(case, Stage.PROXY) if Seen(f).proxy_unresolved)

    return claim


_SYSTEM_GAVE_UP = (Reason.SERVER_FAILURE, Reason.NAMESERVER_TIMEOUT, Reason.NO_NAMESERVER)


def _servers(findings: Sequence[Finding]) -> str:
    found = [f.subject for f in findings if f.check == NAMESERVERS]
    return ", ".join(found) or "the nameserver"


def _patience(findings: Sequence[Finding]) -> int:
    return max(map(patience, (f for f in findings if f.check == NAMESERVERS)), default=0)


def _forgeries(findings: Sequence[Finding]) -> str:
    """A name, and the forged address that it resolves to."""
    for finding in findings:
        if finding.check == FORGERY:
            return f"{finding.subject} {finding.summary}"
        if found := Seen(finding).resolved:
            return f"{names([finding])} resolves to {found[0]}, which is not AWS's"
    return f"{names(findings)} resolve to addresses that are not AWS's"


def _no_server(findings: Sequence[Finding]) -> str:
    return next((f.summary for f in findings if f.check == NAMESERVERS), "names no nameserver")


def _degraded(case: Case) -> Iterator[int]:
    return (i for i, f in case.trouble(NAMESERVERS) if f.status is Status.WARN)


# Adds dns behind the last source, before a comment.
ADD_DNS = r"/^hosts:/{/^[^#]*\bdns\b/!s/^(hosts:[^#]*[^#[:space:]])/\1 dns/}"


def _known(findings: Sequence[Finding]) -> list[str]:
    """The nameservers of this host that know these names; empty if no nameserver knows one of them."""
    sources = sorted({server for f in findings for server in Seen(f).known_to})
    return sources if all(Seen(f).known_to for f in findings) else []


def _hidden_fix(findings: Sequence[Finding]) -> Remedy:
    look = (("getent", "ahosts", first_host(findings)),) if first_host(findings) else ()
    if _known(findings):
        return Remedy(
            "Have this host ask DNS: the command adds dns to the hosts line of /etc/nsswitch.conf where it is missing. Where "
            "it is there, a source before it answers first. Then restart docker, the SSM agent and ecs.",
            (("sudo", *EDIT, "-E", ADD_DNS, "/etc/nsswitch.conf"),),
            look=(("grep", "-n", "^hosts:", "/etc/nsswitch.conf"), *look),
        )
    return Remedy(
        "Forward the zone to a resolver that knows these names. With PrivateLink, create the missing endpoint and its "
        "private DNS name.",
        ask=ask_for_list(findings, f"Ask the DNS team to resolve {names(findings)}"),
        look=look,
    )


def _hidden_summary(findings: Sequence[Finding]) -> str:
    """The nameserver does not answer or denies the names; or it knows them, and this host asks elsewhere."""
    if sources := _known(findings):
        return (
            f"this host does not know {names(findings)}, although {', '.join(sources)} does: its own resolver asks elsewhere "
            "(the hosts line of /etc/nsswitch.conf)"
        )
    what = "gives no answer for" if any(f.reason is _SILENCE for f in findings) else "does not know"
    return f"the nameserver {what} {names(findings)}"


def _hidden(case: Case) -> Iterator[int]:
    """Unknown names. The numbered hosts have their own cause, unless no name resolves, or none of ECS."""
    unknown = [(i, f) for i, f in reached(case, Stage.RESOLVE) if f.reason in (Reason.NAME_UNKNOWN, _SILENCE)]
    whole = bool(unknown) and all(f.stage is Stage.RESOLVE for f in direct(case) if not Seen(f).shards)
    whole = whole or any(Seen(f).service == "ecs" for _, f in unknown)
    for index, finding in unknown:
        if whole or not Seen(finding).shards:
            yield index


def _shards_hidden(case: Case) -> Iterator[int]:
    return (i for i, f in reached(case, Stage.RESOLVE) if Seen(f).shards)


def _forged(case: Case) -> Iterator[int]:
    invented: set[str] = set()
    for index, finding in case.trouble(FORGERY):
        invented |= made_up(finding)
        yield index
    for index, finding in case.trouble():
        if finding.check != REACH:
            continue
        found = set(Seen(finding).resolved)
        if finding.reason is Reason.BOGUS_ANSWER or (found and found <= invented):
            yield index


def _pins(case: Case) -> Iterator[int]:
    pinned: set[str] = set()
    for index, finding in case.trouble(PINS):
        if finding.status is Status.FAIL:
            pinned.add(finding.subject)
        yield index
    for index, finding in case.trouble(REACH):
        if host_of(finding) in pinned:
            yield index


def _private_mixed(case: Case) -> Iterator[int]:
    public: set[str] = set()
    for index, finding in case.trouble(PRIVATE):
        if finding.status is Status.FAIL:
            public |= set(public_names([finding]))
        yield index
    for index, finding in reached(case, Stage.CONNECT):
        if host_of(finding) in public and finding.reason in CONNECT_REASONS:
            yield index


def _tcp_blocked(case: Case) -> Iterator[int]:
    blocked = False
    for index, _ in case.trouble(TCP):
        blocked = True
        yield index
    if blocked:
        yield from (index for index, finding in reached(case, Stage.RESOLVE) if Seen(finding).truncated)


def _differ(case: Case) -> Iterator[int]:
    """Nameservers that disagree, and the names that do not resolve because of it: the first one asked decides."""
    about: set[str] = set()
    for index, finding in case.trouble(AGREEMENT):
        about |= set(disputed([finding]))
        yield index
    for index, finding in reached(case, Stage.RESOLVE):
        if finding.reason is Reason.NAME_UNKNOWN and host_of(finding) in about:
            yield index


def _edns(case: Case) -> Iterator[int]:
    """Names that resolve only without EDNS, and the nameservers that answer only such queries."""
    failed = [index for index, finding in case.trouble(REACH) if Seen(finding).without_edns]
    yield from failed
    if failed:
        yield from (index for index, finding in case.trouble(NAMESERVERS) if without_edns(finding))


USE_VC = "options use-vc"


def _uses_tcp_alone(findings: Sequence[Finding]) -> bool:
    return any(USE_VC in finding.summary for finding in findings)


RULES: tuple[Rule, ...] = (
    Rule(
        "dns.no-nameserver",
        _with_servers(Reason.NO_NAMESERVER),
        lambda fs: f"/etc/resolv.conf {_no_server(fs)}: no name can be resolved",
        Remedy(
            "Add the site's nameservers to this host's network configuration, which writes /etc/resolv.conf "
            "(netplan, NetworkManager or systemd-resolved).",
            ask="Ask the network team for the site's nameservers, and add them to this host's network configuration.",
            look=(("cat", "/etc/resolv.conf"),),
        ),
    ),
    Rule(
        "dns.tcp-blocked",
        _tcp_blocked,
        lambda fs: (
            next((f.summary for f in fs if f.check == TCP and USE_VC in f.summary), "")
            or "The nameserver truncates long answers, and TCP port 53 to it is blocked"
        ),
        lambda fs: Remedy(
            "Allow TCP port 53 to the nameserver, as well as UDP (RFC 7766)."
            + (f" Or take {USE_VC} out of /etc/resolv.conf, where it is written." if _uses_tcp_alone(fs) else ""),
            ask="Ask the network team to allow TCP port 53 from this host to its nameservers.",
        ),
    ),
    Rule(
        "dns.nameserver-down",
        _with_servers(Reason.NAMESERVER_TIMEOUT),
        lambda fs: f"No nameserver answers ({_servers(fs)})" + (f" within {_patience(fs)} s" if _patience(fs) else ""),
        lambda fs: Remedy(
            "Restore the nameserver, allow UDP and TCP port 53 to it, or set another nameserver in the network configuration."
            + (
                " If it is only slow: timeout and attempts in the options of /etc/resolv.conf let a question take "
                f"{_patience(fs)} s in all; take them out."
                if _patience(fs)
                else ""
            ),
            ask=f"Ask the network team to restore DNS from this host to {_servers(fs)} (UDP and TCP port 53).",
            look=(("cat", "/etc/resolv.conf"),),
        ),
    ),
    Rule(
        "dns.hosts-file-pin",
        _pins,
        lambda fs: f"/etc/hosts overrides {names(f for f in fs if f.check == PINS)}",
        fixed_by(PINS),
    ),
    Rule(
        "dns.answers-forged",
        _forged,
        lambda fs: f"The nameserver forges answers: {_forgeries(fs)}",
        Remedy(
            "Exempt the AWS names from the DNS filter (sinkhole, NXDOMAIN rewriting, wildcard record), "
            "or use a nameserver that does not rewrite answers.",
            ask="Ask the DNS team to exempt amazonaws.com from filtering, NXDOMAIN rewriting and wildcard records.",
        ),
    ),
    Rule(
        "dns.server-failing",
        _edns,
        lambda fs: (
            f"{_servers(fs)} does not answer queries with EDNS, which the SSM agent sends: "
            f"no address for {names(f for f in fs if f.check != NAMESERVERS)}"
        ),
        Remedy(
            "Allow queries with EDNS (RFC 6891) on the nameserver or the firewall in front of it. Until then list another "
            "nameserver first.",
            ask="Ask the DNS team to answer queries with EDNS (RFC 6891) from this host.",
        ),
    ),
    Rule(
        "dns.server-failing",
        _with_servers(Reason.SERVER_FAILURE),
        lambda fs: (
            f"The nameserver answers with an error for {names(f for f in fs if f.check != NAMESERVERS) or 'every name'}"
        ),
        lambda fs: Remedy(
            "On the nameserver: allow this client (REFUSED), or fix its forwarders or DNSSEC validation (SERVFAIL).",
            ask=f"Ask the DNS team to fix the nameserver's errors (SERVFAIL or REFUSED) for {first_host(fs) or 'AWS names'}.",
        ),
    ),
    Rule(
        "dns.answers-differ",
        _differ,
        lambda fs: (
            f"The nameservers disagree about {count(disputed(fs), 'name')}: {', '.join(disputed(fs)[:2])}"
            + (", and this host gets no address" if any(f.stage is Stage.RESOLVE for f in fs) else "")
        ),
        lambda fs: Remedy(
            "Give all nameservers of this host the same view of these names, or remove the one with the wrong view.",
            ask=f"Ask the DNS team to give all nameservers the same view of {', '.join(disputed(fs)[:3])}.",
        ),
    ),
    Rule("dns.names-hidden", _hidden, _hidden_summary, _hidden_fix),
    Rule(
        "dns.shards-hidden",
        _shards_hidden,
        lambda fs: f"No name of the pattern {names(fs)} resolves; the agent needs one of them after registration",
        lambda fs: Remedy(
            "Resolve the complete pattern. With PrivateLink, create the ecs-agent and ecs-telemetry endpoints.",
            ask=ask_for_list(fs, f"Ask the DNS team to resolve every name of {names(fs)}"),
        ),
    ),
    Rule(
        "dns.private-mixed",
        _private_mixed,
        lambda fs: f"Some names resolve to private addresses, others to public ones: {', '.join(public_names(fs)[:3])}",
        lambda fs: Remedy(
            "Create the missing PrivateLink endpoints and forward their zones, or give these names an internet route.",
            ask=f"Ask the cloud team to create the PrivateLink endpoints for {', '.join(public_names(fs)[:3])}.",
        ),
    ),
    Rule(
        "dns.nameserver-degraded",
        _degraded,
        lambda fs: (
            f"{_servers(fs)} {fs[0].summary}: lookups are slow or fail"
            if all(map(half, fs))
            else f"{_servers(fs)} does not answer correctly, another nameserver does: lookups are slow or fail at random"
        ),
        lambda fs: Remedy(
            "Fix that nameserver, or remove it from the network configuration.",
            ask=f"Ask the network team to fix or remove the nameserver {_servers(fs)}.",
        ),
    ),
)
