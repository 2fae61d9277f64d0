"""The host's clock against the endpoints' own."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.remedies import set_the_clock
from anywhere.checks.endpoints.visit import surveys
from anywhere.evidence import Look
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Host, Probe
from anywhere.model import Finding, Reason, Status
from anywhere.settings import Settings

SKEW_FAILS, SKEW_WARNS = 240.0, 30.0  # seconds: AWS refuses signatures more than 300 s off (amazon-ssm-agent issue 616)


@check("system.clock")
def clock(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = clock.id
    offsets = _all_offsets(host, settings)
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


def clock_offset(host: Host, settings: Settings) -> float | None:
    """How far this host's clock is ahead of the endpoints' (seconds); None where no answer tells."""
    offsets = _all_offsets(host, settings)
    return median(offsets) if offsets else None


def _all_offsets(host: Host, settings: Settings) -> list[float]:
    return [offset for seen in surveys(host, settings) for visit in seen.visits for offset in _offsets(visit)]


def _offsets(visit: Visit) -> list[float]:
    """From answers of the far end itself, trusted or not: a proxy's refusal carries the proxy's own clock."""
    probes: list[Probe] = [*visit.probes, *(probe for name, probe in visit.second if name is Look.ANY_TRUST)]
    return [
        probe.at - probe.http.date - probe.http_seconds / 2
        for probe in probes
        if probe.http and probe.http.date and probe.at and probe.reason is not Reason.PROXY_DENIED and probe.tls
    ]
