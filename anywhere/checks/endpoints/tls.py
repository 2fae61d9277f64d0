"""Trust, inspection, speed and time, as the endpoints' own answers show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from statistics import median

from anywhere.catalogue.issuers import product
from anywhere.checks.base import check, passed, skipped, trouble, unknown
from anywhere.checks.endpoints.remedies import build_store, set_the_clock
from anywhere.checks.endpoints.visit import MUCH, is_expired, is_lossy, opened_for, surveys
from anywhere.evidence import Look
from anywhere.facts.network.survey import Visit, is_foreign
from anywhere.facts.system.castore import ca_store
from anywhere.hosts.base import Host, Probe
from anywhere.model import Finding, Reason, Remedy, Status
from anywhere.settings import Settings
from anywhere.threads import fan_out

SKEW_FAILS, SKEW_WARNS = 240.0, 30.0  # seconds: AWS refuses signatures more than 300 s off (amazon-ssm-agent issue 616)
SLOW = 1.0  # seconds
AWS_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn")


@check("endpoints.trust-store")
def trust_store(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = trust_store.id
    store = ca_store(host)
    if store.certificates is None:
        yield unknown(id, "CA store", "the certificates could not be counted")
        return
    if store.certificates:
        yield passed(id, store.bundle or "/etc/ssl/certs", f"holds {store.certificates} certificates")
        return
    summary = "no CA store where the agents look (/etc/ssl/certs, /etc/pki/tls/certs, ...)"
    yield trouble(id, Status.FAIL, "CA store", summary, cause="tls.trust-store-missing", remedy=build_store(host))


@check("endpoints.interception")
def interception(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = interception.id
    for seen in surveys(host, settings):
        opened = [visit for visit in seen.visits if _opened(visit)]
        whole = [visit for visit in seen.visits if visit.ok]
        by_issuer: dict[str, list[Visit]] = {}
        for visit in opened:
            by_issuer.setdefault(_issuer(visit), []).append(visit)
        for issuer, visits in by_issuer.items():
            yield _inspected(issuer, visits, settings, seen.region)
        if not whole and not opened:
            yield skipped(id, seen.region, "no endpoint answers", because="endpoints.reach")
        elif not opened:
            yield passed(id, seen.region, "every certificate comes from a CA that AWS uses")


def _opened(visit: Visit) -> bool:
    probe = _trusted(visit)
    aws = visit.endpoint.host.endswith(AWS_SUFFIXES)
    return aws and probe is not None and is_foreign(probe) and not opened_for(visit)


def _trusted(visit: Visit) -> Probe | None:
    """What the host trusts of an endpoint; where only this host's own clock speaks against its certificate, that too."""
    if visit.ok:
        return visit.best
    look = visit.look(Look.ANY_DATE)
    return look if look is not None and look.ok and not is_expired(look) else None


def _issuer(visit: Visit) -> str:
    probe = _trusted(visit)
    tls = probe.tls if probe else None
    return (tls.issuer or tls.issuer_organization) if tls else ""


def _inspected(issuer: str, visits: list[Visit], settings: Settings, region: str) -> Finding:
    id = interception.id
    tls = next(probe.tls for probe in map(_trusted, visits) if probe and probe.tls)
    evidence = {
        "issuer": issuer,
        "organization": tls.issuer_organization,
        "endpoints": [v.endpoint.host for v in visits],
    }
    known = product(f"{issuer} {tls.issuer_organization}", {"chain": list(tls.chain)})
    what = "1 endpoint is" if len(visits) == 1 else f"{len(visits)} endpoints are"
    summary = f"{what} opened on the way by {issuer}" + (f" ({known})" if known else "")
    words = (issuer.lower(), tls.issuer_organization.lower(), *(part.lower() for part in tls.chain))
    if any(name.lower() in word for name in settings.accepted_issuers for word in words if name):
        return passed(id, issuer, f"{summary}: accepted by name", **evidence, accepted=True)
    remedy = Remedy(
        f"Ask for the agents' names to be exempt from inspection: long-lived channels suffer. If this is wanted, accept it: "
        f"--accept-issuer '{issuer}'.",
        (("anywhere", "check", "--region", region, "--accept-issuer", issuer),),
    )
    return trouble(id, Status.WARN, issuer, summary, cause="tls.intercepted-trusted", remedy=remedy, evidence=evidence)


