"""The way of a bridge container's packet, read to its end: bridge, route, filter, translation, answer, size."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from anywhere.checks.containers.accepts import commands_for, remedy_text, untranslated
from anywhere.checks.containers.bridge import RESTART, STOPS, Obstacle, bridge_obstacles, obstacle
from anywhere.checks.containers.untracked import untracked_obstacle
from anywhere.checks.remedies import Command
from anywhere.documents.numbers import whole
from anywhere.facts.agents.daemon_json import PATH
from anywhere.facts.files import read_text
from anywhere.facts.firewall.container_way import Bridge, clamps_segments, marks, way_back, way_out
from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.forwarding import (
    IP_FORWARD,
    Aim,
    Stop,
    forward_stops,
    switched_off_by,
    translation,
    untracked,
)
from anywhere.facts.firewall.iptables_walk import Packet
from anywhere.facts.network.kernel_routes import Hop, answers_by, hop, policy_rules
from anywhere.facts.network.routes import route_to, routes
from anywhere.facts.system.docker_flags import switched_off
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import EDIT
from anywhere.wording import some

PROXY_ARP = "/proc/sys/net/ipv4/conf/{}/proxy_arp"


@frozen
class Way:
    """What is read: the bridge, the rules, the host, and what the host itself reaches."""

    host: Host
    bridge: Bridge
    walls: Firewall
    aims: tuple[Aim, ...]


def obstacles(way: Way) -> Iterator[Obstacle]:
    """All that certainly stands in the way, in the order in which a packet meets it."""
    if found := next(bridge_obstacles(way.host, way.bridge), None):
        yield found
        return
    if found := _forwarding(way):
        yield found
        return
    if stopped := _unread_cards(way):
        yield stopped
    hops = _hops(way)
    for (out, mark), aims in hops.items():
        if out.device == "lo":
            continue  # the host itself answers: nothing is forwarded
        if out.error:
            yield _no_way(way, out, mark, aims)
            continue
        yield from _filter(way, out.device, aims)
        yield from _source(way, out, aims)
        yield from _answer(way, out, aims)
    yield from _size(way, [out for out, _ in hops if not out.error and out.device != "lo"])


def _forwarding(way: Way) -> Obstacle | None:
    """Forwarding that is off, for all cards or for the one that containers' packets come in by."""
    host, name = way.host, way.bridge.name
    all_off = read_text(host, IP_FORWARD).content.strip() == "0"
    own = f"net.ipv4.conf.{name}.forwarding"
    if not all_off and not _is_off(host, own):
        return None
    place = switched_off_by(host, name)
    path, _, line = place.rpartition(":")
    edit: tuple[Command, ...] = ((*EDIT, rf"{line}s/=.*/= 1/", path),) if place else ()
    key = "net.ipv4.ip_forward" if all_off else own
    # Switched on for all, each card follows; switched on for one, the cards of the answers stay as they are.
    uplinks = dict.fromkeys(route.interface for aim in way.aims if (route := route_to(aim.address, routes(host))))
    others = () if all_off else tuple(f"net.ipv4.conf.{device}.forwarding" for device in uplinks if "." not in device)
    kept = switched_off(host, "ip-forward") if all_off else ""
    off = f" ({kept}: ip-forward is false)" if kept else ""
    return obstacle(
        host,
        f"{key} is 0: this host forwards no packet of a container" + (f"; {place} sets it" if place else off),
        "Switch forwarding on, now and at boot: docker does so only when it starts.",
        *edit,
        ("sysctl", "-w", f"{key}=1"),
        *(("sysctl", "-w", f"{other}=1") for other in others if _is_off(host, other)),
        file=place,
    )


def _is_off(host: Host, key: str) -> bool:
    return read_text(host, f"/proc/sys/{key.replace('.', '/')}").content.strip() == "0"


