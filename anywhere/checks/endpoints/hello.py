"""Does a greeting of two segments pass, as agents send it that are built with today's defaults."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import is_lossy, surveys
from anywhere.evidence import Look
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Host
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.redact import redact_proxy
from anywhere.settings import Settings


@check("endpoints.large-hello")
def large_hello(host: Host, settings: Settings) -> Iterator[Finding]:
    """One endpoint of each way out is greeted once more with a post-quantum key share, as Go does since 1.24."""
    for seen in surveys(host, settings):
        greeted = [visit for visit in seen.visits if visit.look(Look.LARGE_HELLO) is not None]
        if not greeted:
            yield skipped(large_hello.id, seen.region, "no endpoint answers a small one", because="endpoints.reach")
        yield from (_judge(visit, is_lossy(seen)) for visit in greeted)


def _judge(visit: Visit, lossy: bool) -> Finding:
    probe = visit.look(Look.LARGE_HELLO)
    assert probe is not None
    subject = f"{visit.endpoint.host}:{visit.endpoint.port}"
    way = f" through {redact_proxy(visit.proxy)}" if visit.proxy else ""
    if probe.ok or probe.reason not in (Reason.TLS_TIMEOUT, Reason.TLS_RESET) or probe.late:
        return passed(large_hello.id, subject, f"a ClientHello of 1.5 kB is answered{way}")
    if lossy and probe.reason is Reason.TLS_TIMEOUT:
        because = "packets are lost on the path: a silence proves nothing of its size"
        return skipped(large_hello.id, subject, because, because="endpoints.latency")
    what = "gets no answer" if probe.reason is Reason.TLS_TIMEOUT else "is reset"
    summary = f"a ClientHello of 1.5 kB (two segments) {what}{way}; one of a single segment is answered"
    return trouble(
        large_hello.id,
        Status.WARN,
        subject,
        summary,
        stage=Stage.TLS,
        reason=probe.reason,
        cause="egress.large-hello",
        remedy=Remedy(
            "Ask for the device that reads server names to reassemble a ClientHello of several segments, or to pass these "
            "names unread. Agents that are built with Go's defaults from 1.24 on send one; the public builds of 2026 of the "
            "ECS agent do not. Until then GODEBUG=tlsmlkem=0 in an agent's environment keeps its greeting small.",
        ),
        evidence={"proxy": redact_proxy(visit.proxy), "detail": probe.detail},
    )


CHECKS = (large_hello,)
