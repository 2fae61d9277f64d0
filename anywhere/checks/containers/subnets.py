"""Docker's networks against the addresses that this host needs outside."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.remedies import remedy
from anywhere.evidence import Overlap
from anywhere.facts.agents.docker import docker, docker_networks
from anywhere.facts.network.resolv_conf import upstream
from anywhere.facts.network.routes import Network, routes
from anywhere.hosts.base import Host
from anywhere.hosts.base import Interface as Card
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

# docker0, docker_gwbridge, and of other networks the first twelve digits of their id (moby
# libnetwork/drivers/bridge/bridge_linux.go, parseNetworkOptions). br-lan and br-ex are names that administrators give.
BRIDGES = re.compile(r"docker\w*|br-[0-9a-f]{12}")


@check("containers.subnets")
def subnets(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = subnets.id
    networks = docker_networks(host)
    named = {one.bridge: "" if one.is_default else one.name for one in networks or () if one.bridge}
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
            yield _overlap(name, network, inside, _left_over(host, name) if left else _move(named.get(name, "")))
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


def _left_over(host: Host, name: str) -> Remedy:
    """docker has no such network: what a reset of its folder, or another docker, left behind. No setting moves it."""
    text = f"Docker has no network with the bridge {name}: it is left over from an earlier Docker. Delete it; containers of "
    text += "a network that Docker lists do not use it."
    return remedy(host, text, ("ip", "link", "delete", name), look=(("docker", "network", "ls"),))


def _move(own: str) -> Remedy:
    """`own` is the name of a network that somebody made: `bip` moves docker's default bridge alone."""
    if not own:
        return Remedy(
            'Set "bip" and "default-address-pools" in /etc/docker/daemon.json to a range that the site does not use, then '
            "restart Docker: containers stop with it, unless live-restore is set, and so does ecs, which has to be started "
            "again.",
            (("sudo", "vi", "/etc/docker/daemon.json"), ("sudo", "systemctl", "restart", "docker")),
            look=(("sudo", "docker", "network", "ls"),),
        )
    return Remedy(
        f"Recreate the network {own} in a range that the site does not use (bip in daemon.json moves Docker's default "
        "bridge "
        'only): set "default-address-pools" in daemon.json, restart Docker, stop and disconnect the network\'s containers, '
        "then remove and create it.",
        (
            ("sudo", "vi", "/etc/docker/daemon.json"),
            ("sudo", "systemctl", "restart", "docker"),
            ("sudo", "docker", "network", "rm", own),
            ("sudo", "docker", "network", "create", own),
        ),
        look=(("sudo", "docker", "network", "inspect", own),),
    )


CHECKS = (subnets,)
