"""What a check of a host will ask and contact, worked out from its files alone: before anything is resolved or connected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from anywhere.catalogue.endpoints import Endpoint, endpoints, find_region
from anywhere.declared.contacts import COMMAND, CONNECTION, FILE, FOLDER, QUESTION, Contact
from anywhere.errors import ParseError
from anywhere.facts.agents.agents import INTROSPECTION
from anywhere.facts.agents.credentials import METADATA
from anywhere.facts.announced import tables
from anywhere.facts.announced.named import named
from anywhere.facts.link.neighbours import KNOCKED, gateways
from anywhere.facts.network.go_names import go_names
from anywhere.facts.network.lookup import random_name
from anywhere.facts.network.own_resolver import own_resolvers
from anywhere.facts.network.resolv_conf import container_nameservers, resolv_conf, upstream
from anywhere.facts.network.second_looks import NEUTRAL_NAME
from anywhere.facts.network.survey import catalogue, for_docker
from anywhere.facts.network.vantage import Vantage, vantages
from anywhere.facts.prefetch_list import wants
from anywhere.facts.system.docker_flags import docker_dns
from anywhere.facts.system.units import AGENT_UNITS, units
from anywhere.hosts.base import Host
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.redact import redact_proxy
from anywhere.settings import PHASES, Settings

DNS, HTTPS = 53, 443
SYSTEM = "the system's resolver"
ANY = "any address of the name"
ITS_PROXY = "directly, or through the proxy that the component has"


def of_host(host: Host, settings: Settings, region: str) -> tuple[Contact, ...]:
    """All rows for a host whose files can be read now; `host` runs no command and connects nothing."""
    rows = [row for row in catalogue(host, settings, region) if row.probe]
    servers = tuple(dict.fromkeys((*resolv_conf(host).nameservers, *go_names(host).servers)))
    seen = vantages(host)
    rows += for_docker(rows, seen)
    found: list[Contact] = [*_questions(host, rows, seen, servers, region)]
    found += [contact for row in rows for contact in _connections(row, seen[row.component])]
    if resolv_conf(host).use_vc:
        found += [replace(_over_tcp(server), when="") for server in resolv_conf(host).nameservers]
    return _once((*found, *_knocks(host), *_loopback(), *_local(host)))


def of_any(settings: Settings, region: str) -> tuple[Contact, ...]:
    """The rows for a host that nothing is known of yet: its settings are read in the run."""
    rows = endpoints(
        region,
        features=settings.features,
        phases=settings.phases or PHASES,
        shards=settings.shards,
        dualstack=settings.dualstack,
        fips=settings.fips,
    )
    probed = [row for row in rows if row.probe]
    names = [*dict.fromkeys(row.host for row in probed), random_name(region, find_region(region).suffix)]
    servers = (SYSTEM, "each nameserver of resolv.conf")
    found = [_question(name, server) for name in names for server in servers]
    found += [_question(f"{name}.*", SYSTEM, "the name is unknown: with the search domains") for name in names]
    found += [_question("*", servers[1], "a component has a proxy: its name")]
    found += [_connection(row, ITS_PROXY) for row in probed]
    found += [Contact(CONNECTION, "*", "a component's proxy", 0, "tcp", when="a component has a proxy", why="CONNECT")]
    found.append(replace(_over_tcp("*"), address=servers[1]))
    return _once((*found, *_loopback(), *_local(None)))


def _once(rows: Iterable[Contact]) -> tuple[Contact, ...]:
    return tuple(dict.fromkeys(rows))


# --- questions ------------------------------------------------------------------------------------------------------


def _questions(
    host: Host, rows: Sequence[Endpoint], seen: dict[str, Vantage], servers: Sequence[str], region: str
) -> Iterator[Contact]:
    """Every name, of the system's resolver and of each nameserver; the system adds its search domains to unknown ones."""
    invented = random_name(region, find_region(region).suffix)
    proxies = [name for row in rows if (name := _proxy_name(_proxy(row, seen[row.component])))]
    whys = {row.host: row.purpose for row in rows} | {invented: "whether nameservers make answers up"}
    whys |= dict.fromkeys(proxies, "the proxy's address")
    conf = resolv_conf(host)
    for name, why in whys.items():
        for server in (SYSTEM, *servers):
            yield _question(name, server, why=why)
        for domain in conf.search:
            longer = f"{name}.{domain}"
            yield _question(longer, SYSTEM, "the name is unknown: the system adds its search domains", why)
            if name.count(".") < conf.ndots and conf.nameservers:
                yield _question(
                    longer, conf.nameservers[0], "ndots puts the search domains first: what answers there", why
                )
    behind = [server for one in own_resolvers(host) for server in one.upstreams[:3] if server not in servers]
    for name, why in whys.items():
        for server in dict.fromkeys(behind):
            yield _question(name, server, "the resolver on this host does not resolve it: whom it asks", why)
    own = f"ssm.{region}.{find_region(region).suffix}"
    known = {*servers, *upstream(host).nameservers}
    for server in container_nameservers(host, docker_dns(host)):
        if server not in known:
            yield _question(own, server, why="whether containers resolve it at the nameserver that docker gives them")


