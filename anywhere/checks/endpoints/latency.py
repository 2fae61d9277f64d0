"""How quick the path to the endpoints is, and whether a quiet connection survives on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import MUCH, is_lossy, surveys
from anywhere.errors import NotRecorded
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Host, Probe
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings
from anywhere.threads import fan_out

SLOW = 1.0  # seconds for a connection or a handshake
BUSY = 4.0  # seconds: what is slower is so by itself
SLOW_ANSWER = 4.0  # seconds for an HTTP answer: a far end, or a device that reads it, may think for a while


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
        answer = median(p.http_seconds for p in good)
        timings = {"connect": round(connect, 3), "tls": round(tls, 3)}
        timings |= {"http": round(answer, 3)} if answer > SLOW_ANSWER else {}
        timings |= {"loss": round(seen.loss, 2)} if seen.loss else {}
        lossy = is_lossy(seen, MUCH)
        if max(connect, tls) <= SLOW and answer <= SLOW_ANSWER and not lossy:
            yield passed(id, seen.region, "the median connect and handshake take less than a second", timings=timings)
            continue
        if not lossy and answer <= SLOW_ANSWER and _is_quick_alone(host, good):
            yield passed(
                id, seen.region, "slow side by side, quick when asked alone: this host is busy", timings=timings
            )
            continue
        what, limit = ("connect", SLOW) if connect > SLOW else ("TLS handshake", SLOW)
        what, limit = (what, limit) if max(connect, tls) > SLOW else ("HTTP answer", SLOW_ANSWER)
        remedy = Remedy(
            "Find the saturated or very long path, the overloaded proxy, or the packet loss.",
            ask=f"Ask the network team why connections from this host to {good[0].spec.host} are slow or lossy.",
            look=(("mtr", "-rwn", "-c", "20", good[0].spec.host),),
        )
        summary = f"the median {what} takes more than {limit:.0f} s over {len(good)} endpoints"
        if lossy:
            summary = "Many packets are lost on the path and sent again"
        yield trouble(
            id, Status.WARN, seen.region, summary, cause="egress.slow", remedy=remedy, evidence={"timings": timings}
        )


def _is_quick_alone(host: Host, good: Sequence[Probe]) -> bool:
    """Whether a handshake with nothing beside it takes its time no more: all at once they wait for this host's processor."""
    quickest = min(good, key=lambda probe: probe.connect_seconds + probe.tls_seconds)
    if quickest.connect_seconds + quickest.tls_seconds > BUSY:
        return False
    try:
        alone = host.probe(replace(quickest.spec, scheme="tls", client="", service=""))
    except NotRecorded:
        return False
    return alone.ok and max(alone.connect_seconds, alone.tls_seconds) <= SLOW


@check("endpoints.idle")
def idle(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = idle.id
    if not settings.idle:
        yield skipped(id, "channels", "not requested (--idle 120 holds a connection for two minutes)")
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
        "Raise the idle timeout of the firewall, proxy or NAT on the path to at least two minutes: the channels are quiet "
        "for up to 60 s, and the agents notice a closed one late.",
        ask="Ask the network team to raise the TCP idle timeout for these names to at least two minutes.",
        look=(("anywhere", "check", "--region", region, "--idle", f"{seconds:g}", "--only", idle.id),),
    )
    summary = f"a quiet connection does not survive {seconds:g} s: {probe.detail}"
    return trouble(idle.id, Status.WARN, subject, summary, cause="websocket.idle-cut", remedy=remedy)


CHECKS = (latency, idle)
