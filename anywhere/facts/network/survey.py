"""The network as each component sees it: every name resolved, every address probed, stalled ones looked at twice.

A survey is a pure function of recorded observations, so checks may each ask for it: only the first one waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from anywhere.catalogue.endpoints import Endpoint, endpoints, find_region
from anywhere.errors import NotRecorded
from anywhere.facts.agents.own_endpoints import own_endpoints, with_overrides
from anywhere.facts.agents.registration import registration
from anywhere.facts.link.shaping import at_once
from anywhere.facts.network.go_names import WITHOUT_TCP, decide, go_names, plain_servers
from anywhere.facts.network.lookup import Lookup, announce, lookup, random_name
from anywhere.facts.network.resolv_conf import pins, resolv_conf
from anywhere.facts.network.second_looks import large_hello
from anywhere.facts.network.vantage import Vantage, vantages
from anywhere.facts.network.visit import Visit
from anywhere.facts.network.walk import visit
from anywhere.facts.ways.losses import loss
from anywhere.facts.ways.private_names import Private, first_of_each, look_directly, with_private
from anywhere.frozen import frozen
from anywhere.hosts.base import Answer, Host, Probe, ProbeSpec
from anywhere.hosts.recording import Recording
from anywhere.model import Reason
from anywhere.settings import PHASES, Settings
from anywhere.threads import fan_out

MOST = 128  # visits at a time
AT_ONCE = 32  # numbers of each kind; higher ones are tried only where any name has an address


@frozen
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
    servers = tuple(dict.fromkeys((*resolv_conf(host).nameservers, *go_names(host).servers)))
    info = find_region(region)
    name = random_name(region, info.suffix)
    compared = for_docker(wanted, seen)

    greeted = _one_a_way(wanted, seen)

    def look(endpoint: Endpoint) -> Visit:
        made = visit(host, endpoint, seen[endpoint.component], servers, settings.patience)
        if not endpoint.verify and not made.ok:
            # A registry that is called insecure is asked in plain HTTP too (moby registry/endpoint.go).
            plain = replace(endpoint, scheme="http", port=80 if endpoint.port == 443 else endpoint.port)
            other = visit(host, plain, seen[endpoint.component], servers, settings.patience)
            made = replace(other, endpoint=endpoint) if other.ok else made
        return large_hello(host, made) if endpoint in greeted else made

    def visits(some: Iterable[Endpoint]) -> list[Callable[[], Visit | Lookup | Private]]:
        return [partial(look, endpoint) for endpoint in some]

    first = [endpoint for endpoint in wanted if endpoint.shard <= AT_ONCE]
    jobs = visits(first + compared)
    left = first_of_each(one for one in first if seen[one.component].proxy_for(one.host, one.port, one.scheme))
    jobs += [partial(look_directly, host, endpoint, seen[endpoint.component]) for endpoint in left]
    if not all(seen[endpoint.component].proxy_for(endpoint.host) for endpoint in wanted):
        jobs.append(partial(lookup, host, name, servers))
    names = [one.host for one in first if not seen[one.component].proxy_for(one.host, one.port, one.scheme)]
    announce(host, [*names, name] if names else [], servers)
    limit = at_once(host, MOST) if isinstance(host, Recording) and not host.is_ahead else MOST
    if limit < MOST:
        host.deadline.grow(settings.patience)
    results = fan_out(jobs, limit)
    made = [result for result in results if isinstance(result, Visit)]
    random = next((result for result in results if isinstance(result, Lookup)), None)
    found, extra = made[: len(first)], made[len(first) :]
    private = [result for result in results if isinstance(result, Private)]
    if any(one.probes for one in found):
        more = fan_out(visits(endpoint for endpoint in wanted if endpoint.shard > AT_ONCE))
        found += [one for one in more if isinstance(one, Visit)]
        found.sort(key=lambda one: wanted.index(one.endpoint))
    found = _over_tcp(host, _with_edns(host, found))
    if any(one.addresses for one in private):
        direct = dict(zip(left, private, strict=True))
        found = with_private(host, found, direct)
    return Survey(region, tuple(found), random, tuple(extra), loss(host, found))


def _one_a_way(wanted: Sequence[Endpoint], seen: Mapping[str, Vantage]) -> list[Endpoint]:
    """The first endpoint of each way out, direct or through a proxy."""
    ways: dict[str, Endpoint] = {}
    for endpoint in wanted:
        if not endpoint.shard and not endpoint.is_own:
            ways.setdefault(seen[endpoint.component].proxy_for(endpoint.host), endpoint)
    return list(ways.values())


def _with_edns(host: Host, visits: list[Visit]) -> list[Visit]:
    """The SSM agent asks with EDNS; what only answers without it is no answer to it. The ECS agent's release sends none,
    and how dockerd is built is not established (Go net dnsclient_unix.go, GODEBUG netedns0)."""
    plain = plain_servers([one.lookup for one in visits if one.lookup])
    if not plain:
        return visits
    servers = go_names(host).servers
    return [
        _without(one, decide(one.lookup, servers, plain)) if one.lookup and _asks_with_edns(one) else one
        for one in visits
    ]


DNS_PORT, TCP_PATIENCE = 53, 2.0


def _over_tcp(host: Host, visits: list[Visit]) -> list[Visit]:
    """`options use-vc` has every resolver ask over TCP alone: without that no name has an address, whatever UDP brings
    (resolv.conf(5); Go net dnsconfig_unix.go, dnsclient_unix.go)."""
    conf = resolv_conf(host)
    if not conf.use_vc or not conf.nameservers:
        return visits
    specs = [ProbeSpec(one, DNS_PORT, "tcp", address=one, patience=TCP_PATIENCE) for one in conf.nameservers]
    try:
        probes = fan_out([partial(host.probe, spec) for spec in specs])
    except NotRecorded:  # a bundle of a version that did not ask over TCP
        return visits
    if any(probe.ok or probe.late or probe.reason is Reason.NOT_PERMITTED for probe in probes):
        return visits
    silent = Answer("", conf.nameservers[0], (), Reason.NAMESERVER_TIMEOUT, WITHOUT_TCP)
    return [_without(one, silent) if not one.proxy and not _is_pinned(host, one) else one for one in visits]


def _is_pinned(host: Host, one: Visit) -> bool:
    name = one.endpoint.host.lower()
    return any(pin.name == name for pin in pins(host, (name,)) or ())


def _asks_with_edns(one: Visit) -> bool:
    return one.endpoint.component == "ssm-agent" and not one.proxy and one.lookup is not None


def _without(one: Visit, answer: Answer) -> Visit:
    if answer.addresses or one.lookup is None or one.lookup.own is not None:
        return one
    return replace(one, lookup=replace(one.lookup, own=answer), probes=(), second=())


def for_docker(wanted: Sequence[Endpoint], seen: Mapping[str, Vantage]) -> list[Endpoint]:
    """One endpoint seen as docker sees it, where it has no proxy or another than the agents: docker has no endpoint of its
    own without images from ECR, and its way out is needed all the same."""
    docker = seen["docker"]
    others = [seen[name] for name in ("ssm-agent", "ecs-agent") if seen[name].exists]
    if (
        not docker.exists
        or not others
        or any(endpoint.component == "docker" and not endpoint.is_own for endpoint in wanted)
    ):
        return []
    differs = [
        endpoint
        for endpoint in wanted
        if not endpoint.shard
        and not endpoint.is_own
        and {docker.proxy_for(endpoint.host)} != {one.proxy_for(endpoint.host) for one in others}
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
    found = with_overrides(host, found)
    info = find_region(region)
    used = [name for name in shard_names(host) if name.endswith(f".{info.name}.{info.suffix}")]
    listed = tuple(_with_used(found, used)) if used else found
    is_first = region == (settings.regions or (region,))[0]
    return (*listed, *own_endpoints(host, settings)) if is_first else listed


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