def _unread_cards(way: Way) -> Obstacle | None:
    """Answers come in by the uplink: forwarding has to be on there too."""
    for aim in way.aims[:1]:
        out = way_out(way.host, way.bridge, aim.address, 0)
        if out is None or not out.device or out.error:
            continue
        own = f"net.ipv4.conf.{out.device}.forwarding"
        if "." not in out.device and _is_off(way.host, own):
            place = switched_off_by(way.host, out.device)
            return obstacle(
                way.host,
                f"{own} is 0: the answers to containers, which come in by {out.device}, are not forwarded"
                + (f"; {place} sets it" if place else ""),
                "Switch forwarding on for that card, and wherever it is switched off at boot.",
                ("sysctl", "-w", f"{own}=1"),
            )
    return None


def _hops(way: Way) -> dict[tuple[Hop, int], tuple[Aim, ...]]:
    """The kernel's ways out, with the aims that take them. Aims of one kind (all beyond the host's own networks) take one
    way unless a rule tells them apart, so each network of 24 bits is asked once, at most eight."""
    found: dict[tuple[Hop, int], tuple[Aim, ...]] = {}
    asked: dict[str, tuple[Hop, int] | None] = {}
    for aim in way.aims:
        key = str(ipaddress.ip_network(f"{aim.address}/24", strict=False))
        if key not in asked and len(asked) < 8:
            asked[key] = _hop(way, aim)
        if hop_ := asked.get(key):
            found[hop_] = (*found.get(hop_, ()), aim)
    return found


def _hop(way: Way, aim: Aim) -> tuple[Hop, int] | None:
    source = way.bridge.free.partition("/")[0]
    packet = Packet(iif=way.bridge.name, source=source, destination=aim.address, dport=aim.port, protocol=aim.protocol)
    possible = marks(way.host, way.walls, packet)
    if len(possible) != 1:
        return None
    mark = next(iter(possible))
    out = way_out(way.host, way.bridge, aim.address, mark)
    return (out, mark) if out else None


def _to_main(host: Host, side: str, network: str) -> tuple[Command, ...]:
    """A routing rule before all others that gives docker's network the main table, until the next boot."""
    first = min(
        (number for rule in policy_rules(host) if (number := whole(rule.partition(":")[0])) is not None), default=0
    )
    if first < 2:
        return ()
    return (("ip", "rule", "add", side, network, "lookup", "main", "priority", str(first - 1)),)


_SAID = {
    "reverse-path": "the reverse path filter refuses it: the way back to the container leads elsewhere",
    "no-route": "there is no route for it",
    "unreachable": "a route says unreachable",
    "prohibited": "a route prohibits it",
    "discarded": "a black hole route swallows it",
}


def _no_way(way: Way, out: Hop, mark: int, aims: Sequence[Aim]) -> Obstacle:
    rules = policy_rules(way.host)
    marked = f" (marked {mark:#x} by the mangle table)" if mark else ""
    text = "Correct the route or the routing rule that containers' packets meet."
    if rules:
        text += f" Routing rules here: {'; '.join(rules[:4])}."
    aim = aims[0]
    words = ("ip", "route", "get", aim.address, "from", way.bridge.free.partition("/")[0], "iif", way.bridge.name)
    found = obstacle(
        way.host,
        f"bridge containers do not reach {_shown(aims)}, although this host does: the kernel does not forward a packet "
        f"from {way.bridge.network}{marked}: {_SAID[out.error]}",
        text,
        *_to_main(way.host, "from", way.bridge.network),
        look=((*words, *(("mark", f"{mark:#x}") if mark else ())), ("ip", "route", "show", "table", "all")),
        error=out.error,
    )
    return replace(found, aims=tuple(aims))


def _shown(aims: Sequence[Aim]) -> str:
    return some(list(dict.fromkeys(aim.what for aim in aims)))