@check("endpoints.latency")
def latency(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = latency.id
    for seen in surveys(host, settings):
        good = [visit.best for visit in seen.visits if visit.ok and visit.best]
        if not good:
            yield skipped(id, seen.region, "no endpoint answers", because="endpoints.reach")
            continue
        connect, tls = median(p.connect_seconds for p in good), median(p.tls_seconds for p in good)
        timings = {"connect": round(connect, 3), "tls": round(tls, 3)}
        timings |= {"loss": round(seen.loss, 2)} if seen.loss else {}
        lossy = is_lossy(seen, MUCH)
        if max(connect, tls) <= SLOW and not lossy:
            yield passed(id, seen.region, "the median connect and handshake take less than a second", timings=timings)
            continue
        what = "connect" if connect > SLOW else "TLS handshake"
        remedy = Remedy(
            "Look for a saturated or very long path, an overloaded proxy, or packet loss.",
            (("mtr", "-n", good[0].spec.host),),
        )
        summary = f"the median {what} takes more than {SLOW:.0f} s over {len(good)} endpoints"
        if lossy:
            summary = "very many packets get lost on the way, and have to be sent again"
        yield trouble(
            id, Status.WARN, seen.region, summary, cause="egress.slow", remedy=remedy, evidence={"timings": timings}
        )


@check("system.clock")
def clock(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = clock.id
    offsets = [offset for seen in surveys(host, settings) for visit in seen.visits for offset in _offsets(visit)]
    if not offsets:
        yield skipped(id, "clock", "no endpoint's answer carries a Date", because="endpoints.reach")
        return
    skew = median(offsets)
    # A Date header counts whole seconds, and the answer took its time: less than this is no difference.
    shown = 0 if abs(skew) < 3 else round(skew)
    evidence = {"timings": {"offset": round(skew, 1)}, "endpoints": len(offsets)}
    if abs(skew) <= SKEW_WARNS:
        yield passed(id, "clock", "agrees with the endpoints' Date headers", **evidence)
        return
    direction = "ahead of" if skew > 0 else "behind"
    summary = f"this host's clock is {abs(shown)} s {direction} AWS's; signatures more than 300 s off are refused"
    status = Status.FAIL if abs(skew) > SKEW_FAILS else Status.WARN
    yield trouble(id, status, "clock", summary, cause="clock.skewed", remedy=set_the_clock(host), evidence=evidence)


def _offsets(visit: Visit) -> list[float]:
    """From answers of the far end itself, trusted or not: a proxy's refusal carries the proxy's own clock."""
    probes: list[Probe] = [*visit.probes, *(probe for name, probe in visit.second if name is Look.ANY_TRUST)]
    return [
        probe.at - probe.http.date - probe.http_seconds / 2
        for probe in probes
        if probe.http and probe.http.date and probe.at and probe.reason is not Reason.PROXY_DENIED and probe.tls
    ]


@check("endpoints.idle")
def idle(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = idle.id
    if not settings.idle:
        yield skipped(id, "channels", "not asked for: --idle 120 holds a connection for two minutes")
        return
    for seen in surveys(host, settings):
        channels = {
            visit.endpoint.service: visit for visit in seen.visits if visit.endpoint.scheme == "wss" and visit.ok
        }
        if not channels:
            yield skipped(id, seen.region, "no channel opens", because="endpoints.websocket")
        calls = [partial(_hold, host, visit, settings.idle) for visit in channels.values()]
        for visit, probe in zip(channels.values(), fan_out(calls)):
            yield _survival(visit, probe, settings.idle, seen.region)


def _hold(host: Host, visit: Visit, seconds: float) -> Probe:
    assert visit.best is not None
    return host.probe(replace(visit.best.spec, proxy=visit.proxy, idle=seconds))


def _survival(visit: Visit, probe: Probe, seconds: float, region: str) -> Finding:
    subject = f"{visit.endpoint.host}:{visit.endpoint.port}"
    if probe.survived is not False:
        return passed(idle.id, subject, f"a connection survives {seconds:g} quiet seconds")
    remedy = Remedy(
        "Raise the idle timeout of the firewall, proxy or NAT on the way to at least two minutes: the channels are quiet "
        "for up to 60 s, and a cut one is noticed late.",
        (("anywhere", "check", "--region", region, "--idle", f"{seconds:g}", "--only", idle.id),),
    )
    summary = f"a quiet connection does not survive {seconds:g} s: {probe.detail}"
    return trouble(idle.id, Status.WARN, subject, summary, cause="websocket.idle-cut", remedy=remedy)


CHECKS = (trust_store, clock, interception, latency, idle)
