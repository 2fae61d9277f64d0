"""Can each component reach its endpoints: one finding for each, from the whole ladder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from anywhere.checks.base import check, passed, skipped, trouble, unknown
from anywhere.checks.mending import trust_the_component, trust_the_host
from anywhere.facts.addresses import is_ipv6, route_to, routes
from anywhere.facts.survey import Survey, Visit, survey
from anywhere.hosts.base import Host, Probe
from anywhere.hosts.redact import redact_proxy
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.settings import Settings

REACH, WEBSOCKET = "endpoints.reach", "endpoints.websocket"
FILTERED = (Reason.TIMEOUT, Reason.REFUSED, Reason.UNREACHABLE, Reason.PROXY_DENIED)


def surveys(host: Host, settings: Settings) -> Iterator[Survey]:
    """One survey a region."""
    return (survey(host, settings, region) for region in settings.regions)


@check(REACH, "every endpoint answers, as its component reaches it")
def reach(host: Host, settings: Settings) -> Iterator[Finding]:
    """DNS, TCP, proxy, TLS and HTTP for every endpoint of the catalogue."""
    table = routes(host)
    for seen in surveys(host, settings):
        for visit in seen.visits:
            if not visit.endpoint.shard:
                yield _judge(host, visit, table)
        for service in dict.fromkeys(visit.endpoint.service for visit in seen.visits if visit.endpoint.shard):
            yield from _shards(host, [v for v in seen.visits if v.endpoint.service == service], made_up(seen), table)


def _judge(host: Host, visit: Visit, table: Sequence[Any]) -> Finding:
    subject, seconds = f"{visit.endpoint.host}:{visit.endpoint.port}", _seconds(visit)
    evidence = describe(visit, table)
    if visit.ok and opened_for(visit):
        return _own_store(host, visit, subject, {**evidence, "own_store": True})
    if visit.ok and not _partial(visit):
        finding = passed(REACH, subject, _how(visit), **evidence)
        return replace(finding, stage=Stage.DONE, seconds=seconds)
    if not visit.ok and visit.probes and all(probe.late for probe in visit.probes):
        return unknown(
            REACH, subject, "the time ran out before it could be judged: give more with --budget", **evidence
        )
    stage, reason, detail = where(visit)
    if stage is Stage.HTTP and reason is Reason.UPGRADE_REFUSED:
        finding = passed(REACH, subject, "answers; see the WebSocket upgrade", **evidence)
        return replace(finding, stage=Stage.HTTP, seconds=seconds)
    status = Status.FAIL if visit.endpoint.required and not visit.ok else Status.WARN
    summary = f"{_WORDS.get(reason, str(reason))}{_through(visit)}" + (f": {detail}" if detail else "")
    if visit.ok:
        summary = f"{len(_failed(visit))} of {len(visit.probes)} addresses: {summary}"
        evidence["partial"] = True
    finding = trouble(REACH, status, subject, summary, stage=stage, reason=reason, seconds=seconds, evidence=evidence)
    return replace(finding, remedy=_mend(host, visit, reason))


def _mend(host: Host, visit: Visit, reason: Reason) -> Remedy | None:
    """What depends on this host; the diagnosis has the words for all else."""
    if reason is not Reason.CERT_UNTRUSTED:
        return None
    look = visit.look("host-trust")
    return trust_the_component(host, visit) if look and look.ok else trust_the_host(host, visit)


def opened_for(visit: Visit) -> bool:
    """Whether TLS is opened on the way by a CA that the host trusts and this component's own store does not."""
    look = visit.look("component-trust")
    return look is not None and not look.ok


def _own_store(host: Host, visit: Visit, subject: str, evidence: dict[str, Any]) -> Finding:
    summary = (
        f"the host trusts {evidence['tls']['issuer']}, the bundle inside {visit.vantage.component}'s image does not"
    )
    status = Status.FAIL if visit.endpoint.required else Status.WARN
    remedy = trust_the_component(host, visit)
    finding = trouble(REACH, status, subject, summary, remedy=remedy, evidence=evidence)
    return replace(finding, stage=Stage.TLS, reason=Reason.CERT_UNTRUSTED)


def made_up(seen: Survey) -> set[str]:
    """The addresses that nameservers give to names that cannot exist."""
    answers = seen.random.servers if seen.random else ()
    return {address for answer in answers for address in answer.addresses}


def _shards(host: Host, visits: Sequence[Visit], invented: set[str], table: Sequence[Any]) -> Iterator[Finding]:
    """The numbered hosts of one service: those that exist are judged, none at all is one finding."""
    present = [visit for visit in visits if exists(visit, visits, invented)]
    reached = [visit for visit in present if visit.ok]
    pattern = visits[0].endpoint.pattern
    if not present:
        yield _no_shard(visits, pattern, table)
        return
    for visit in present:
        finding = _judge(host, visit, table)
        if finding.status is Status.FAIL and reached and filtered(finding):
            finding = replace(finding, status=Status.WARN)
        yield finding


