"""The network as each component sees it: every name resolved, every address probed, stalled ones looked at twice.

A survey is a pure function of recorded observations, so checks may each ask for it: only the first one waits.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from anywhere.catalogue.endpoints import Endpoint, endpoints, find_region
from anywhere.catalogue.issuers import is_public
from anywhere.errors import NotRecorded
from anywhere.evidence import Look
from anywhere.facts.agents.registration import registration
from anywhere.facts.network.lookup import Lookup, first_addresses, lookup, random_name
from anywhere.facts.network.resolv_conf import resolv_conf
from anywhere.facts.network.vantage import Vantage, vantages
from anywhere.hosts.base import Host, Probe, ProbeSpec
from anywhere.hosts.probe.proxy_url import parse_proxy
from anywhere.hosts.recording import Recording
from anywhere.model import Reason, Stage
from anywhere.settings import PHASES, Settings
from anywhere.threads import fan_out

AT_ONCE = 32  # numbers of each kind; higher ones are tried only where any name has an address
ADDRESSES_PER_FAMILY = 4  # AWS answers with up to eight; four show a filter that lets some through


@dataclass(frozen=True, slots=True)
class Visit:
    """One endpoint as its component reaches it. `lookup` is None where the proxy resolves the name. `second` holds the
    second looks at a failed probe."""

    endpoint: Endpoint
    vantage: Vantage
    proxy: str
    lookup: Lookup | None
    proxy_lookup: Lookup | None
    probes: tuple[Probe, ...]
    second: tuple[tuple[Look, Probe], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether at least one address answered all the way up."""
        return any(probe.ok for probe in self.probes)

    @property
    def best(self) -> Probe | None:
        """The probe that came furthest."""
        order = list(Stage)
        return max(self.probes, key=lambda probe: (probe.ok, order.index(probe.stage)), default=None)

    def look(self, name: Look) -> Probe | None:
        """A second look by its name."""
        return dict(self.second).get(name)


