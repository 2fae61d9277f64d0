"""The way of one component to one endpoint, walked: its proxy, its resolver's rules, its store, its request."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from anywhere.catalogue.endpoints import Endpoint
from anywhere.errors import ParseError
from anywhere.facts.files import list_folder
from anywhere.facts.network.go_names import GoNames, go_names
from anywhere.facts.network.lookup import Lookup, first_addresses, lookup
from anywhere.facts.network.second_looks import again
from anywhere.facts.network.vantage import Vantage
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Host, Probe, ProbeSpec
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.model import Reason, Stage
from anywhere.threads import fan_out

ADDRESSES_PER_FAMILY = 4  # AWS answers with up to eight; four show a filter that lets some through
MOST_ADDRESSES = 16  # more, where the first ones take no connection


def visit(host: Host, endpoint: Endpoint, vantage: Vantage, servers: Sequence[str], patience: float = 0.0) -> Visit:
    """Resolve and probe one endpoint the way its component does, then look again where that helps."""
    proxy = vantage.proxy_for(endpoint.host, endpoint.port, endpoint.scheme)
    base = probe_spec(host, endpoint, vantage, proxy)
    if proxy:
        return _through(host, endpoint, vantage, base, servers, patience)
    names = go_names(host)
    if names.differs_for(host, endpoint.component, endpoint.host):
        found = by_own_rules(host, names, endpoint.host, endpoint.component, servers, patience)
        probes = _dial(host, base, found.addresses)
        return replace(again(host, Visit(endpoint, vantage, "", found, None, probes), patience), lookup=found)
    probes = _dial(host, base, first_addresses(host, endpoint.host, servers))
    if not probes:
        # The C library gives up at answers after which Go asks on, and wants the name in the answer.
        found = by_own_rules(host, names, endpoint.host, endpoint.component, servers)
        # Its silence is no answer: how long to wait is for resolv.conf to say, and direct questions wait longer.
        if found.addresses and found.system.reason is Reason.NAME_UNKNOWN:
            probes = _dial(host, base, found.addresses)
            return replace(again(host, Visit(endpoint, vantage, "", found, None, probes), patience), lookup=found)
    found = lookup(host, endpoint.host, servers, 0.0 if probes else patience)
    if not probes:
        probes = _dial(host, base, found.addresses)
    first = again(host, Visit(endpoint, vantage, "", None, None, probes), patience)
    return replace(first, lookup=found)


def probe_spec(host: Host, endpoint: Endpoint, vantage: Vantage, proxy: str) -> ProbeSpec:
    """The probe of an endpoint as its component connects, by this proxy (empty: directly)."""
    return ProbeSpec(
        endpoint.host,
        endpoint.port,
        endpoint.scheme,
        endpoint.path,
        proxy=proxy,
        suites=vantage.suites,
        verify=endpoint.verify,
        trust=_trust(host, endpoint, vantage),
        client=endpoint.component,
        service=endpoint.service,
    )


def _through(
    host: Host, endpoint: Endpoint, vantage: Vantage, base: ProbeSpec, servers: Sequence[str], patience: float
) -> Visit:
    """An endpoint behind a proxy, which resolves its name."""
    try:
        name = ProxyUrl.parse(base.proxy).host
    except ParseError:
        # What cannot be dialed is an outcome of this component's probes; nobody else's verdict depends on it.
        return Visit(endpoint, vantage, base.proxy, None, None, (host.probe(base),))
    names, found = go_names(host), None
    if _is_address(name):
        probes = _probe_all(host, base, (name,))
    elif names.differs_for(host, endpoint.component, name):
        found = by_own_rules(host, names, name, endpoint.component, servers, patience)
        probes = _probe_all(host, base, spread(found.addresses)[:2])
    else:
        probes = _probe_all(host, base, spread(first_addresses(host, name, servers))[:2])
        found = lookup(host, name, servers, 0.0 if probes else patience)
        probes = probes or _probe_all(host, base, spread(found.addresses)[:2])
    # A proxied component resolves nothing; only whether a denied number exists at all is worth a question.
    denied = any(probe.reason is Reason.PROXY_DENIED for probe in probes)
    own = lookup(host, endpoint.host, servers) if endpoint.shard and denied else None
    return again(host, Visit(endpoint, vantage, base.proxy, own, found, probes), patience)


def by_own_rules(
    host: Host, names: GoNames, name: str, component: str, servers: Sequence[str], patience: float = 0.0
) -> Lookup:
    """A name as this component resolves it where the system's own answer does not stand for that."""
    found = lookup(host, name, servers, patience)
    return replace(found, own=names.answer(host, found, component))


CERTS_D, HTTPS = "/etc/docker/certs.d", 443


def _trust(host: Host, endpoint: Endpoint, vantage: Vantage) -> str:
    """The component's store; dockerd adds the CAs of a registry's own folder (moby registry, ReadCertsDirectory)."""
    folders = [f"more={endpoint.trust_folder}"] if endpoint.trust_folder else []
    if vantage.component == "docker":
        name = endpoint.host if endpoint.port == HTTPS else f"{endpoint.host}:{endpoint.port}"
        folders += [f"more={CERTS_D}/{name}"] if name in (list_folder(host, CERTS_D) or ()) else []
    return "|".join(filter(None, (vantage.trust, *folders)))


def _dial(host: Host, base: ProbeSpec, addresses: Sequence[str]) -> tuple[Probe, ...]:
    """Some of a name's addresses; where none of them takes a connection, the others too, as Go goes through the whole list
    (net dial.go, dialSerial)."""
    some = spread(addresses)
    probes = _probe_all(host, base, some)
    if any(probe.stage is not Stage.CONNECT for probe in probes):
        return probes
    return (*probes, *_probe_all(host, base, [one for one in addresses if one not in some][:MOST_ADDRESSES]))


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