def _filter(way: Way, device: str, aims: Sequence[Aim]) -> Iterator[Obstacle]:
    by_rule: dict[tuple[str, str], list[Stop]] = {}
    for stop in forward_stops(way.walls, device, way.bridge.name, way.bridge.network, aims):
        by_rule.setdefault((stop.hop, stop.rule), []).append(stop)
    name = way.bridge.name
    for (hop_, rule), stops in by_rule.items():
        found = obstacle(
            way.host,
            f"bridge containers do not reach {_shown([stop.aim for stop in stops])}, although this host does: {hop_} "
            f"stops them: {rule}",
            remedy_text(hop_, name),
            *commands_for(way.host, hop_, stops[0].program, way.bridge),
            rule=rule,
            hop=hop_,
            stopped=[stop.aim.what for stop in stops[:20]],
        )
        yield replace(found, aims=tuple(stop.aim for stop in stops))


def _source(way: Way, out: Hop, aims: Sequence[Aim]) -> Iterator[Obstacle]:
    """No translation, or one to an address that nobody answers for."""
    host, one = way.host, way.bridge
    far = [aim for aim in aims if not _is_near(host, aim.address)]
    verdict = translation(way.walls, one.network, out.device, far[0]) if far else None
    if verdict is None:
        return
    if verdict.target == "ACCEPT":
        yield untranslated(host, one, out.device)
        return
    if stop := next(untracked(way.walls, out.device, one.name, one.network, far), None):
        yield untracked_obstacle(host, one.network, stop)
        return
    if verdict.target == "MASQUERADE":
        yield from _other_source(way, out, far)
        return
    named = re.search(r"--to-source (\d+\.\d+\.\d+\.\d+)(?=\s|$|:)", verdict.rule)
    if verdict.target == "SNAT" and named and _is_nobodys(host, named[1], out.device):
        yield obstacle(
            host,
            f"a rule gives containers' packets the source {named[1]} on {out.device}, which is no address of this host: "
            f"nobody on that network sends the answers here: {verdict.rule}",
            "Correct the address in that rule, where it is kept, or use MASQUERADE, which takes the card's own.",
            look=(("iptables", "-t", "nat", "-S", "POSTROUTING"),),
            rule=verdict.rule,
        )


def _is_near(host: Host, address: str) -> bool:
    """Whether an address is the host's own, or in a network of one of its cards: no gateway decides about the answer."""
    ip = ipaddress.ip_address(address)
    return any(ip in ipaddress.ip_interface(a).network for a in _own_addresses(host))


def _own_addresses(host: Host) -> list[str]:
    return [a for card in host.inventory().interfaces for a in card.addresses if ":" not in a]


def _is_nobodys(host: Host, address: str, device: str) -> bool:
    """An address of the card's own network that no card has and for which the host does not answer ARP."""
    if any(address == one.partition("/")[0] for one in _own_addresses(host)):
        return False
    card = next((one for one in host.inventory().interfaces if one.name == device), None)
    ip = ipaddress.ip_address(address)
    near = card and any(ip in ipaddress.ip_interface(a).network for a in card.addresses if ":" not in a)
    answers = any(read_text(host, PROXY_ARP.format(name)).content.strip() == "1" for name in ("all", device))
    local = hop(host, address)
    return bool(near) and not answers and local is not None and local.device != "lo"


def _answer(way: Way, out: Hop, aims: Sequence[Aim]) -> Iterator[Obstacle]:
    """The answer, translated back, comes in by the card that the packet left by."""
    host, one = way.host, way.bridge
    back = way_back(host, one, aims[0].address, out.device)
    if back is None or (not back.error and back.device == one.name):
        return
    if back.error == "reverse-path":
        said = (
            f"the reverse path filter of {out.device} refuses the answers to bridge containers from {_shown(aims)}: "
            f"without a mark the way there is another"
        )
        text = f"Set the filter of {out.device} to loose (2), or let the routing rules of both ways agree."
        commands: tuple[Command, ...] = (("sysctl", "-w", f"net.ipv4.conf.{out.device}.rp_filter=2"),)
    elif not one.ports and _ignores_idle_cards(host, one.name):
        return  # the route of a bridge without a container does not count then
    else:
        where = f"to {back.device}" if back.device else f"nowhere ({_SAID.get(back.error, back.error)})"
        said = f"answers to bridge containers ({one.network}) are routed {where}, not to {one.name}"
        text = "A route or routing rule takes docker's network: give it a lower preference, or leave out that network."
        commands = _to_main(host, "to", one.network)
    yield replace(obstacle(host, said, text, *commands), aims=tuple(aims))


