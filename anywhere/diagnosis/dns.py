"""Causes in name resolution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.diagnosis.engine import Case, Claim, Rule
from anywhere.diagnosis.evidence import (
    CONNECT_REASONS,
    REACH,
    Seen,
    count,
    direct,
    disputed,
    first_host,
    half,
    made_up,
    names,
    public_names,
    reached,
    without_edns,
)
from anywhere.model import Finding, Reason, Remedy, Stage, Status

SERVERS, FORGERY, PINS = "network.nameservers", "network.dns-forgery", "network.hosts-file"
PRIVATE, TCP, AGREEMENT = "network.private-answers", "network.dns-tcp", "network.dns-agreement"


def _with_servers(*reasons: Reason) -> Claim:
    """Claim the nameserver findings of these reasons and, when there are any, the endpoints that they left nameless."""

    def claim(case: Case) -> Iterator[int]:
        servers = [(i, f) for i, f in case.trouble(SERVERS) if f.reason in reasons and f.status.value == "fail"]
        yield from (i for i, _ in servers)
        # Silence about some names, from a server that answers for others, is about those names.
        own = () if Reason.NAMESERVER_TIMEOUT in reasons and any(_answers(f) for f in case.of(SERVERS)) else reasons
        for index, finding in reached(case, Stage.RESOLVE):
            if finding.reason in own or (servers and finding.reason in _SYSTEM_GAVE_UP):
                yield index
        if servers:
            yield from (i for i, f in reached(case, Stage.PROXY) if Seen(f).proxy_unresolved)

    return claim


def _answers(finding: Finding) -> bool:
    return finding.status is Status.PASS


_SYSTEM_GAVE_UP = (Reason.SERVER_FAILURE, Reason.NAMESERVER_TIMEOUT, Reason.NO_NAMESERVER)


def _servers(findings: Sequence[Finding]) -> str:
    found = [f.subject for f in findings if f.check == SERVERS]
    return ", ".join(found) or "the nameserver"


def _no_server(findings: Sequence[Finding]) -> str:
    return next((f.summary for f in findings if f.check == SERVERS), "names no nameserver")


def _degraded(case: Case) -> Iterator[int]:
    return (i for i, f in case.trouble(SERVERS) if f.status.value == "warn")


_SILENCE = Reason.NAMESERVER_TIMEOUT


def _says(findings: Sequence[Finding]) -> str:
    """The nameserver says nothing about hidden names, or that there are none; or it knows them and this host does not."""
    told = sorted({server for f in findings for server in Seen(f).known_to})
    if told and all(Seen(f).known_to for f in findings):
        return (
            f"this host does not know {names(findings)}, although {', '.join(told)} does: its own resolver asks elsewhere "
            "(the hosts line of /etc/nsswitch.conf)"
        )
    what = "gives no answer for" if any(f.reason is _SILENCE for f in findings) else "does not know"
    return f"the nameserver {what} {names(findings)}"


def _hidden(case: Case) -> Iterator[int]:
    """Unknown names; the numbered hosts have a cause of their own unless nothing at all is known."""
    unknown = [(i, f) for i, f in reached(case, Stage.RESOLVE) if f.reason in (Reason.NAME_UNKNOWN, _SILENCE)]
    whole = bool(unknown) and all(f.stage is Stage.RESOLVE for f in direct(case) if not Seen(f).shards)
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
        if finding.check != "endpoints.reach":
            continue
        found = set(Seen(finding).resolved)
        if finding.reason is Reason.BOGUS_ANSWER or (found and found <= invented):
            yield index


def _pins(case: Case) -> Iterator[int]:
    pinned: set[str] = set()
    for index, finding in case.trouble(PINS):
        if finding.status.value == "fail":
            pinned.add(finding.subject)
        yield index
    for index, finding in case.trouble("endpoints.reach"):
        if finding.subject.rpartition(":")[0] in pinned:
            yield index


def _private_mixed(case: Case) -> Iterator[int]:
    public: set[str] = set()
    for index, finding in case.trouble(PRIVATE):
        if finding.status.value == "fail":
            public |= set(public_names([finding]))
        yield index
    for index, finding in reached(case, Stage.CONNECT):
        if finding.subject.rpartition(":")[0] in public and finding.reason in CONNECT_REASONS:
            yield index


def _tcp_blocked(case: Case) -> Iterator[int]:
    blocked = False
    for index, _ in case.trouble(TCP):
        blocked = True
        yield index
    if blocked:
        yield from (index for index, finding in reached(case, Stage.RESOLVE) if Seen(finding).truncated)


def _differ(case: Case) -> Iterator[int]:
    """Nameservers that disagree, and the names that this host then does not get: the first one asked decides."""
    about: set[str] = set()
    for index, finding in case.trouble(AGREEMENT):
        about |= set(disputed([finding]))
        yield index
    for index, finding in reached(case, Stage.RESOLVE):
        if finding.reason is Reason.NAME_UNKNOWN and finding.subject.rpartition(":")[0] in about:
            yield index


def _edns(case: Case) -> Iterator[int]:
    """Names that only a question without EDNS resolves, and the nameservers that answer so."""
    failed = [index for index, finding in case.trouble(REACH) if Seen(finding).without_edns]
    yield from failed
    if failed:
        yield from (index for index, finding in case.trouble(SERVERS) if without_edns(finding))


RULES: tuple[Rule, ...] = (
    Rule(
        "dns.no-nameserver",
        _with_servers(Reason.NO_NAMESERVER),
        lambda fs: f"/etc/resolv.conf {_no_server(fs)}: no name can be resolved",
        Remedy(
            "Name the site's nameservers in the network configuration of this host, then check again.",
            (("cat", "/etc/resolv.conf"),),
        ),
    ),
    Rule(
        "dns.tcp-blocked",
        _tcp_blocked,
        "the nameserver cuts long answers, and TCP port 53 to it does not pass",
        Remedy("Let TCP port 53 through to the nameserver, as well as UDP (RFC 7766).", ()),
    ),
    Rule(
        "dns.nameserver-down",
        _with_servers(Reason.NAMESERVER_TIMEOUT),
        lambda fs: f"no nameserver answers ({_servers(fs)})",
        Remedy(
            "Bring the nameserver back, let UDP and TCP port 53 through to it, or name another in the network configuration.",
            (("cat", "/etc/resolv.conf"),),
        ),
    ),
    Rule(
        "dns.hosts-file-pin",
        _pins,
        lambda fs: f"/etc/hosts overrides {names(f for f in fs if f.check == PINS)}",
        lambda fs: Remedy(
            "Take these lines out of /etc/hosts: AWS changes the addresses of its endpoints.",
            (("grep", "-n", first_host(fs) or "amazonaws", "/etc/hosts"),),
        ),
    ),
    Rule(
        "dns.answers-forged",
        _forged,
        ("the nameserver makes answers up: names that cannot exist, or endpoints, get addresses that are not AWS's"),
        Remedy(
            "Ask for the AWS names to be exempt from the filter (sinkhole, NXDOMAIN rewriting, wildcard record), "
            "or use a nameserver that does not rewrite answers.",
            (),
        ),
    ),
    Rule(
        "dns.server-failing",
        _edns,
        lambda fs: (
            f"{_servers(fs)} answers no question with EDNS, as the SSM agent asks: "
            f"{names(f for f in fs if f.check != SERVERS)} has no address for it"
        ),
        Remedy(
            "On the nameserver, or the firewall before it: answer questions with EDNS (RFC 6891), or let them pass. Until then "
            "name another nameserver first.",
            (),
        ),
    ),
    Rule(
        "dns.server-failing",
        _with_servers(Reason.SERVER_FAILURE),
        lambda fs: (
            f"the nameserver answers with an error for {names(f for f in fs if f.check != SERVERS) or 'every name'}"
        ),
        Remedy(
            "On the nameserver: allow this client to ask (REFUSED), and mend its forwarders or DNSSEC validation (SERVFAIL).",
            (),
        ),
    ),
    Rule(
        "dns.answers-differ",
        _differ,
        lambda fs: (
            f"the nameservers disagree about {count(disputed(fs), 'name')}"
            + (", and this host gets no address" if any(f.stage is Stage.RESOLVE for f in fs) else "")
        ),
        Remedy("Give all nameservers of this host the same view of these names.", ()),
    ),
    Rule(
        "dns.names-hidden",
        _hidden,
        _says,
        lambda fs: Remedy(
            "Have the nameserver resolve these names: forward the zone to a resolver that knows it, or, with PrivateLink, "
            "create the missing endpoint and its private DNS name.",
            (("getent", "ahosts", first_host(fs)),) if first_host(fs) else (),
        ),
    ),
    Rule(
        "dns.shards-hidden",
        _shards_hidden,
        lambda fs: f"no name of {names(fs)} resolves: the agent gets one of them after registration",
        Remedy(
            "Have the nameserver resolve the whole pattern (with PrivateLink: the ecs-agent and ecs-telemetry endpoints).",
            (),
        ),
    ),
    Rule(
        "dns.private-mixed",
        _private_mixed,
        lambda fs: f"some names get private addresses, others public ones: {', '.join(public_names(fs)[:3])}",
        Remedy(
            "Create the missing PrivateLink endpoints and forward their zones, or give these names an internet route.",
            (),
        ),
    ),
    Rule(
        "dns.nameserver-degraded",
        _degraded,
        lambda fs: (
            f"{_servers(fs)} {fs[0].summary}: lookups are slow or fail"
            if all(map(half, fs))
            else f"{_servers(fs)} does not answer properly, another nameserver does: lookups are slow or fail at random"
        ),
        Remedy("Mend that nameserver or take it out of the network configuration.", ()),
    ),
)
