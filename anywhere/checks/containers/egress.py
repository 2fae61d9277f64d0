"""Can bridge containers get out: the forward rules, the address translation, docker's own chains."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import REGISTER_BRINGS, Check, check, passed, skipped, trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.remedies import remedy
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.agents.docker import docker, docker_info
from anywhere.facts.files import read_text
from anywhere.facts.firewall.firewall import Firewall, firewall
from anywhere.facts.firewall.forwarding import IP_FORWARD, Aim, Stop, forward_stops, is_translated, switched_off_by
from anywhere.facts.network.resolv_conf import container_nameservers
from anywhere.facts.network.routes import has_default, routes
from anywhere.facts.network.visit import Visit
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

RULES, EGRESS = "containers.rules", "containers.egress"
CHAINS = ("DOCKER", "DOCKER-FORWARD", "DOCKER-USER")
RESTART = (("systemctl", "restart", "docker"), ("systemctl", "restart", "ecs"))
STOPS = "Containers stop when docker restarts, unless live-restore is set, and ecs stops and starts with it."


@check(RULES)
def docker_rules(host: Host, settings: Settings) -> Iterator[Finding]:
    """A flush of the whole ruleset takes docker's chains too; only a start of docker brings them back."""
    walls = firewall(host)
    why = _unseen(host, walls)
    if why:
        yield skipped(RULES, "docker", why)
    elif _has_chains(walls):
        yield passed(RULES, "docker", "docker's own chains are there")
    else:
        yield _chains_gone(host, walls)


def _unseen(host: Host, walls: Firewall) -> str:
    """Why nothing can be said of docker's rules; empty where it can."""
    settings = daemon_json(host)
    if docker(host).state != "answers":
        return REGISTER_BRINGS if docker(host).state == "absent" else "docker does not answer"
    if settings.iptables is False or settings.bridge == "none" or not walls.bridge:
        return "docker is set to keep no rules of a bridge"
    if not host.inventory().is_root or not walls.backends or not walls.readable:
        return "the rules may be read by root only"
    return ""


def _has_chains(walls: Firewall) -> bool:
    tables = [backend.v4.table(name) for backend in walls.backends for name in ("nat", "filter")]
    return walls.docker_native or any(table.policy(chain) for table in tables for chain in CHAINS)


def _chains_gone(host: Host, walls: Firewall) -> Finding:
    manager = "; ".join(walls.managers)
    flush = next(
        (line for line in read_text(host, "/etc/nftables.conf").content.splitlines() if "flush ruleset" in line), ""
    )
    said = (
        "docker's own chains (DOCKER in nat and filter) are gone, as after a flush: bridge containers have no way out"
    )
    text = f"Restart docker, which writes them again, then ecs, which adds its own rules. {STOPS}"
    if flush:
        text += (
            " Then narrow `flush ruleset` in /etc/nftables.conf to the tables of that file (`flush table inet filter`)."
        )
    return trouble(
        RULES,
        Status.FAIL,
        "docker",
        said,
        cause="docker.rules-missing",
        remedy=remedy(host, text, *RESTART),
        evidence={"managers": manager, "flush": flush.strip()},
    )


@check(EGRESS)
def container_egress(host: Host, settings: Settings) -> Iterator[Finding]:
    """The host reaches what a container does not: its packets are forwarded, and other rules decide."""
    walls, table = firewall(host), routes(host)
    if why := _unseen(host, walls):
        yield skipped(EGRESS, "bridge", why)
        return
    if not _has_chains(walls):
        yield skipped(EGRESS, walls.bridge, "docker's own chains are gone", because=RULES)
        return
    card = next((one for one in host.inventory().interfaces if one.name == walls.bridge), None)
    own = next((address for address in card.addresses if ":" not in address), "") if card else ""
    if card is None:
        yield skipped(EGRESS, walls.bridge, f"there is no bridge {walls.bridge}")
    elif not own:
        yield _no_address(host, walls.bridge)
    elif found := forward_stops(walls, table, walls.bridge, _inside(own), _aims(host, settings)):
        yield _stopped(host, walls.bridge, found)
    elif trouble_ := _not_forwarded(host, walls.bridge):
        yield trouble_
    elif has_default(table, 4) and daemon_json(host).ip_masq is not False and not _translated(walls, table, own):
        yield _no_nat(host, walls.bridge, own)
    else:
        yield passed(EGRESS, walls.bridge, "no rule is known to stand in the way of bridge containers")


