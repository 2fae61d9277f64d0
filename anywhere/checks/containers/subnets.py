"""Docker's networks against the addresses that this host needs outside."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.remedies import remedy
from anywhere.evidence import Overlap
from anywhere.facts.agents.docker import DockerNetwork, docker, docker_networks
from anywhere.facts.network.resolv_conf import upstream
from anywhere.facts.network.routes import Network, routes
from anywhere.facts.system.units import ECS, units
from anywhere.hosts.base import Host
from anywhere.hosts.base import Interface as Card
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

# docker0, docker_gwbridge, and of other networks the first twelve digits of their id (moby
# libnetwork/drivers/bridge/bridge_linux.go, parseNetworkOptions). br-lan and br-ex are names that administrators give.
BRIDGES = re.compile(r"docker\w*|br-[0-9a-f]{12}")

_SWARM = "docker_gwbridge"  # Swarm's own endpoints hold it: docker neither disconnects nor removes it on a member
_PRIVATE, _DEFAULT_VPC = ipaddress.IPv4Network("172.16.0.0/12"), ipaddress.IPv4Network("172.31.0.0/16")


@check("containers.subnets")
def subnets(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = subnets.id
    networks = docker_networks(host)
    named = {one.bridge: one for one in networks or () if one.bridge}
    cards = host.inventory().interfaces
    bridges = [(card.name, network) for card in cards for network in bridge_networks(card, named)]
    if not bridges:
        yield skipped(id, "docker", "no Docker network on this host")
        return
    needed = dict(_needed(host, settings))
    hit = False
    for name, network in bridges:
        inside = {address: what for address, what in needed.items() if _inside(address, network)}
        if inside:
            hit = True
            left = (
                name not in named
                and name.startswith("br-")
                and (networks is not None or docker(host).state == "absent")
            )
            fix = _left_over(host, name) if left else _fix(host, named.get(name), network, needed)
            yield _overlap(name, network, inside, fix)
    if not hit:
        yield passed(
            id,
            "docker",
            f"Docker networks ({', '.join(str(network) for _, network in bridges)}) overlap no address that this host needs",
        )


def bridge_networks(card: Card, named: Collection[str] = ()) -> list[Network]:
    """The subnets of a bridge that docker made: one with its usual name, or one that it says is its own."""
    if not BRIDGES.fullmatch(card.name) and card.name not in named:
        return []
    networks = [ipaddress.ip_interface(address).network for address in card.addresses]
    return [network for network in networks if not network.is_link_local]


def _needed(host: Host, settings: Settings) -> Iterator[tuple[str, str]]:
    """Addresses and what they are, the most telling word last, for it wins."""
    for seen in surveys(host, settings):
        for visit in seen.visits:
            for probe in visit.probes:
                yield probe.address, "the proxy" if visit.proxy else f"the endpoint {visit.endpoint.host}"
    for route in routes(host):
        if route.is_default and route.gateway and not BRIDGES.fullmatch(route.interface):
            yield route.gateway, "the default gateway"
    for server in upstream(host).nameservers:
        yield server, "a nameserver"


def _inside(address: str, network: Network) -> bool:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return ip.version == network.version and ip in network


def _overlap(name: str, network: Network, inside: dict[str, str], fix: Remedy) -> Finding:
    listed = ", ".join(f"{what} ({address})" for address, what in list(inside.items())[:3])
    evidence: Overlap = {"network": str(network), "covers": inside}
    said = f"{name} ({network}) covers {listed}"
    return trouble(subnets.id, Status.FAIL, name, said, cause="docker.subnet-overlap", remedy=fix, evidence=evidence)


def _fix(host: Host, own: DockerNetwork | None, network: Network, needed: Iterable[str]) -> Remedy:
    return _move_default(host) if own is None or own.is_default else _move(host, own, network, needed)


def _left_over(host: Host, name: str) -> Remedy:
    """docker has no such network: what a reset of its folder, or another docker, left behind. No setting moves it."""
    text = f"Docker has no network with the bridge {name}: it is left over from an earlier Docker. Delete it; containers of "
    text += "a network that Docker lists do not use it."
    return remedy(host, text, ("ip", "link", "delete", name), look=(("docker", "network", "ls"),))


def _move_default(host: Host) -> Remedy:
    """`bip` moves docker's default bridge, and nothing else does."""
    start_ecs = (("systemctl", "start", "ecs"),) if units(host)[ECS].exists else ()
    return remedy(
        host,
        'Set "bip" and "default-address-pools" in /etc/docker/daemon.json to a range that the site does not use, then '
        "restart Docker: containers stop with it, unless live-restore is set, and so does ecs, which has to be started "
        "again.",
        ("vi", "/etc/docker/daemon.json"),
        ("systemctl", "restart", "docker"),
        *start_ecs,
        look=(("docker", "network", "ls"),),
    )


