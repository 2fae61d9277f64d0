"""Second looks at what failed: what else would have passed, and what only wanted an agent's patience."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from anywhere.errors import NotRecorded, ParseError
from anywhere.evidence import Look
from anywhere.facts.network.vantage import Vantage
from anywhere.facts.network.visit import Visit, is_foreign
from anywhere.hosts.base import Host, HttpFacts, Probe, ProbeSpec
from anywhere.hosts.probe.go.response import SWITCHING
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.hosts.probe.reasons import bare_user, channel_refuses
from anywhere.hosts.recording import Recording
from anywhere.model import Reason, Stage
from anywhere.threads import fan_out, race

# Bytes: what Ethernet carries, so the same once more. What passes then was lost by chance.
FULL_SEGMENT = 1460
NEUTRAL_NAME = "www.example.com"
# Bytes: below any tunnel's overhead, yet a ClientHello still fits into one segment and its server name can be read.
SMALL_SEGMENT = 900
SMALLEST_SEGMENT = 536  # what every path must carry (RFC 791)
STALLED = (Reason.TLS_TIMEOUT, Reason.TLS_RESET, Reason.HTTP_TIMEOUT)
DATES = (Reason.CERT_EXPIRED, Reason.CERT_NOT_YET_VALID)


# What may only be slow: the agents wait up to 30 s for a connection and an answer, 10 s for TLS.
MAY_BE_SLOW = (Reason.TIMEOUT, Reason.TLS_TIMEOUT, Reason.HTTP_TIMEOUT, Reason.PROXY_UNREACHABLE, Reason.PROXY_ERROR)
# What a box that reads requests may have decided by the User-Agent, the method or a header.
BY_REQUEST = (
    Reason.PROXY_DENIED, Reason.PROXY_ERROR, Reason.PROXY_AUTH_REQUIRED, Reason.HTTP_ERROR, Reason.CAPTIVE_PORTAL,
    Reason.UPGRADE_REFUSED,
)  # fmt: skip
SLOW_HELLO = 1.5  # seconds: silence after a large ClientHello then says nothing about its size
# Seconds for a step that stalled: a connection that comes at all comes with the first few SYNs; the agents give a TLS
# handshake 10 s (net/http DefaultTransport), and an answer, also of a proxy, 30 s and more, of which a run has this much.
LONG_CONNECT, LONG_TLS, LONG_ANSWER = 6.0, 10.0, 14.0
LONG_STEPS = {Reason.TLS_TIMEOUT: LONG_TLS, Reason.HTTP_TIMEOUT: LONG_ANSWER, Reason.PROXY_ERROR: LONG_ANSWER}


def again(host: Host, first: Visit, patience: float) -> Visit:
    """Try what stalled once more with an agent's patience, beside the second looks; what then works is only slow."""
    stalled = [probe for probe in first.probes if probe.reason in MAY_BE_SLOW and probe.stalled and not probe.late]
    if not patience or not stalled:
        return _twice(host, first)
    host.deadline.grow(patience)
    specs = [replace(probe.spec, proxy=first.proxy, wait=_long(probe)) for probe in stalled]
    calls: list[Callable[[], Visit | tuple[Probe, ...]]] = [partial(_twice, host, first), partial(_longer, host, specs)]
    results = race(calls, lambda done, _: _differs(done.get(0)))
    looked, longer = results.get(0), results.get(1)
    if _differs(looked):
        longer = None  # even if it came in the meantime: what counts must not depend on which of the two was sooner
    elif longer is None and isinstance(host, Recording):
        host.leave_out(specs)  # the run ended without it
    if isinstance(longer, tuple):
        slow = {id(probe): better for probe, better in zip(stalled, longer, strict=False) if better.ok}
        probes = tuple(slow.get(id(probe), probe) for probe in first.probes)
        if slow and all(probe.ok for probe in probes):
            return replace(first, probes=probes)
        first = replace(first, probes=probes)
    return replace(looked, probes=first.probes) if isinstance(looked, Visit) else first


def _long(probe: Probe) -> float:
    """Seconds for each step of the patient try."""
    return LONG_STEPS.get(probe.reason, LONG_CONNECT) if probe.reason else LONG_CONNECT


def large_hello(host: Host, first: Visit) -> Visit:
    """Greet once more with a ClientHello of two segments what answers to a small one, quickly enough to tell the two apart."""
    good = next((probe for probe in first.probes if probe.ok), None)
    if good is None or good.connect_seconds + good.tls_seconds > SLOW_HELLO:
        return first
    probe = host.probe(replace(good.spec, proxy=first.proxy, scheme="hello"))
    return replace(first, second=(*first.second, (Look.LARGE_HELLO, probe)))


def _longer(host: Host, specs: Sequence[ProbeSpec]) -> tuple[Probe, ...]:
    """The patient tries; a bundle does not hold those that the saved run did not wait for."""
    try:
        return tuple(fan_out([partial(host.probe, spec) for spec in specs]))
    except NotRecorded:
        return ()


def _differs(looked: Visit | tuple[Probe, ...] | None) -> bool:
    """Whether something else passes while the same does not: then no patience helps. Where the same passes at a second
    try, the patient one is worth its wait."""
    if not isinstance(looked, Visit):
        return False
    same = looked.look(Look.FULL_SEGMENTS)
    return not (same is not None and same.ok) and any(probe.ok for _, probe in looked.second)