def _ignores_idle_cards(host: Host, name: str) -> bool:
    paths = (f"/proc/sys/net/ipv4/conf/{one}/ignore_routes_with_linkdown" for one in ("all", name))
    return any(read_text(host, path).content.strip() == "1" for path in paths)


def _other_source(way: Way, out: Hop, aims: Sequence[Aim]) -> Iterator[Obstacle]:
    """MASQUERADE takes the card's first address, whatever source the route prefers: where the two differ, the other one is
    tried."""
    host = way.host
    own = hop(host, aims[0].address)
    card = next((one for one in host.inventory().interfaces if one.name == out.device), None)
    four = [address for address in card.addresses if ":" not in address] if card else []
    gateway = ipaddress.ip_address(out.gateway) if out.gateway else None
    beside = [one for one in four if gateway and gateway in ipaddress.ip_interface(one).network]
    taken = next(iter(beside or four), "").partition("/")[0]
    aim = next((one for one in aims if one.protocol == "tcp"), None)
    if own is None or not taken or own.source in ("", taken) or own.device != out.device or aim is None:
        return
    if _answers_from(host, taken, aim):
        return
    yield replace(
        obstacle(
            host,
            f"this host goes out with the source {own.source}, which its route prefers, and MASQUERADE gives containers' "
            f"packets {taken}, the first address of {out.device}: with that one {aim.what} does not answer",
            f"Let containers leave with {own.source}: a rule before docker's, kept where the site keeps its rules; or let "
            f"the firewall pass {taken} too.",
            (
                *(
                    "iptables",
                    "-t",
                    "nat",
                    "-I",
                    "POSTROUTING",
                    "1",
                    "-s",
                    way.bridge.network,
                    "!",
                    "-o",
                    way.bridge.name,
                ),
                *("-j", "SNAT", "--to-source", own.source),
            ),
        ),
        aims=tuple(aims),
    )


def _answers_from(host: Host, source: str, aim: Aim) -> bool:
    """Whether an address answers this host when asked from another of its own; True where that cannot be known."""
    return answers_by(host, aim.address, aim.port, source) is not False


def _size(way: Way, hops: Sequence[Hop]) -> Iterator[Obstacle]:
    """A container's card that is larger than the uplink's: what comes back is cut for the larger one."""
    host, one = way.host, way.bridge
    cards = {card.name: card.mtu for card in host.inventory().interfaces}
    sizes = {out.device: min(filter(None, (cards.get(out.device, 0), out.mtu)), default=0) for out in hops}
    device, size = min(((name, size) for name, size in sizes.items() if size), key=lambda row: row[1], default=("", 0))
    if not size or size >= one.container_mtu or clamps_segments(way.walls):
        return
    said = (
        f"{device} carries packets of {size} bytes and {one.name} gives containers {one.container_mtu}: the answers to "
        "containers are cut for the larger size and lost where no ICMP message gets through"
    )
    text = (
        f'Set "mtu": {size} in {PATH}, then restart docker and start the containers anew. {STOPS} '
        "`anywhere check --prove` shows whether large answers get through here."
    )
    found = obstacle(host, said, text, *_write_mtu(host, size), *RESTART, uplink=size, bridge=one.container_mtu)
    yield replace(found, sure=False)


def _write_mtu(host: Host, size: int) -> tuple[Command, ...]:
    """The command that puts the size into daemon.json, whatever stands there."""
    now = read_text(host, PATH).content
    if not now.strip(" \t\r\n{}"):
        return (("sh", "-c", f"""mkdir -p /etc/docker && echo '{{"mtu": {size}}}' > {PATH}"""),)
    if re.search(r'"mtu"\s*:', now):
        return ((*EDIT, f's/"mtu" *: *[0-9]*/"mtu": {size}/', PATH),)
    return ((*EDIT, f'0,/{{/s//{{ "mtu": {size},/', PATH),)
