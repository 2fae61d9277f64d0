"""The nameservers: whether they answer, agree, and tell the truth."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import check, passed, skipped, trouble, unknown
from anywhere.checks.endpoints.visit import LATE, surveys
from anywhere.evidence import Agreement, Forgery, Nameserver
from anywhere.facts.network.go_names import WITHOUT_TCP
from anywhere.facts.network.lookup import Lookup
from anywhere.facts.network.resolv_conf import resolv_conf
from anywhere.facts.network.routes import is_ipv6, is_private
from anywhere.facts.network.survey import Survey
from anywhere.hosts.base import Answer, Host
from anywhere.model import Finding, Reason, Stage, Status
from anywhere.settings import Settings

HALF: Nameserver = {"half": True}
SHORT = 5  # seconds in all that a question may take: one try of the resolvers' own default
SLOW, GIVES_UP = 3.0, 5  # seconds for one answer: that is slow, and that is what resolvers wait
PLAIN: Nameserver = {"half": True, "without_edns": True}


def lookups(seen: Survey) -> list[Lookup]:
    """What was asked in one region: names that a component resolves itself, a proxy's name, and the impossible one."""
    own = [visit.lookup for visit in seen.visits if visit.lookup and not visit.proxy]
    proxies = [visit.proxy_lookup for visit in seen.visits if visit.proxy_lookup]
    return own + list({item.name: item for item in proxies}.values()) + ([seen.random] if seen.random else [])