def _twice(host: Host, first: Visit) -> Visit:
    """Ask what else would have passed, address by address, for what failed above TCP or was opened on the way."""
    failed = [probe for probe in first.probes if not probe.ok]
    opened = [probe for probe in first.probes if probe.ok and first.vantage.own_store and is_foreign(probe)]
    if not failed and not opened:
        return first
    looks: list[tuple[Look, ProbeSpec]] = []
    for probe in failed[:2] if first.ok else failed[:1]:
        spec = replace(probe.spec, proxy=first.proxy)
        looks += [(name, look) for name, look in _looks(probe, spec, first.vantage) if name not in dict(looks)]
    for probe in opened[:1]:
        trust = first.vantage.trust or "none"
        looks.append((Look.COMPONENT_TRUST, replace(probe.spec, proxy=first.proxy, trust=trust)))
    results = fan_out([partial(host.probe, spec) for _, spec in looks])
    pairs = [(name, result) for (name, _), result in zip(looks, results)]
    return replace(first, second=tuple(pair for pair in pairs if not failed or _fared_better(failed[0], *pair)))


def _looks(probe: Probe, spec: ProbeSpec, vantage: Vantage) -> list[tuple[Look, ProbeSpec]]:
    looks: list[tuple[Look, ProbeSpec]] = []
    if probe.reason in STALLED:
        looks.append((Look.FULL_SEGMENTS, replace(spec, mss=FULL_SEGMENT)))
        looks.append((Look.SMALL_SEGMENTS, replace(spec, mss=SMALL_SEGMENT)))
        looks.append((Look.SMALLEST_SEGMENTS, replace(spec, mss=SMALLEST_SEGMENT)))
    if probe.reason in (Reason.TLS_TIMEOUT, Reason.TLS_RESET):
        looks.append((Look.OTHER_NAME, replace(spec, sni=NEUTRAL_NAME, verify=False, scheme="tls")))
    if probe.reason in DATES or probe.reason is Reason.CERT_UNTRUSTED:
        looks.append((Look.ANY_TRUST, replace(spec, verify=False)))
    if probe.reason in DATES:
        looks.append((Look.ANY_DATE, replace(spec, any_date=True)))
    if probe.reason is Reason.CERT_UNTRUSTED and vantage.trust:
        looks.append((Look.HOST_TRUST, replace(spec, trust="")))
    if probe.reason in (Reason.TLS_VERSION, Reason.TLS_RESET):
        if spec.suites != "go":
            looks.append((Look.GO_SUITES, replace(spec, suites="go", scheme="tls")))
        if spec.suites == "go" and spec.client == "ssm-agent":
            looks.append((Look.OLDER_GO, replace(spec, suites="go-before-1.22")))
        looks.append((Look.ANY_SUITES, replace(spec, suites="any", verify=False, scheme="tls")))
    # A status in HTTP proves the scheme; only 400 is also what a TLS port says to plain HTTP.
    spoke = probe.http is not None and probe.http.status != 400
    if probe.stage is Stage.PROXY and probe.reason in (Reason.PROXY_ERROR, Reason.PROXY_UNREACHABLE) and not spoke:
        # Whether the proxy speaks so is asked as no agent: what the agents' library can use is another question.
        other = replace(spec, proxy=other_scheme(spec.proxy), verify=False)
        looks.append((Look.OTHER_SCHEME, replace(other, client="", service="") if spec.scheme == "wss" else other))
    if probe.reason in BY_REQUEST and _may_be_the_request(probe, spec):
        # As curl asks: what then passes is refused to the agents by what their own request says.
        looks.append((Look.OWN_REQUEST, replace(spec, client="installer", service="")))
    return looks


def _may_be_the_request(probe: Probe, spec: ProbeSpec) -> bool:
    """Whether another program's request could fare better: not where the agent's own library stands in the way."""
    if spec.client in ("", "installer") or (probe.http is not None and probe.http.status == SWITCHING):
        return False
    if not spec.proxy or probe.stage is not Stage.PROXY:
        return True
    try:
        proxy = ProxyUrl.parse(spec.proxy)
    except ParseError:
        return False
    return not channel_refuses(spec, proxy) and not (proxy.userinfo and bare_user(spec, proxy))


def _fared_better(first: Probe, name: Look, look: Probe) -> bool:
    """Of the second looks with another request: whether what answers made a difference. Curl is content with answers that
    an agent cannot read, so the same answer to both is none."""
    if name is not Look.OWN_REQUEST or first.stage is not Stage.HTTP or first.http is None or look.http is None:
        return True
    return first.reason is Reason.CAPTIVE_PORTAL or _kind(first.http) != _kind(look.http)


def _kind(answer: HttpFacts) -> tuple[int, str]:
    return answer.status, answer.headers.get("content-type", "")


def other_scheme(proxy: str) -> str:
    """The same proxy spoken to with TLS where the URL says http, and in plain HTTP where it says https or socks5."""
    scheme, mark, rest = proxy.partition("://")
    if not mark:
        return "https://" + proxy
    return ("https" if scheme.lower() == "http" else "http") + mark + rest
