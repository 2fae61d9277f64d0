"""Can each component reach its endpoints: one finding for each, from the whole ladder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.checks.base import check, passed, skipped, trouble, unknown
from anywhere.checks.endpoints.remedies import trust_a_registry, trust_the_component, trust_the_host
from anywhere.checks.endpoints.visit import (
    LATE,
    WORDS,
    beyond,
    depends_on_build,
    describe,
    exists,
    failed_probes,
    is_late,
    is_lossy,
    is_partial,
    opened_for,
    surveys,
    through,
    unreal,
    where,
)
from anywhere.evidence import Look, Reach
from anywhere.facts.network.routes import Route, routes
from anywhere.facts.network.survey import Survey
from anywhere.facts.network.visit import Visit
from anywhere.facts.ways.decision import decided
from anywhere.facts.ways.elsewhere import other_proxy
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.settings import Settings

NO_SUCH_PROGRAM = 127
REACH, WEBSOCKET = "endpoints.reach", "endpoints.websocket"
BY_CHANCE = (Reason.NAMESERVER_TIMEOUT, Reason.TLS_TIMEOUT, Reason.HTTP_TIMEOUT)
FILTERED = (Reason.TIMEOUT, Reason.REFUSED, Reason.UNREACHABLE, Reason.PROXY_DENIED)


@check(REACH)
def reach(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    table = routes(host)
    for seen in surveys(host, settings):
        for visit in seen.visits:
            if not visit.endpoint.shard:
                yield _judge(host, visit, table, is_lossy(seen))
        for service in dict.fromkeys(visit.endpoint.service for visit in seen.visits if visit.endpoint.shard):
            yield from _shards(
                host, [v for v in seen.visits if v.endpoint.service == service], unreal(seen), table, is_lossy(seen)
            )


def _judge(host: Host, visit: Visit, table: Sequence[Route], lossy: bool) -> Finding:
    subject, seconds = f"{visit.endpoint.host}:{visit.endpoint.port}", _seconds(visit)
    evidence = _evidence(host, visit, table)
    if visit.ok and opened_for(visit):
        return _own_store(host, visit, subject, {**evidence, "own_store": True})
    if (built := depends_on_build(visit)) and not (visit.ok and is_partial(visit)):
        finding = trouble(
            REACH, Status.WARN, subject, built, cause="tls.agent-build", seconds=seconds, evidence=evidence
        )
        return replace(finding, stage=Stage.TLS, reason=Reason.TLS_VERSION if not visit.ok else Reason.CERT_UNTRUSTED)
    if visit.ok and not is_partial(visit):
        finding = passed(REACH, subject, _how(visit), **evidence)
        return replace(finding, stage=Stage.DONE, seconds=seconds)
    if is_late(visit) and not lossy:
        return unknown(REACH, subject, LATE, **evidence)
    stage, reason, detail = where(visit)
    if reason is Reason.NOT_PERMITTED:
        return _hidden(subject, stage, detail, evidence)
    if stage is Stage.HTTP and reason is Reason.UPGRADE_REFUSED:
        finding = passed(REACH, subject, "answers; see the WebSocket upgrade", **evidence)
        return replace(finding, stage=Stage.HTTP, seconds=seconds)
    again = visit.look(Look.FULL_SEGMENTS)
    if again is not None and again.ok and not visit.ok and reason is Reason.HTTP_TIMEOUT and not lossy:
        # A narrower link reports the first full segment by ICMP, and routers report to one host once a second (Linux:
        # net.ipv4.icmp_ratelimit): of many requests at once some wait for it. The same request alone passes.
        finding = passed(REACH, subject, "answers at the second try, of the same size", **evidence)
        return replace(finding, stage=Stage.DONE, seconds=seconds)
    evidence["by_chance"] = chance = (again is not None and again.ok) or (
        lossy and (reason in BY_CHANCE or is_late(visit))
    )
    status = Status.FAIL if visit.endpoint.required and not visit.ok and not chance else Status.WARN
    words = WORDS.get(reason, str(reason))
    more = beyond(words, detail)
    summary = f"{words}{through(visit)}" + (f": {more}" if more else "")
    if chance:
        summary += "; the second try passes" if again is not None and again.ok else "; packets get lost on this path"
    if visit.ok:
        summary = f"{len(failed_probes(visit))} of {len(visit.probes)} addresses: {summary}"
        evidence["partial"] = True
    finding = trouble(REACH, status, subject, summary, stage=stage, reason=reason, seconds=seconds, evidence=evidence)
    return replace(finding, remedy=_fix(host, visit, reason))


def _evidence(host: Host, visit: Visit, table: Sequence[Route]) -> Reach:
    """The evidence of a visit. Where there seems no way, the kernel is asked: routing rules may refuse what the main table
    has a route for."""
    evidence = describe(visit, table)
    evidence["decided"] = decided(host, visit.vantage, visit.endpoint.host, visit.endpoint.port, visit.endpoint.scheme)
    if _without_way(visit, evidence) and (other := other_proxy(host)):
        evidence["other_proxy"] = {"url": other.url, "has_user": other.has_user, "place": other.place}
    for entry in evidence["addresses"]:
        if entry.get("reason") == Reason.UNREACHABLE and entry.get("route"):
            entry["route"] = host.run(("ip", "route", "get", entry["address"])).rc in (0, NO_SUCH_PROGRAM)
    return evidence


def _without_way(visit: Visit, evidence: Reach) -> bool:
    """Whether no connection begins, and neither a proxy nor an exclusion from one is in play."""
    failed = [] if visit.ok or visit.proxy or evidence["excluded"] else failed_probes(visit)
    return bool(failed) and all(probe.stage is Stage.CONNECT and probe.reason in FILTERED for probe in failed)


def _hidden(subject: str, stage: Stage, detail: str, evidence: Reach) -> Finding:
    """Over SSH a probe starts from the host only where its sshd forwards; nothing else is tried in its place."""
    summary = "not visible from the host over SSH" + (f": {detail}" if detail else "")
    return Finding(
        REACH,
        Status.ERROR,
        subject,
        summary,
        stage,
        Reason.NOT_PERMITTED,
        evidence,
        remedy=Remedy(
            "Allow forwarding for this user in sshd (AllowTcpForwarding yes or local, no PermitOpen, no DisableForwarding), or "
            "run anywhere on the host itself.",
            look=(("sudo", "sshd", "-T"),),
        ),
        cause="host.permission",
    )


def _fix(host: Host, visit: Visit, reason: Reason) -> Remedy | None:
    """What depends on this host; the diagnosis has the words for all else."""
    if reason is not Reason.CERT_UNTRUSTED:
        return None
    look = visit.look(Look.HOST_TRUST)
    if visit.endpoint.is_own and visit.endpoint.component == "docker":
        return trust_a_registry(host, visit)
    return trust_the_component(host, visit) if look and look.ok else trust_the_host(host, visit)


def _own_store(host: Host, visit: Visit, subject: str, evidence: Reach) -> Finding:
    summary = (
        f"the host trusts {evidence['tls']['issuer']}, the bundle inside {visit.vantage.component}'s image does not"
    )
    status = Status.FAIL if visit.endpoint.required else Status.WARN
    remedy = trust_the_component(host, visit)
    finding = trouble(REACH, status, subject, summary, remedy=remedy, evidence=evidence)
    return replace(finding, stage=Stage.TLS, reason=Reason.CERT_UNTRUSTED)


def _shards(
    host: Host, visits: Sequence[Visit], invented: set[str], table: Sequence[Route], lossy: bool
) -> Iterator[Finding]:
    """The numbered hosts of one service: those that exist are judged, none at all is one finding."""
    present = [visit for visit in visits if exists(visit, visits, invented)]
    reached = [visit for visit in present if visit.ok]
    pattern = visits[0].endpoint.pattern
    if not present:
        yield _no_shard(host, visits, pattern, table)
        return
    for visit in present:
        finding = _judge(host, visit, table, lossy)
        if finding.status is Status.FAIL and reached and filtered(finding):
            finding = replace(finding, status=Status.WARN)
        yield finding


def filtered(finding: Finding) -> bool:
    """Whether a packet filter, a proxy's list or a nameserver's refusal stands in the way."""
    return finding.reason in FILTERED or (finding.stage is Stage.RESOLVE and finding.reason is Reason.SERVER_FAILURE)


def _no_shard(host: Host, visits: Sequence[Visit], pattern: str, table: Sequence[Route]) -> Finding:
    visit = visits[0]
    if all(map(is_late, visits)):
        return unknown(REACH, f"{pattern}:{visit.endpoint.port}", LATE, **_evidence(host, visit, table))
    stage, reason, detail = where(visit)
    evidence: Reach = {
        **_evidence(host, visit, table),
        "tried": [visit.endpoint.host for visit in visits],
        "shards": True,
    }
    summary = f"none of {len(visits)} names is reached: {WORDS.get(reason, str(reason))}{through(visit)}"
    return trouble(
        REACH,
        Status.FAIL,
        f"{pattern}:{visit.endpoint.port}",
        summary + (f": {detail}" if detail else ""),
        stage=stage,
        reason=reason,
        seconds=_seconds(visit),
        evidence=evidence,
    )


@check(WEBSOCKET)
def websocket(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    for seen in surveys(host, settings):
        for visit in seen.visits:
            if visit.endpoint.scheme != "wss" or (
                visit.endpoint.shard and not exists(visit, _siblings(seen, visit), unreal(seen))
            ):
                continue
            yield _upgrade(visit, routes(host))


def _siblings(seen: Survey, visit: Visit) -> list[Visit]:
    return [other for other in seen.visits if other.endpoint.service == visit.endpoint.service]


def _upgrade(visit: Visit, table: Sequence[Route]) -> Finding:
    subject = f"{visit.endpoint.host}:{visit.endpoint.port}"
    best = visit.best
    refused = [probe for probe in visit.probes if probe.reason is Reason.UPGRADE_REFUSED]
    if best is None or (best.stage is not Stage.DONE and not refused):
        return skipped(WEBSOCKET, subject, "not reached", because=REACH)
    if not refused:
        status = best.http.status if best.http else 0
        return passed(WEBSOCKET, subject, f"the upgrade is answered with {status}", http_status=status)
    evidence = describe(visit, table)
    return trouble(
        WEBSOCKET,
        Status.FAIL,
        subject,
        f"the WebSocket upgrade is answered with {refused[0].detail}{through(visit)}",
        stage=Stage.HTTP,
        reason=Reason.UPGRADE_REFUSED,
        seconds=refused[0].http_seconds,
        evidence=evidence,
    )


def _how(visit: Visit) -> str:
    best = visit.best
    status = best.http.status if best and best.http else 0
    return f"answers with {status}{through(visit)}"


def _seconds(visit: Visit) -> float:
    return max((probe.seconds for probe in visit.probes), default=0.0)


CHECKS = (reach, websocket)