@dataclass(frozen=True, slots=True)
class Survey:
    """All visits in the catalogue's order, and what a name that cannot exist resolves to (None: not asked).

    `extra` are visits that only compare components: docker's, where it has no proxy and no endpoint of its own. `loss` is
    the share of segments that get lost on the way to what answers, there and back; 0 where all is well.
    """

    region: str
    visits: tuple[Visit, ...]
    random: Lookup | None
    extra: tuple[Visit, ...] = ()
    loss: float = 0.0

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Every first probe."""
        return tuple(probe for visit in self.visits for probe in visit.probes)


def survey(host: Host, settings: Settings, region: str) -> Survey:
    """Resolve and probe what a host of this region needs; made once in a run, all its regions at once."""
    regions = settings.regions if region in settings.regions else (region,)
    if not isinstance(host, Recording):
        return _survey(host, settings, region)
    return host.once(("survey", settings, regions), lambda: _surveys(host, settings, regions))[region]


def _surveys(host: Host, settings: Settings, regions: Sequence[str]) -> dict[str, Survey]:
    each = tuple(dict.fromkeys(regions))
    return dict(zip(each, fan_out([partial(_survey, host, settings, region) for region in each]), strict=True))


def _survey(host: Host, settings: Settings, region: str) -> Survey:
    seen = vantages(host)
    wanted = [endpoint for endpoint in catalogue(host, settings, region) if endpoint.probe]
    servers = resolv_conf(host).nameservers
    info = find_region(region)
    name = random_name(region, info.suffix)
    compared = _for_docker(wanted, seen)

    def visits(some: Iterable[Endpoint]) -> list[Callable[[], Visit | Lookup]]:
        return [partial(visit, host, endpoint, seen[endpoint.component], servers) for endpoint in some]

    first = [endpoint for endpoint in wanted if endpoint.shard <= AT_ONCE]
    jobs = visits(first + compared)
    if not all(seen[endpoint.component].proxy_for(endpoint.host) for endpoint in wanted):
        jobs.append(partial(lookup, host, name, servers))
    results = fan_out(jobs)
    made = [result for result in results if isinstance(result, Visit)]
    random = next((result for result in results if isinstance(result, Lookup)), None)
    found, extra = made[: len(first)], made[len(first) :]
    if any(one.probes for one in found):
        more = fan_out(visits(endpoint for endpoint in wanted if endpoint.shard > AT_ONCE))
        found += [one for one in more if isinstance(one, Visit)]
        found.sort(key=lambda one: wanted.index(one.endpoint))
    return Survey(region, tuple(found), random, tuple(extra), loss(host, found))


TRIGGER = 0.1  # of the segments sent again: a healthy path has next to none, so that only a bad one is looked at closer
SAMPLES = 256  # connections: enough to tell a path that loses three packets of ten from one that loses one
ANSWERS_WITHIN = 0.25  # seconds; the kernel itself asks again after one


def loss(host: Host, visits: Sequence[Visit]) -> float:
    """The share that is lost, from connections that stand; where it is high, from many short ones at once."""
    good = [probe for one in visits for probe in one.probes if probe.ok and probe.sent]
    sent, resent = sum(probe.sent for probe in good), sum(probe.resent for probe in good)
    if not sent or resent / sent < TRIGGER:
        return 0.0
    near = [probe for probe in good if _round_trip(probe) < ANSWERS_WITHIN / 2]
    if not near or host.deadline.left() < 4 * ANSWERS_WITHIN:
        return resent / sent
    specs = [
        replace(near[number % len(near)].spec, proxy="", scheme="tcp", path=f"{number}", patience=ANSWERS_WITHIN)
        for number in range(SAMPLES)
        if not near[number % len(near)].spec.proxy
    ]
    try:
        probes = fan_out([partial(host.probe, spec) for spec in specs])
    except NotRecorded:
        return resent / sent  # the run that was saved had no time for them
    return sum(probe.reason is Reason.TIMEOUT for probe in probes) / len(probes) if probes else resent / sent


def _round_trip(probe: Probe) -> float:
    """Seconds, at most: a handshake may have been held up (a neighbour's address that was asked for first), not all."""
    return min(taken for taken in (probe.connect_seconds, probe.tls_seconds, probe.http_seconds) if taken)


def _for_docker(wanted: Sequence[Endpoint], seen: Mapping[str, Vantage]) -> list[Endpoint]:
    """One endpoint seen as docker sees it, where it has no proxy or another than the agents: docker has no endpoint of its
    own without images from ECR, and its way out is needed all the same."""
    docker = seen["docker"]
    others = [seen[name] for name in ("ssm-agent", "ecs-agent") if seen[name].exists]
    if not docker.exists or not others or any(endpoint.component == "docker" for endpoint in wanted):
        return []
    differs = [
        endpoint
        for endpoint in wanted
        if not endpoint.shard and {docker.proxy_for(endpoint.host)} != {one.proxy_for(endpoint.host) for one in others}
    ]
    return [replace(endpoint, component="docker") for endpoint in differs[:1]]


def catalogue(host: Host, settings: Settings, region: str) -> tuple[Endpoint, ...]:
    """The endpoints for these settings; on a registered host the shard names that its agent really uses."""
    from anywhere.facts.agents.agents import shard_names

    found = endpoints(
        region,
        features=settings.features,
        phases=settings.phases or (("run",) if registration(host).is_registered else PHASES),
        shards=settings.shards,
        dualstack=settings.dualstack,
        fips=settings.fips,
    )
    info = find_region(region)
    used = [name for name in shard_names(host) if name.endswith(f".{info.name}.{info.suffix}")]
    if not used:
        return found
    return tuple(_with_used(found, used))


def _with_used(found: Iterable[Endpoint], used: Sequence[str]) -> list[Endpoint]:
    """The shards of the log in place of the guesses, service by service."""
    result: list[Endpoint] = []
    for endpoint in found:
        real = [name for name in used if name.startswith(endpoint.service + "-")]
        if not endpoint.shard or not real:
            result.append(endpoint)
        elif endpoint.shard == 1:
            result += [replace(endpoint, host=name, shard=0, note="read from the agent's log") for name in real]
    return result


def visit(host: Host, endpoint: Endpoint, vantage: Vantage, servers: Sequence[str]) -> Visit:
    """Resolve and probe one endpoint the way its component does, then look again where that helps."""
    proxy = vantage.proxy_for(endpoint.host)
    base = ProbeSpec(
        endpoint.host,
        endpoint.port,
        endpoint.scheme,
        endpoint.path,
        proxy=proxy,
        suites=vantage.suites,
        trust=vantage.trust,
    )
    if proxy:
        name = parse_proxy(proxy).host
        targets = (name,) if _is_address(name) else spread(first_addresses(host, name, servers))[:2]
        probes = _probe_all(host, base, targets)
        found = None if _is_address(name) else lookup(host, name, servers)
        # A proxied component resolves nothing; only whether a denied number exists at all is worth a question.
        denied = any(probe.reason is Reason.PROXY_DENIED for probe in probes)
        own = lookup(host, endpoint.host, servers) if endpoint.shard and denied else None
        return _twice(host, Visit(endpoint, vantage, proxy, own, found, probes))
    probes = _probe_all(host, base, spread(first_addresses(host, endpoint.host, servers)))
    first = _twice(host, Visit(endpoint, vantage, "", None, None, probes))
    return replace(first, lookup=lookup(host, endpoint.host, servers))


def _probe_all(host: Host, base: ProbeSpec, addresses: Iterable[str]) -> tuple[Probe, ...]:
    return tuple(fan_out([partial(host.probe, replace(base, address=address)) for address in addresses]))


def spread(addresses: Sequence[str]) -> tuple[str, ...]:
    """At most four addresses of each family, in the answer's order."""
    families = ([a for a in addresses if ":" not in a], [a for a in addresses if ":" in a])
    return tuple(address for family in families for address in family[:ADDRESSES_PER_FAMILY])


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# --- second looks ------------------------------------------------------------------------------------------------

# Bytes: what Ethernet carries, so the same once more. What passes then was lost by chance.
FULL_SEGMENT = 1460
NEUTRAL_NAME = "www.example.com"
# Bytes: below any tunnel's overhead, yet a ClientHello still fits into one segment and its server name can be read.
SMALL_SEGMENT = 900
SMALLEST_SEGMENT = 536  # what every path must carry (RFC 791)
STALLED = (Reason.TLS_TIMEOUT, Reason.TLS_RESET, Reason.HTTP_TIMEOUT)
DATES = (Reason.CERT_EXPIRED, Reason.CERT_NOT_YET_VALID)


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
    return replace(first, second=tuple((name, result) for (name, _), result in zip(looks, results)))


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
        looks.append((Look.ANY_SUITES, replace(spec, suites="any", verify=False, scheme="tls")))
    # A status in HTTP proves the scheme; only 400 is also what a TLS port says to plain HTTP.
    spoke = probe.http is not None and probe.http.status != 400
    if probe.stage is Stage.PROXY and probe.reason in (Reason.PROXY_ERROR, Reason.PROXY_UNREACHABLE) and not spoke:
        looks.append((Look.OTHER_SCHEME, replace(spec, proxy=other_scheme(spec.proxy), verify=False)))
    return looks


def is_foreign(probe: Probe) -> bool:
    """Whether the certificate comes from an issuer that AWS does not use."""
    return probe.tls is not None and not is_public(probe.tls.issuer_organization or probe.tls.issuer)


def other_scheme(proxy: str) -> str:
    """The same proxy spoken to with TLS where the URL says http, and in plain HTTP where it says https or socks5."""
    scheme, mark, rest = proxy.partition("://")
    if not mark:
        return "https://" + proxy
    return ("https" if scheme.lower() == "http" else "http") + mark + rest
