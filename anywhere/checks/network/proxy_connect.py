"""`proxy verify`: a CONNECT for each component, with the credentials and exclusions that it would use."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import partial

from anywhere.catalogue.endpoints import Endpoint, endpoints
from anywhere.catalogue.texts.proxy import set_proxy
from anywhere.changes.proxy.drop_ins import variables
from anywhere.changes.proxy.profile import Profile
from anywhere.checks.base import passed, skipped, trouble, unknown
from anywhere.errors import ParseError
from anywhere.facts.agents.components import Component, components
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.agents.registration import registration
from anywhere.facts.network.proxy_environment import ProxyEnvironment
from anywhere.facts.network.second_looks import other_scheme
from anywhere.facts.network.vantage import FLAVOURS
from anywhere.facts.system.units import Unit, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host, Probe, ProbeSpec, Query
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.model import Finding, Reason, Remedy, Stage, Status
from anywhere.redact import redact_proxy
from anywhere.threads import fan_out

ID = "network.proxy-profile"
MOST_ADDRESSES = 3  # of one proxy
PATIENCE = 5.0  # seconds for the connection to the proxy
FALLBACK = "us-east-1"  # before registration no region is known, and a proxy's rules are for all of them
AGENTS = ("ssm-agent", "ecs-agent", "docker")
_CAUSES: Mapping[Reason, str] = {
    Reason.PROXY_AUTH_REQUIRED: "proxy.auth-required",
    Reason.PROXY_DENIED: "proxy.denies-endpoint",
    Reason.PROXY_ERROR: "proxy.denies-endpoint",
}


@frozen
class Way:
    """How one component goes to one endpoint: by `proxy` (a secret where it holds credentials), empty for directly."""

    component: str
    host: str
    proxy: str = field(default="", repr=False)

    @property
    def subject(self) -> str:
        """What is asked for, and by whom."""
        return f"{self.component}: CONNECT {self.host}:443"


def judge_connect(host: Host, profile: Profile) -> Iterator[Finding]:
    """One finding for each component. A component that is not here yet goes out as the profile says."""
    ways = tuple(_ways(host, profile))
    asked = [way for way in ways if way.proxy]
    for way in ways:
        if not way.proxy:
            why = f"NO_PROXY keeps {way.host} from the proxy"
            yield skipped(ID, way.subject, why, because=why)
    names = dict.fromkeys(_name(way.proxy) for way in asked)
    known = {name: _addresses(host, name) for name in names}
    probes = fan_out([partial(_ask, host, way.proxy, way, known[_name(way.proxy)]) for way in asked], len(asked) or 1)
    for way, probe in zip(asked, probes):
        yield _finding(host, way, probe, known[_name(way.proxy)])


def _ways(host: Host, profile: Profile) -> Iterator[Way]:
    found, here = units(host), {one.name: one for one in components(host)}
    region = registration(host).region or ecs_config(host).agent.get("AWS_DEFAULT_REGION", "") or FALLBACK
    rows = endpoints(region, features=frozenset({"ecr"}), phases=("run",))
    for name in AGENTS:
        endpoint = _first(rows, name)
        environment = _environment(here[name], profile, found[here[name].unit])
        proxies = ProxyEnvironment.from_mapping(environment, FLAVOURS.get(name, "go"))
        yield Way(name, endpoint.host, proxies.for_host(endpoint.host))


def _first(rows: tuple[Endpoint, ...], component: str) -> Endpoint:
    return next(row for row in rows if row.component == component and row.probe)


def _environment(component: Component, profile: Profile, unit: Unit) -> Mapping[str, str]:
    """What the component uses where that is this profile's proxy, with the credentials that it really has; else what it
    will use once the profile is written."""
    for seen in (component.effective, unit.environment):
        url = next((seen[name] for name in ("HTTPS_PROXY", "https_proxy") if name in seen), "")
        if url and _address(url) == profile.address:
            return seen
    return variables(component.unit, profile, unit)


def _address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].rstrip('/')}"


def _name(proxy: str) -> str:
    try:
        return ProxyUrl.parse(proxy).host
    except ParseError:
        return ""


def _addresses(host: Host, name: str) -> tuple[str, ...]:
    """Where the proxy is: an address as it stands, a name as the host itself resolves it; what has none is dialed as it
    is, and says why not."""
    try:
        return (str(ipaddress.ip_address(name)),)
    except ValueError:
        return (host.resolve(Query(name)).addresses[:MOST_ADDRESSES] if name else ()) or ("",)


def _ask(host: Host, proxy: str, way: Way, addresses: tuple[str, ...]) -> Probe:
    """The proxy asked at its addresses, one after the other until it is reached."""
    for address in addresses:
        spec = ProbeSpec(way.host, scheme="tcp", proxy=proxy, address=address, patience=PATIENCE)
        probe = host.probe(spec)
        if probe.ok or probe.reason in _CAUSES:
            break
    return probe


def _finding(host: Host, way: Way, probe: Probe, addresses: tuple[str, ...]) -> Finding:
    shown = redact_proxy(way.proxy)
    if probe.ok:
        return passed(ID, way.subject, f"{shown} opens {way.host}:443 for {way.component}", proxy=shown)
    if probe.late or probe.reason is Reason.NOT_PERMITTED:
        return unknown(ID, way.subject, f"{shown} could not be asked: {probe.detail or probe.reason}", proxy=shown)
    cause = "proxy.unreachable" if probe.stage is not Stage.PROXY else _CAUSES.get(_reason(probe), "proxy.unreachable")
    if cause != "proxy.auth-required" and _ask(host, other_scheme(way.proxy), way, addresses).ok:
        cause = "proxy.wrong-scheme"
    said, remedy = _said(cause, shown, way, probe)
    evidence = {"proxy": shown, "component": way.component, "detail": probe.detail}
    return trouble(
        ID,
        Status.FAIL,
        way.subject,
        said,
        cause=cause,
        remedy=remedy,
        stage=probe.stage,
        reason=probe.reason,
        evidence=evidence,
    )


def _reason(probe: Probe) -> Reason:
    return probe.reason or Reason.PROXY_ERROR


def _said(cause: str, shown: str, way: Way, probe: Probe) -> tuple[str, Remedy]:
    detail = probe.detail or str(probe.reason)
    bare = replace(way, proxy="").host
    if cause == "proxy.auth-required":
        return (
            f"{shown} asks {way.component} for a user and password ({detail})",
            Remedy(
                "Write the profile with the user and password that the proxy accepts: this command reads one line "
                "user:password from standard input.",
                set_proxy(_address(way.proxy), "--credentials-file", "-"),
            ),
        )
    if cause == "proxy.wrong-scheme":
        other = other_scheme(_address(way.proxy))
        return (
            f"{shown} answers only as {other}: the scheme of the URL is wrong",
            Remedy(
                "Name a port where the proxy takes plain HTTP: both agents' channels (WebSocket) do not speak TLS to a proxy."
            )
            if other.startswith("https:")
            else Remedy("Write the profile with the other scheme.", set_proxy(other)),
        )
    if cause == "proxy.denies-endpoint":
        return (
            f"{shown} does not open {bare}:443 for {way.component} ({detail})",
            Remedy(f"Have the proxy allow CONNECT to {bare}:443 from this host."),
        )
    return (
        f"{shown} is not reached: {detail}",
        Remedy("Check the proxy's name, address and port, and that this host may connect to it."),
    )