def _inside(own: str) -> str:
    """An address that a container may have: the bridge's subnet."""
    import ipaddress

    return str(ipaddress.ip_interface(own).network)


def _translated(walls: Firewall, table: tuple[object, ...], own: str) -> bool:
    return is_translated(walls, _inside(own), "")


def _aims(host: Host, settings: Settings) -> tuple[Aim, ...]:
    """What the host itself reaches: the containers' nameservers, and an address of each endpoint, or the proxy."""
    aims = {
        (server, 53): Aim(server, 53, "udp", f"the nameserver {server}")
        for server in container_nameservers(host, daemon_json(host).dns)
    }
    for seen in surveys(host, settings):
        for visit in seen.visits:
            for address, port in _reached(visit):
                name = "the proxy" if visit.proxy else visit.endpoint.host
                aims.setdefault((address, port), Aim(address, port, "tcp", f"{name} ({address})"))
    return tuple(aims.values())


def _reached(visit: Visit) -> Iterator[tuple[str, int]]:
    for probe in visit.probes:
        if probe.ok and probe.address:
            port = visit.proxy.rpartition(":")[2].strip("/") if visit.proxy else str(visit.endpoint.port)
            if port.isdigit():
                yield probe.address, int(port)


def _stopped(host: Host, bridge: str, found: list[Stop]) -> Finding:
    first = found[0]
    aims = ", ".join(dict.fromkeys(stop.aim.what for stop in found[:3]))
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return trouble(
        EGRESS,
        Status.FAIL,
        bridge,
        f"bridge containers do not reach {aims}{more}, although this host does: {first.hop} stops them: {first.rule}",
        cause="containers.no-egress",
        remedy=remedy(
            host,
            f"Remove that rule, or accept what comes from {bridge} before it: the chain DOCKER-USER is there for that, if "
            "the rule stands behind it. Whoever manages the chain (a VPN, a firewall) writes it again: set it there.",
            ("iptables", "-I", "FORWARD", "1", "-i", bridge, "-j", "ACCEPT"),
            (
                "iptables",
                "-I",
                "FORWARD",
                "1",
                "-o",
                bridge,
                "-m",
                "conntrack",
                "--ctstate",
                "RELATED,ESTABLISHED",
                "-j",
                "ACCEPT",
            ),
        ),
        evidence={"rule": first.rule, "hop": first.hop, "stopped": [stop.aim.what for stop in found[:20]]},
    )


def _no_address(host: Host, bridge: str) -> Finding:
    return trouble(
        EGRESS,
        Status.FAIL,
        bridge,
        f"{bridge} has no IPv4 address: no container reaches anything, not even 169.254.170.2",
        cause="containers.no-egress",
        remedy=remedy(
            host,
            f"Restart docker, which gives {bridge} its address. Another network manager took it: exclude {bridge} there "
            f"(NetworkManager: unmanaged-devices; systemd-networkd: Unmanaged=yes for {bridge}). {STOPS}",
            *RESTART,
        ),
    )


def _not_forwarded(host: Host, bridge: str) -> Finding | None:
    """Forwarding that is off, where somebody switched it off: docker does so only when it starts."""
    if read_text(host, IP_FORWARD).content.strip() != "0":
        return None
    place = switched_off_by(host)
    if not place and docker_info(host).forwarding is not False:
        return None
    path, _, line = place.rpartition(":")
    edit = (("sed", "-i", rf"{line}s/=.*/= 1/", path),) if place else ()
    return trouble(
        EGRESS,
        Status.FAIL,
        bridge,
        "net.ipv4.ip_forward is 0: this host forwards no packet of a container"
        + (f"; {place} sets it" if place else ""),
        cause="containers.no-egress",
        remedy=remedy(
            host,
            "Switch forwarding on, now and at boot: docker does so only when it starts.",
            *edit,
            ("sysctl", "-w", "net.ipv4.ip_forward=1"),
        ),
        evidence={"file": place},
    )


def _no_nat(host: Host, bridge: str, own: str) -> Finding:
    return trouble(
        EGRESS,
        Status.FAIL,
        bridge,
        f"no rule translates the addresses of {bridge} ({_inside(own)}): answers to bridge containers do not come back",
        cause="containers.no-egress",
        remedy=remedy(host, f"Restart docker, which writes its MASQUERADE rule again. {STOPS}", *RESTART),
    )


CHECKS: tuple[Check, ...] = (docker_rules, container_egress)
