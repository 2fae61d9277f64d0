"""Docker's networks against the addresses that this host needs outside."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator

from anywhere.checks.base import check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.evidence import Overlap
from anywhere.facts.agents.docker import docker_networks
from anywhere.facts.network.resolv_conf import upstream
from anywhere.facts.network.routes import Network, routes
from anywhere.hosts.base import Host
from anywhere.hosts.base import Interface as Card
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

BRIDGES = ("docker", "br-")


@check("containers.subnets")
def subnets(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = subnets.id
    named = {one.bridge: "" if one.is_default else one.name for one in docker_networks(host) or () if one.bridge}
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
            yield _overlap(name, network, inside, named.get(name, ""))
    if not hit:
        yield passed(
            id,
            "docker",
            f"Docker networks ({', '.join(str(network) for _, network in bridges)}) overlap no address that this host needs",
        )


def bridge_networks(card: Card, named: Collection[str] = ()) -> list[Network]:
    """The subnets of a bridge that docker made: one with its usual name, or one that it says is its own."""
    if not card.name.startswith(BRIDGES) and card.name not in named:
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
        if route.is_default and route.gateway and not route.interface.startswith(BRIDGES):
            yield route.gateway, "the default gateway"
    for server in upstream(host).nameservers:
        yield server, "a nameserver"


def _inside(address: str, network: Network) -> bool:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return ip.version == network.version and ip in network


def _overlap(name: str, network: Network, inside: dict[str, str], own: str) -> Finding:
    """`own` is the name of a network that somebody made: `bip` moves docker's default bridge alone."""
    listed = ", ".join(f"{what} ({address})" for address, what in list(inside.items())[:3])
    remedy = Remedy(
        'Set "bip" and "default-address-pools" in /etc/docker/daemon.json to a range that the site does not use, then restart '
        "Docker: containers stop with it, unless live-restore is set, and so does ecs, which has to be started again.",
        (("sudo", "vi", "/etc/docker/daemon.json"), ("sudo", "systemctl", "restart", "docker")),
        look=(("sudo", "docker", "network", "ls"),),
    )
    if own:
        remedy = Remedy(
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
    evidence: Overlap = {"network": str(network), "covers": inside}
    summary = f"{name} ({network}) covers {listed}"
    return trouble(
        subnets.id, Status.FAIL, name, summary, cause="docker.subnet-overlap", remedy=remedy, evidence=evidence
    )


CHECKS = (subnets,)
