"""Name resolution, routes and address families: what stands behind the endpoints' answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anywhere.catalogue.endpoints import find_region
from anywhere.checks.base import check, passed, skipped, trouble, unknown
from anywhere.checks.endpoints.visit import LATE, made_up, surveys
from anywhere.evidence import Agreement, Forgery, Nameserver, PrivateAnswers
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.network.lookup import Lookup, lookup
from anywhere.facts.network.resolv_conf import container_nameservers, pins, resolv_conf, upstream
from anywhere.facts.network.routes import has_default, is_bogus, is_ipv6, is_private, routes
from anywhere.facts.network.survey import Survey, Visit
from anywhere.hosts.base import Answer, Host, Query
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.settings import Settings

HALF: Nameserver = {"half": True}
CORE = ("ecs", "ecs-a", "ecs-t", "ssm", "ssmmessages", "ec2messages")


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
    told = {server: [a for item in asked for a in item.servers if a.source == server] for server in conf.nameservers}
    judged = [(server, _judge_server(answers)) for server, answers in told.items()]
    resolves = any(item.system.addresses for item in asked)
    unseen = {server for server, answers in told.items() if _all_unseen(answers)}
    works = any(reason is None for _, reason in judged) or (resolves and bool(unseen))
    for server, reason in judged:
        if reason is Reason.NAMESERVER_TIMEOUT and all(answer.late for answer in told[server]):
            yield unknown(id, server, LATE)
        elif server in unseen and not resolves:
            yield unknown(id, server, told[server][0].detail)
        elif reason is None:
            yield _half(server, told[server]) or _without_edns(server, told[server]) or _answers(server, told[server])
        elif resolves and (server in unseen or not works):
            # The C library gets answers from the same servers: what was lost is the burst of direct questions.
            yield passed(id, server, "answers the system's resolver, though not all questions at once")
        else:
            evidence: Nameserver = {
                "nameservers": list(conf.nameservers),
                "said": next((a.detail for a in told[server]), ""),
            }
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
    return trouble(nameservers.id, Status.WARN, server, summary, stage=Stage.RESOLVE, reason=reason, evidence=HALF)


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


@check("network.hosts-file")
def hosts_file(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = hosts_file.id
    made = tuple(surveys(host, settings))
    lines = pins(host, {visit.endpoint.host for seen in made for visit in seen.visits})
    if lines is None:
        yield unknown(id, "/etc/hosts", "cannot be read: whether it overrides an endpoint is not known")
        return
    pinned = {pin.name: pin for pin in lines}
    found = False
    for seen in made:
        free_works = any(visit.ok for visit in seen.visits if visit.endpoint.host not in pinned)
        for visit in seen.visits:
            pin = pinned.get(visit.endpoint.host)
            if pin is None:
                continue
            found = True
            status = Status.FAIL if not visit.ok and free_works and not visit.proxy else Status.WARN
            yield trouble(
                id,
                status,
                pin.name,
                f"line {pin.line} pins it to {pin.address}",
                evidence={"line": pin.line, "address": pin.address},
            )
    if not found:
        yield passed(id, "/etc/hosts", "overrides no endpoint")


@check("network.private-answers")
def private_answers(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = private_answers.id
    for seen in surveys(host, settings):
        private, public = by_kind(seen)
        if not private and not public:
            yield skipped(id, seen.region, "no name resolves here", because="endpoints.reach")
        elif private and public:
            yield _mixed(seen.region, private, public)
        else:
            yield passed(id, seen.region, "all names are private" if private else "all names are public")


ANOTHER = (Reason.CERT_UNTRUSTED, Reason.CERT_NAME, Reason.NOT_TLS, Reason.CAPTIVE_PORTAL, Reason.HTTP_ERROR)


def by_kind(seen: Survey) -> tuple[list[Visit], list[Visit]]:
    """The core endpoints with a private address, and those without; answers that are made up count for neither. A
    private address where nobody answers as AWS does, for any name, is a sinkhole's or a block page's, not PrivateLink's.
    """
    invented = made_up(seen)
    own = [visit for visit in seen.visits if visit.endpoint.service in CORE and not visit.proxy and visit.lookup]
    # A search domain's wildcard gives every number that does not exist an address.
    core = [visit for visit in own if not visit.endpoint.shard or (visit.lookup and visit.lookup.known)]
    kinds: dict[bool, list[Visit]] = {True: [], False: []}
    for visit in core:
        addresses = visit.lookup.addresses if visit.lookup else ()
        if addresses and not set(addresses) <= invented and not all(map(is_bogus, addresses)):
            kinds[any(map(is_private, addresses))].append(visit)
    private, public = kinds[True], kinds[False]
    if public and not any(visit.ok for visit in private):
        return [], public
    return [visit for visit in private if not (public and _is_another(visit))], public


def _is_another(visit: Visit) -> bool:
    """Whether something answers at its addresses that is not AWS."""
    best = visit.best
    return not visit.ok and best is not None and best.reason in ANOTHER


def _mixed(region: str, private: list[Visit], public: list[Visit]) -> Finding:
    names = [[visit.endpoint.host for visit in visits] for visits in (private, public)]
    cut_off = not any(visit.ok for visit in public) and any(visit.ok for visit in private)
    summary = f"{len(private)} names are private, {len(public)} public: {', '.join(names[1][:3])}"
    evidence: PrivateAnswers = {"private": names[0], "public": names[1]}
    status = Status.FAIL if cut_off else Status.WARN
    return trouble(private_answers.id, status, region, summary, stage=Stage.RESOLVE, evidence=evidence)


@check("network.container-dns")
def container_dns(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = container_dns.id
    outside = container_nameservers(host, daemon_json(host).dns)
    own = resolv_conf(host).nameservers
    if not own or set(outside) <= {*own, *upstream(host).nameservers}:
        yield passed(id, ", ".join(outside), "a container asks the same nameservers as the host")
        return
    for region in settings.regions:
        name = f"ssm.{region}.{find_region(region).suffix}"
        if not lookup(host, name, own).addresses:
            yield skipped(id, name, "does not resolve on the host", because="endpoints.reach")
            continue
        answers = [host.resolve(Query(name, server)) for server in outside]
        if any(answer.addresses for answer in answers):
            yield passed(id, ", ".join(outside), "a container's nameservers resolve the endpoints")
            continue
        remedy = Remedy(
            "Name the site's nameservers for containers in /etc/docker/daemon.json and restart docker.",
            (("sudo", "systemctl", "restart", "docker"),),
        )
        summary = f"a container on the bridge would ask {', '.join(outside)}, which does not resolve {name}"
        yield trouble(
            id,
            Status.WARN,
            ", ".join(outside),
            summary,
            cause="dns.container-differs",
            remedy=remedy,
            stage=Stage.RESOLVE,
            reason=answers[0].reason,
            evidence={"daemon.json": {"dns": list(own)}},
        )


@check("network.ipv6")
def ipv6(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = ipv6.id
    table = routes(host)
    mine = [a for card in host.inventory().interfaces for a in card.addresses if is_ipv6(a) and _is_global(a)]
    probes = [probe for seen in surveys(host, settings) for v in seen.visits if not v.proxy for probe in v.probes]
    six = [probe for probe in probes if is_ipv6(probe.address)]
    four = [probe for probe in probes if not is_ipv6(probe.address)]
    if not mine or not six:
        yield skipped(id, "IPv6", "no global IPv6 address here" if not mine else "no endpoint has an IPv6 address")
        return
    broken = [probe for probe in six if not probe.ok and probe.stage in (Stage.CONNECT, Stage.TLS)]
    if any(probe.ok for probe in six):
        some = [visit for seen in surveys(host, settings) for visit in seen.visits if _only_four(visit)]
        yield from map(_broken_for, some)
        if not some:
            yield passed(id, mine[0], "works" if not broken else "is not what fails")
        return
    if not broken or not any(probe.ok for probe in four):
        yield passed(id, mine[0], "works" if not broken else "is not what fails")
        return
    remedy = Remedy(
        "Let IPv6 out to AWS as well, or take the global IPv6 addresses off this host: programs try IPv6 first.",
        (("ip", "-6", "route", "show", "default"),),
    )
    summary = f"this host has {mine[0]}, endpoints have AAAA records, IPv6 does not reach them, IPv4 does"
    evidence = {"addresses": sorted({p.address for p in broken}), "default_route": has_default(table, 6)}
    finding = trouble(id, Status.WARN, mine[0], summary, cause="egress.ipv6-broken", remedy=remedy, evidence=evidence)
    yield replace(finding, stage=Stage.CONNECT, reason=broken[0].reason)


def _only_four(visit: Visit) -> bool:
    """Whether an endpoint answers over IPv4 and at none of its IPv6 addresses."""
    six = [probe for probe in visit.probes if is_ipv6(probe.address)]
    silent = bool(six) and all(p.stage in (Stage.CONNECT, Stage.TLS) and not p.ok and not p.late for p in six)
    return silent and not visit.proxy and any(probe.ok for probe in visit.probes)


def _broken_for(visit: Visit) -> Finding:
    """IPv6 gets out, and not to this endpoint: a rule or a route that knows its IPv4 addresses alone."""
    subject = f"{visit.endpoint.host}:{visit.endpoint.port}"
    six = [probe for probe in visit.probes if is_ipv6(probe.address)]
    remedy = Remedy(
        "Let IPv6 out to this endpoint as well: programs try IPv6 first.",
        (("curl", "-6", "-sv", "--max-time", "5", "-o", "/dev/null", f"https://{visit.endpoint.host}/"),),
    )
    summary = f"{visit.endpoint.host} is not reached over IPv6, other endpoints are; over IPv4 it answers"
    evidence = {"addresses": sorted({probe.address for probe in six})}
    finding = trouble(
        ipv6.id, Status.WARN, subject, summary, cause="egress.ipv6-broken", remedy=remedy, evidence=evidence
    )
    return replace(finding, stage=six[0].stage, reason=six[0].reason)


def _is_global(address: str) -> bool:
    import ipaddress

    ip = ipaddress.ip_interface(address).ip
    return not (ip.is_link_local or ip.is_loopback or ip.is_multicast)


CHECKS = (nameservers, forgery, agreement, dns_tcp, hosts_file, private_answers, container_dns, ipv6)