@check("network.nameservers")
def nameservers(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = nameservers.id
    asked = [item for seen in surveys(host, settings) for item in lookups(seen)]
    conf = resolv_conf(host)
    if not asked:
        yield skipped(id, "/etc/resolv.conf", "every name is resolved by the proxy")
        return
    if not conf.nameservers:
        yield _no_nameserver(asked, conf.bad)
        return
    answered = {
        server: [a for item in asked for a in item.servers if a.source == server] for server in conf.nameservers
    }
    judged = [(server, _judge_server(answers)) for server, answers in answered.items()]
    resolves = any(item.system.addresses for item in asked)
    unseen = {server for server, answers in answered.items() if _all_unseen(answers)}
    works = any(reason is None for _, reason in judged) or (resolves and bool(unseen))
    for server, reason in judged:
        if reason is Reason.NAMESERVER_TIMEOUT and all(answer.late for answer in answered[server]):
            yield unknown(id, server, LATE)
        elif server in unseen and not resolves:
            yield unknown(id, server, answered[server][0].detail)
        elif reason is None:
            yield (
                _half(server, answered[server])
                or _without_edns(server, answered[server])
                or _slow(server, answered[server])
                or _answers(server, answered[server])
            )
        elif resolves and (server in unseen or not works):
            # The C library gets answers from the same servers: what was lost is the burst of direct questions.
            yield passed(id, server, "answers the system's resolver, though not all questions at once")
        else:
            evidence: Nameserver = {
                "nameservers": list(conf.nameservers),
                "said": next((a.detail for a in answered[server]), ""),
            }
            if 0 < conf.patience < SHORT:
                evidence["patience"] = conf.patience
            yield _not_working(server, reason, Status.WARN if works else Status.FAIL, evidence)


def _not_working(server: str, reason: Reason, status: Status, evidence: Nameserver) -> Finding:
    silent = reason is Reason.NAMESERVER_TIMEOUT
    what = "does not answer" if silent else "answers every question with an error"
    return trouble(nameservers.id, status, server, what, stage=Stage.RESOLVE, reason=reason, evidence=evidence)


def _half(server: str, answers: list[Answer]) -> Finding | None:
    """A server, or a filter before it, that drops the questions for one family: every program waits for it."""
    with_addresses = [answer for answer in answers if answer.addresses]
    lost = [answer for answer in with_addresses if answer.half]
    if not lost or 2 * len(lost) < len(with_addresses):
        return None
    family = "IPv6 (AAAA)" if not any(map(is_ipv6, lost[0].addresses)) else "IPv4 (A)"
    silent = lost[0].half is Reason.NAMESERVER_TIMEOUT
    summary = f"{'never answers' if silent else 'fails for'} questions for {family} addresses, which programs wait for"
    return trouble(
        nameservers.id, Status.WARN, server, summary, stage=Stage.RESOLVE, reason=lost[0].half, evidence=HALF
    )


def _without_edns(server: str, answers: list[Answer]) -> Finding | None:
    """A server, or a filter before it, that knows the old form of questions alone: Go programs ask with EDNS
    (golang/go net/dnsclient_unix.go), the C library does not."""
    plain = [answer for answer in answers if answer.plain]
    if not plain or 2 * len(plain) < sum(bool(answer.addresses) for answer in answers):
        return None
    summary = "answers no question with EDNS, as Go programs and so the agents ask"
    reason = Reason.SERVER_FAILURE
    return trouble(nameservers.id, Status.WARN, server, summary, stage=Stage.RESOLVE, reason=reason, evidence=PLAIN)


def _slow(server: str, answers: list[Answer]) -> Finding | None:
    """A server that needs most of the time that a resolver gives a question: the agents resolve, and wait for it."""
    times = sorted(answer.seconds for answer in answers if answer.addresses)
    usual = times[len(times) // 2] if times else 0.0
    if usual < SLOW:
        return None
    summary = f"takes {usual:.0f} s to answer (programs give up after {GIVES_UP} s unless resolv.conf says otherwise)"
    return trouble(
        nameservers.id,
        Status.WARN,
        server,
        summary,
        stage=Stage.RESOLVE,
        reason=Reason.NAMESERVER_TIMEOUT,
        evidence=HALF,
    )


def _answers(server: str, answers: list[Answer]) -> Finding:
    unseen = next((answer.unseen for answer in answers if answer.unseen), "")
    return passed(nameservers.id, server, f"answers; {unseen}" if unseen else "answers")


def _no_nameserver(asked: list[Lookup], bad: tuple[str, ...]) -> Finding:
    if any(item.system.addresses for item in asked):
        return passed(nameservers.id, "/etc/resolv.conf", "names no nameserver, yet names resolve (another NSS module)")
    return trouble(
        nameservers.id,
        Status.FAIL,
        "/etc/resolv.conf",
        "names no nameserver" + (f"; lines that cannot be used: {'; '.join(bad)}" if bad else ""),
        stage=Stage.RESOLVE,
        reason=Reason.NO_NAMESERVER,
    )


def _all_unseen(answers: list[Answer]) -> bool:
    return bool(answers) and all(answer.reason is Reason.NOT_PERMITTED for answer in answers)


def _judge_server(answers: list[Answer]) -> Reason | None:
    """None for a server that works; one that works for some names works, the rest is about those names."""
    reasons = [None if answer.truncated else answer.reason for answer in answers]
    if any(reason in (None, Reason.NAME_UNKNOWN) for reason in reasons):
        return None
    return Reason.SERVER_FAILURE if Reason.SERVER_FAILURE in reasons else Reason.NAMESERVER_TIMEOUT


@check("network.dns-forgery")
def forgery(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = forgery.id
    for seen in surveys(host, settings):
        if seen.random is None:
            yield skipped(id, seen.region, "every name is resolved by the proxy")
            continue
        made_up = [answer for answer in seen.random.servers if answer.addresses]
        if made_up:
            for answer in made_up:
                yield _forged(seen.random.name, answer)
        elif _search_wildcard(seen):
            yield _forged(seen.random.name, seen.random.system)
        else:
            yield passed(id, seen.random.name, "does not resolve")


def _search_wildcard(seen: Survey) -> bool:
    """A wildcard under a search domain harms only where it takes the place of an endpoint's own answer."""
    assert seen.random is not None
    made_up = set(seen.random.system.addresses)
    own = [visit.lookup for visit in seen.visits if visit.lookup and not visit.proxy and not visit.endpoint.shard]
    return bool(made_up) and any(item.system.addresses and set(item.system.addresses) <= made_up for item in own)


def _forged(name: str, answer: Answer) -> Finding:
    summary = f"{answer.source} answers {', '.join(answer.addresses)} for {name}, which does not exist"
    evidence: Forgery = {"addresses": list(answer.addresses), "name": name}
    return trouble(
        forgery.id,
        Status.FAIL,
        answer.source,
        summary,
        stage=Stage.RESOLVE,
        reason=Reason.BOGUS_ANSWER,
        evidence=evidence,
    )


@check("network.dns-agreement")
def agreement(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = agreement.id
    servers = resolv_conf(host).nameservers
    if len(servers) < 2:
        yield skipped(id, "/etc/resolv.conf", "fewer than two nameservers")
        return
    differing = [item.name for seen in surveys(host, settings) for item in lookups(seen) if _differ(item)]
    if not differing:
        yield passed(id, ", ".join(servers), "answer alike")
        return
    summary = f"they answer differently for {', '.join(differing[:3])}"
    evidence: Agreement = {"names": differing}
    yield trouble(id, Status.WARN, ", ".join(servers), summary, evidence=evidence)


def _differ(item: Lookup) -> bool:
    if item.name.startswith("zq7-"):
        return False
    answered = [answer for answer in item.servers if answer.addresses or answer.reason is Reason.NAME_UNKNOWN]
    kinds = {_kind(answer.addresses) for answer in answered}
    return len(kinds) > 1


def _kind(addresses: tuple[str, ...]) -> str:
    if not addresses:
        return "unknown"
    private = {is_private(address) for address in addresses}
    return "mixed" if len(private) > 1 else "private" if True in private else "public"


@check("network.dns-tcp")
def dns_tcp(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = dns_tcp.id
    asked = [item for seen in surveys(host, settings) for item in lookups(seen)]
    silent = sorted({item.name for item in asked if item.own is not None and item.own.detail == WITHOUT_TCP})
    if silent:
        yield _tcp_alone(host, silent)
        return
    cut = [answer for item in asked for answer in item.servers if answer.truncated]
    failed = [answer for answer in cut if answer.tcp_reason]
    if not failed:
        yield passed(id, "/etc/resolv.conf", "no answer was cut" if not cut else "cut answers come whole over TCP")
        return
    unresolved = sorted({item.name for item in asked if not item.addresses and any(a.truncated for a in item.servers)})
    status = Status.FAIL if unresolved else Status.WARN
    server = failed[0].source
    summary = f"{server} cuts answers, and TCP port 53 gives {failed[0].tcp_reason}"
    yield trouble(
        id,
        status,
        server,
        summary,
        stage=Stage.RESOLVE,
        reason=Reason.NAMESERVER_TIMEOUT,
        evidence={"unresolved": unresolved},
    )


def _tcp_alone(host: Host, unresolved: list[str]) -> Finding:
    servers = ", ".join(resolv_conf(host).nameservers)
    summary = (
        f"`options use-vc` in /etc/resolv.conf sends every DNS query over TCP, and TCP port 53 of {servers} is blocked"
    )
    evidence = {"unresolved": unresolved}
    reason = Reason.NAMESERVER_TIMEOUT
    return trouble(dns_tcp.id, Status.FAIL, servers, summary, stage=Stage.RESOLVE, reason=reason, evidence=evidence)


CHECKS = (nameservers, forgery, agreement, dns_tcp)
