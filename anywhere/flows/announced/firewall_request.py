"""`endpoints -i INVENTORY`: a firewall request with both ends, from what each host itself says of its ways."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.catalogue.endpoints import Endpoint
from anywhere.catalogue.endpoints import endpoints as catalogued
from anywhere.errors import BadInput
from anywhere.facts.network.routes import routes
from anywhere.facts.network.survey import catalogue, survey
from anywhere.facts.network.vantage import vantages
from anywhere.facts.network.visit import Visit
from anywhere.facts.prefetch_list import wants
from anywhere.flows.check import for_bundle
from anywhere.flows.hosts import Hosts
from anywhere.flows.target import GRACE, Lost, each, recorded
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.inventory import Entry
from anywhere.redact import redact_proxy
from anywhere.settings import Settings

ACCOUNT, REGISTRY = "*", ".dkr"
DIRECT = "direct"


@frozen
class Flow:
    """One line: from where, to where, by which way, for whom. `fails` is why it does not work now, empty where that was
    not tried or works."""

    source: str
    host: str
    name: str
    port: int
    way: str
    component: str
    phases: tuple[str, ...]
    needed: str
    reason: str
    fails: str = ""


@frozen
class Request:
    """All lines, and the hosts that could not be asked, with why."""

    flows: tuple[Flow, ...]
    lost: tuple[tuple[str, str], ...] = ()


def own_registry(rows: Sequence[Endpoint], account: str) -> tuple[Endpoint, ...]:
    """The endpoints with the account's own registry in place of the wildcard. Raises BadInput for what is no account."""
    if not account:
        return tuple(rows)
    if not (account.isascii() and account.isdigit() and len(account) == 12):
        raise BadInput(f"--account is a number of 12 digits, not {account[:40]!r}")
    return tuple(_named(row, account) for row in rows)


def _named(row: Endpoint, account: str) -> Endpoint:
    if not row.pattern.startswith(f"{ACCOUNT}{REGISTRY}"):
        return row
    name = row.pattern.replace(ACCOUNT, account, 1)
    return replace(row, host=name, pattern=name, probe=True)


def request(hosts: Hosts, settings: Settings, account: str, missing: bool) -> Request:
    """The lines of every host, in the inventory's order; with `missing` only what fails now. Raises BadInput."""
    own_registry((), account)
    found: dict[int, tuple[Flow, ...]] = {}
    lost: list[tuple[str, str]] = []

    def act(entry: Entry) -> tuple[Flow, ...]:
        own, _ = for_bundle(entry, settings)
        with recorded(entry, hosts, own.budget, hosts.seconds) as (host, _):
            wanted = wants()
            host.prefetch(wanted.commands, wanted.files, wanted.folders)
            if missing:
                return tuple(_failing(host, entry.name, own))
            return tuple(_all(host, entry.name, own, account))

    for done in each(hosts, act, hosts.seconds + settings.budget + GRACE):
        if isinstance(done.result, Lost):
            lost.append((hosts.entries[done.index].name, done.result.finding.summary))
        else:
            found[done.index] = done.result
    return Request(tuple(flow for place in sorted(found) for flow in found[place]), tuple(lost))


def _all(host: Host, name: str, settings: Settings, account: str) -> Iterator[Flow]:
    seen, source = vantages(host), source_address(host)
    for region in settings.regions:
        patterns: dict[tuple[str, str, str], Flow] = {}
        for row in own_registry(catalogue(host, settings, region), account):
            proxy = seen[row.component].proxy_for(row.host, row.port, row.scheme)
            flow = _flow(source, name, row, proxy)
            patterns.setdefault((flow.name, flow.way, flow.component), flow)
        yield from patterns.values()


def _failing(host: Host, name: str, settings: Settings) -> Iterator[Flow]:
    source = source_address(host)
    for region in settings.regions:
        visits = survey(host, settings, region).visits
        there = {one.endpoint.service for one in visits if one.endpoint.shard and one.ok}
        done: set[tuple[str, str]] = set()
        for visit in visits:
            row = visit.endpoint
            # A number that does not exist fails too: of numbered hosts one line stands for all, where none answers.
            if visit.ok or (row.shard and row.service in there) or (row.pattern, row.component) in done:
                continue
            done.add((row.pattern, row.component))
            yield replace(_flow(source, name, row, visit.proxy), fails=_why(visit))


def _why(visit: Visit) -> str:
    best = visit.best
    if best is not None:
        return f"{best.stage}: {best.reason}" + (f" ({best.detail})" if best.detail else "")
    lookup = visit.proxy_lookup if visit.proxy else visit.lookup
    return f"resolve: {lookup.reason if lookup else 'no address'}"


def _flow(source: str, host: str, row: Endpoint, proxy: str) -> Flow:
    way = redact_proxy(proxy) if proxy else DIRECT
    needed = "required" if row.required else "recommended"
    return Flow(source, host, row.pattern, row.port, way, row.component, row.phases, needed, row.purpose)


def source_address(host: Host) -> str:
    """The address that packets to AWS leave with: of the card with the default route, IPv4 first; empty where unknown."""
    cards = {route.interface for route in routes(host) if route.is_default and not route.reject}
    up = [one for one in host.inventory().interfaces if one.up]
    interfaces = [one for one in up if one.name in cards] or up
    addresses = [ipaddress.ip_interface(text.partition("%")[0]).ip for one in interfaces for text in one.addresses]
    usable = [address for address in addresses if not (address.is_loopback or address.is_link_local)]
    return str(min(usable, key=lambda address: address.version)) if usable else ""


def generic(settings: Settings, region: str, account: str) -> tuple[Endpoint, ...]:
    """The endpoints of a region for nobody in particular."""
    return own_registry(
        catalogued(
            region,
            features=settings.features,
            phases=settings.phases,
            shards=settings.shards,
            dualstack=settings.dualstack,
            fips=settings.fips,
        ),
        account,
    )