def filtered(finding: Finding) -> bool:
    """Whether a packet filter, a proxy's list or a nameserver's refusal stands in the way."""
    return finding.reason in FILTERED or (finding.stage is Stage.RESOLVE and finding.reason is Reason.SERVER_FAILURE)


def _no_shard(visits: Sequence[Visit], pattern: str, table: Sequence[Any]) -> Finding:
    visit = visits[0]
    stage, reason, detail = where(visit)
    evidence = {**describe(visit, table), "tried": [visit.endpoint.host for visit in visits], "shards": True}
    summary = f"none of {len(visits)} names is reached: {_WORDS.get(reason, str(reason))}{_through(visit)}"
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


def exists(visit: Visit, siblings: Iterable[Visit], invented: set[str]) -> bool:
    """Whether a guessed shard is there at all: its name is known, or the proxy opened it or refused it by policy."""
    if not visit.proxy:
        assert visit.lookup is not None
        if invented and set(visit.lookup.addresses) <= invented:
            return False
        return visit.lookup.known or any("REFUSED" in answer.detail for answer in visit.lookup.servers)
    if any(sibling.lookup is not None and sibling.lookup.known for sibling in siblings):
        return visit.lookup is not None and visit.lookup.known
    best = visit.best
    return best is not None and (best.stage is not Stage.PROXY or best.reason is Reason.PROXY_DENIED)


@check(WEBSOCKET, "the WebSocket upgrade passes the whole path")
def websocket(host: Host, settings: Settings) -> Iterator[Finding]:
    """101, 400, 401 and 403 prove the path; a middlebox's page or a 5xx does not (amazon-ecs-agent issue 23)."""
    for seen in surveys(host, settings):
        for visit in seen.visits:
            if visit.endpoint.scheme != "wss" or (
                visit.endpoint.shard and not exists(visit, _siblings(seen, visit), made_up(seen))
            ):
                continue
            yield _upgrade(visit, routes(host))


def _siblings(seen: Survey, visit: Visit) -> list[Visit]:
    return [other for other in seen.visits if other.endpoint.service == visit.endpoint.service]


def _upgrade(visit: Visit, table: Sequence[Any]) -> Finding:
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
        f"the WebSocket upgrade is answered with {refused[0].detail}{_through(visit)}",
        stage=Stage.HTTP,
        reason=Reason.UPGRADE_REFUSED,
        seconds=refused[0].http_seconds,
        evidence=evidence,
    )


# --- words and evidence --------------------------------------------------------------------------------------------

_WORDS = {
    Reason.NO_NAMESERVER: "no nameserver is named",
    Reason.NAMESERVER_TIMEOUT: "no nameserver answers",
    Reason.SERVER_FAILURE: "the nameserver fails",
    Reason.NAME_UNKNOWN: "the name is unknown",
    Reason.BOGUS_ANSWER: "the nameserver answers with an address that cannot be AWS's",
    Reason.TIMEOUT: "no answer to the connection attempt",
    Reason.REFUSED: "connection refused",
    Reason.UNREACHABLE: "no way there",
    Reason.NOT_PERMITTED: "this vantage point may not connect",
    Reason.PROXY_UNREACHABLE: "the proxy is not reached",
    Reason.PROXY_AUTH_REQUIRED: "the proxy asks for a user and password",
    Reason.PROXY_DENIED: "the proxy denies it",
    Reason.PROXY_ERROR: "the proxy does not open it",
    Reason.NOT_TLS: "what answers does not speak TLS",
    Reason.TLS_TIMEOUT: "TCP connects, the TLS handshake gets no answer",
    Reason.TLS_RESET: "the TLS handshake is cut off",
    Reason.TLS_VERSION: "no common TLS version or cipher suite",
    Reason.CERT_UNTRUSTED: "the certificate is not trusted",
    Reason.CERT_NAME: "the certificate is for another name",
    Reason.CERT_EXPIRED: "the certificate has expired",
    Reason.CERT_NOT_YET_VALID: "the certificate is not valid yet",
    Reason.HTTP_TIMEOUT: "TLS stands, the request gets no answer",
    Reason.HTTP_ERROR: "the request fails",
    Reason.UPGRADE_REFUSED: "the WebSocket upgrade is refused",
    Reason.CAPTIVE_PORTAL: "a web page answers in the place of AWS",
}


