"""The bridge that containers live on, and the kernel's own word on the way of their packets, out and back."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.agents.docker import docker_networks
from anywhere.facts.files import list_folder, read_text
from anywhere.facts.firewall.firewall import Firewall
from anywhere.facts.firewall.iptables_walk import Packet, reached_rules, rule_matches
from anywhere.facts.firewall.nftables import NftRule
from anywhere.facts.network.kernel_routes import Hop, hop, policy_rules
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

DEFAULT_MTU = 1500
FOLDER = "/sys/class/net"

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (f"{FOLDER}/docker0/flags", "/proc/sys/net/ipv4/conf/docker0/forwarding")
FOLDERS: tuple[str, ...] = (f"{FOLDER}/docker0/brif",)


@frozen
class Bridge:
    """Docker's default bridge. `present` is whether the card is there, `up` whether it is switched on (None: not known),
    `address` its IPv4 address with prefix length, `gateway` the one that docker gives its containers (empty: not
    known), `ports` the cards plugged in, `mtu` the card's, `option` docker's own setting for containers (0: none)."""

    name: str
    present: bool = True
    up: bool | None = None
    address: str = ""
    gateway: str = ""
    ports: tuple[str, ...] = ()
    mtu: int = 0
    option: int = 0

    @property
    def own(self) -> str:
        """The bridge's address alone."""
        return self.address.partition("/")[0]

    @property
    def network(self) -> str:
        """Where its containers' addresses lie."""
        return str(ipaddress.ip_interface(self.address).network)

    @property
    def free(self) -> str:
        """The address that docker gives out last, with its prefix length; empty where there is no room."""
        own = ipaddress.ip_interface(self.address)
        if own.network.num_addresses < 4:
            return ""
        last = own.network[-2] if own.network[-2] != own.ip else own.network[-3]
        return f"{last}/{own.network.prefixlen}"

    @property
    def container_mtu(self) -> int:
        """The size that containers' cards get: docker's setting, else the bridge's own."""
        return self.option or self.mtu or DEFAULT_MTU


def bridge(host: Host, name: str) -> Bridge:
    """The card of docker's default bridge and what docker says of its network."""
    network = next((one for one in docker_networks(host) or () if one.is_default or one.bridge == name), None)
    card = next((one for one in host.inventory().interfaces if one.name == name), None)
    gateway = next((one for one in network.gateways if ":" not in one), "") if network else ""
    option = (network.mtu if network else 0) or daemon_json(host).mtu
    if card is None:
        return Bridge(name, present=False, gateway=gateway, option=option)
    flags = read_text(host, f"{FOLDER}/{name}/flags").content.strip()
    return Bridge(
        name,
        up=bool(int(flags, 16) & 1) if re.fullmatch(r"0x[0-9a-f]+", flags) else None,
        address=_address(card.addresses, gateway),
        gateway=gateway,
        ports=tuple(list_folder(host, f"{FOLDER}/{name}/brif") or ()),
        mtu=card.mtu,
        option=option,
    )


def _address(addresses: tuple[str, ...], gateway: str) -> str:
    """Docker's own address of several on the card, else the first."""
    four = [one for one in addresses if ":" not in one]
    return next((one for one in four if one.partition("/")[0] == gateway), next(iter(four), ""))


def marks(host: Host, walls: Firewall, packet: Packet) -> frozenset[int]:
    """The marks that the host's rules may give a packet before it is routed, 0 (none) among them. Without a routing rule
    that looks at marks they make no difference."""
    if not any("fwmark" in rule for rule in policy_rules(host)):
        return frozenset({0})
    found = {0}
    for backend in walls.backends:
        for rule in reached_rules(backend.v4.table("mangle"), "PREROUTING", packet):
            value = rule.value("--set-xmark") or rule.value("--set-mark")
            if rule.target == "MARK" and (number := _number(value)) is not None:
                found = {number} if rule_matches(rule, packet) else found | {number}
    return frozenset(found)


def _number(text: str) -> int | None:
    try:
        return int(text.partition("/")[0], 0)
    except ValueError:
        return None


def way_out(host: Host, one: Bridge, address: str, mark: int) -> Hop | None:
    """Where the kernel would send a container's packet; None where that is not known."""
    return hop(host, address, source=one.free.partition("/")[0], device=one.name, mark=mark) if one.free else None


def way_back(host: Host, one: Bridge, address: str, device: str) -> Hop | None:
    """Where the kernel would send the answer that comes in at the card it left by, once its address is translated back."""
    return hop(host, one.free.partition("/")[0], source=address, device=device) if one.free and device else None


def clamps_segments(walls: Firewall) -> bool:
    """Whether a rule fits the segment size of forwarded connections to the way (TCPMSS, or `maxseg` of nftables)."""
    rules = (rule for backend in walls.backends for table in backend.v4.tables for rule in table.rules)
    return any(rule.target == "TCPMSS" for rule in rules) or any(map(_sets_maxseg, _nft_rules(walls)))


def _nft_rules(walls: Firewall) -> Iterator[NftRule]:
    return (rule for chain in walls.nft.chains for rule in chain.rules)


def _sets_maxseg(rule: NftRule) -> bool:
    return any(isinstance(one, dict) and "mangle" in one and "maxseg" in str(one) for one in rule.expressions)