def _question(name: str, server: str, when: str = "", why: str = "") -> Contact:
    return Contact(QUESTION, name, server, DNS, "udp, tcp where cut: A, AAAA", when=when, why=why)


def _proxy(row: Endpoint, vantage: Vantage) -> str:
    return vantage.proxy_for(row.host, row.port, row.scheme)


def _proxy_name(proxy: str) -> str:
    """The proxy's name; empty without one, or where it is an address."""
    try:
        name = ProxyUrl.parse(proxy).host if proxy else ""
    except ParseError:
        return ""
    return name if any(letter.isalpha() for letter in name) and ":" not in name else ""


# --- connections ----------------------------------------------------------------------------------------------------


def _connections(row: Endpoint, vantage: Vantage) -> Iterator[Contact]:
    proxy = _proxy(row, vantage)
    shown = redact_proxy(proxy)
    if not proxy:
        yield _connection(row, ANY)
    else:
        yield replace(_connection(row, shown), why=f"CONNECT {row.host}:{row.port} ({row.purpose})")
        yield replace(
            _connection(row, ANY), when="the name resolves to a private address here: tried without the proxy"
        )
    if not row.verify:
        yield replace(_connection(row, shown or ANY), port=80 if row.port == HTTPS else row.port, when="HTTPS fails")
    if row.scheme in ("https", "wss") and not row.is_own:
        other = f"TLS with the server name {NEUTRAL_NAME} at the same address"
        yield replace(_connection(row, shown or ANY), when="the handshake stalls or is reset", why=other)


def _connection(row: Endpoint, address: str) -> Contact:
    return Contact(CONNECTION, row.host, address, row.port, f"tcp, {row.scheme}", row.component, "", row.purpose)


def _over_tcp(server: str) -> Contact:
    when, why = "resolv.conf has questions sent over TCP (options use-vc)", "whether the nameserver takes TCP"
    return Contact(CONNECTION, server, server, DNS, "tcp", "host", when, why)


def _knocks(host: Host) -> Iterator[Contact]:
    when, why = "the gateway's link address was set by hand, and nothing answers by it", "whether the gateway is there"
    for gateway in gateways(host):
        yield from (Contact(CONNECTION, gateway, gateway, port, "tcp", "host", when, why) for port in KNOCKED)


def _loopback() -> Iterator[Contact]:
    for spec, why in ((INTROSPECTION, "the ECS agent's introspection"), (METADATA, "a metadata service of a cloud")):
        yield Contact(CONNECTION, spec.host, spec.address or spec.host, spec.port, "tcp, http", "host", why=why)


# --- on the host ----------------------------------------------------------------------------------------------------


def _local(host: Host | None) -> Iterator[Contact]:
    wanted = wants()
    for argv in wanted.commands:
        yield Contact(COMMAND, " ".join(argv))
    for pattern, when, why in tables.COMMANDS:
        yield Contact(COMMAND, pattern, when=when, why=why)
    for path in wanted.files:
        yield Contact(FILE, path)
    for path, why in tables.FILES:
        yield Contact(FILE, path, why=why)
    for path in dict.fromkeys((*wanted.folders, *tables.FOLDERS)):
        yield Contact(FOLDER, path)
    for name in AGENT_UNITS if host else ():
        for path in units(host)[name].environment_files if host else ():
            yield Contact(FILE, path, why=f"EnvironmentFile= of {name}")
    yield from named(host) if host else ()
    if host is None:
        for kind in (FILE, FOLDER):
            yield Contact(
                kind, "*", when="a setting of docker, an agent or its unit names it", why="whether it is there"
            )
        yield Contact(
            FILE, "*", when="a unit of docker or an agent names it with EnvironmentFile=", why="its variables"
        )