def _move(host: Host, own: DockerNetwork, network: Network, needed: Iterable[str]) -> Remedy:
    """A network that somebody made: made again as it is, in another range. Docker itself goes on running."""
    look = (("docker", "network", "inspect", own.name),)
    if own.project:
        text = (
            f"The network {own.name} belongs to the Docker Compose project {own.project}. In its compose file, give the "
            "network a subnet that the site does not use (networks: NAME: ipam: config: - subnet: CIDR), then run `docker "
            "compose down` and `docker compose up -d` there. Volumes stay."
        )
        return remedy(host, text, look=look)
    if own.name == _SWARM:
        text = (
            f"The network {own.name} belongs to Docker Swarm, which holds it as long as this host is a member. Drain the node, "
            "leave the swarm (docker swarm leave), remove the network, make it again with the same options and a subnet that "
            "the site does not use (docker network create --subnet), then join the swarm again."
        )
        return remedy(host, text, look=look)
    free = _free_range(host, needed) if network.version == 4 else None
    if not free:
        text = (
            f"Make the network {own.name} again in a range that the site does not use (docker network create --subnet)."
        )
        return remedy(host, text, look=look)
    kept = tuple(word for subnet in own.subnets if subnet != str(network) for word in ("--subnet", subnet))
    text = (
        f"Make the network {own.name} again with the same options in another range. {free} overlaps nothing that this host "
        "knows; where the site uses it, put another one in its place. Names and fixed addresses that its containers have "
        "in this network (docker inspect CONTAINER) have to be given again with docker network connect."
    )
    return remedy(
        host,
        text,
        *(("docker", "network", "disconnect", own.name, one) for one in own.attached),
        ("docker", "network", "rm", own.name),
        ("docker", "network", "create", *own.flags, *kept, "--subnet", str(free), own.name),
        *(("docker", "network", "connect", own.name, one) for one in own.attached),
        look=look,
    )


def _free_range(host: Host, needed: Iterable[str]) -> Network | None:
    """A /24 that overlaps no network, route, card or needed address of this host. Docker itself takes the first ones of
    172.16.0.0/12 (moby libnetwork/ipamutils), and AWS's default VPCs 172.31.0.0/16: the last ones before it come first."""
    taken = [route.network for route in routes(host) if not route.is_default]
    taken += [ipaddress.ip_network(text, strict=False) for one in docker_networks(host) or () for text in one.subnets]
    taken += [ipaddress.ip_interface(text).network for card in host.inventory().interfaces for text in card.addresses]
    taken += [ipaddress.ip_network(address.partition("%")[0]) for address in needed]
    every = reversed([one for one in _PRIVATE.subnets(new_prefix=24) if not one.subnet_of(_DEFAULT_VPC)])
    return next((one for one in every if not any(_overlap_of(one, other) for other in taken)), None)


def _overlap_of(one: ipaddress.IPv4Network, other: Network) -> bool:
    return isinstance(other, ipaddress.IPv4Network) and one.overlaps(other)


CHECKS = (subnets,)