def where(visit: Visit) -> tuple[Stage, Reason, str]:
    """How far the component comes and why no further."""
    if not visit.probes:
        if visit.proxy:
            reason = visit.proxy_lookup.reason if visit.proxy_lookup else None
            detail = f"its name does not resolve: {reason or 'no address'}"
            return Stage.PROXY, Reason.PROXY_UNREACHABLE, detail
        assert visit.lookup is not None
        return Stage.RESOLVE, visit.lookup.reason or Reason.NAME_UNKNOWN, ""
    bogus = visit.lookup is not None and not visit.proxy and _is_bogus(visit)
    if bogus:
        return Stage.RESOLVE, Reason.BOGUS_ANSWER, ", ".join(visit.lookup.addresses if visit.lookup else ())
    failed = _failed(visit) or [probe for probe in visit.probes if not probe.ok]
    best = max(failed, key=lambda probe: list(Stage).index(probe.stage))
    return best.stage, best.reason or Reason.HTTP_ERROR, best.detail


def _is_bogus(visit: Visit) -> bool:
    from anywhere.facts.addresses import is_bogus

    return visit.lookup is not None and bool(visit.lookup.addresses) and all(map(is_bogus, visit.lookup.addresses))


def _failed(visit: Visit) -> list[Probe]:
    """The failed probes that count: of a family that works elsewhere in this visit, or of any when none works."""
    failed = [probe for probe in visit.probes if not probe.ok and not probe.late]
    working = {is_ipv6(probe.address) for probe in visit.probes if probe.ok}
    same = [probe for probe in failed if is_ipv6(probe.address) in working]
    return same or ([] if working else _native(failed))


def _native(failed: list[Probe]) -> list[Probe]:
    """Without a working family, a family that has no route says nothing beside one that has."""
    routed = [probe for probe in failed if probe.reason is not Reason.UNREACHABLE]
    return routed or failed


def _partial(visit: Visit) -> bool:
    return bool(_failed(visit))


def _how(visit: Visit) -> str:
    best = visit.best
    status = best.http.status if best and best.http else 0
    return f"answers with {status}{_through(visit)}"


def _through(visit: Visit) -> str:
    return f" (through {redact_proxy(visit.proxy)})" if visit.proxy else ""


def _seconds(visit: Visit) -> float:
    return max((probe.seconds for probe in visit.probes), default=0.0)


def describe(visit: Visit, table: Sequence[Any]) -> dict[str, Any]:
    """The evidence of a visit: who connects, by which way, what each address did, what second looks showed."""
    best = visit.best
    evidence: dict[str, Any] = {
        "component": visit.vantage.component,
        "view": visit.vantage.source,
        "service": visit.endpoint.service,
        "shard": visit.endpoint.shard,
        "proxy": redact_proxy(visit.proxy),
        "excluded": visit.vantage.is_excluded(visit.endpoint.host),
        "addresses": [_address(probe, table) for probe in visit.probes],
    }
    if visit.lookup is not None and not visit.proxy:
        evidence["resolved"] = list(visit.lookup.addresses)
        evidence["truncated"] = any(answer.truncated for answer in visit.lookup.servers)
    if best is not None and best.tls is not None:
        evidence["tls"] = _tls(best)
    if best is not None and best.http is not None:
        evidence["http"] = {"status": best.http.status, "headers": dict(best.http.headers)}
    if visit.second:
        evidence["second_look"] = {name: _outcome(probe) for name, probe in visit.second}
        shown = visit.look("any-trust")
        if shown is not None and shown.tls is not None:
            evidence["tls"] = _tls(shown)
            evidence["really_expired"] = _really_expired(shown)
    return evidence


def _address(probe: Probe, table: Sequence[Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"address": probe.address, "stage": str(probe.stage)}
    if probe.reason:
        entry |= {"reason": str(probe.reason), "detail": probe.detail}
        if probe.stage is Stage.CONNECT:
            route = route_to(probe.address, table)
            entry["route"] = bool(route and not route.reject)
    entry["timings"] = {"connect": probe.connect_seconds, "tls": probe.tls_seconds, "http": probe.http_seconds}
    return entry


def _tls(probe: Probe) -> dict[str, Any]:
    tls = probe.tls
    assert tls is not None
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "issuer": tls.issuer,
        "issuer_organization": tls.issuer_organization,
        "subject": tls.subject,
        "not_before": tls.not_before,
        "not_after": tls.not_after,
        "chain": list(tls.chain),
    }


def _really_expired(probe: Probe) -> bool:
    """Whether the certificate is outside its dates by the far end's own clock too; False where that is not known."""
    if probe.tls is None or probe.http is None or not probe.http.date:
        return False
    return not probe.tls.not_before <= probe.http.date <= probe.tls.not_after


def _outcome(probe: Probe) -> str:
    if probe.ok:
        return "passes"
    # An alert, a name or a date complaint are answers: only silence and a reset are none.
    answered = probe.stage is Stage.HTTP or probe.reason in (
        Reason.CERT_NAME,
        Reason.CERT_EXPIRED,
        Reason.CERT_NOT_YET_VALID,
        Reason.CERT_UNTRUSTED,
        Reason.TLS_VERSION,
    )
    return f"{'answers: ' if answered else ''}{probe.stage}: {probe.reason}"


CHECKS = (reach, websocket)
