"""What lets bridge containers out: an accept where a rule stops them, the zone of firewalld, a translation."""

from __future__ import annotations

from dataclasses import replace

from anywhere.checks.containers.bridge import RESTART, STOPS, Obstacle, obstacle
from anywhere.checks.containers.settings_edit import without_entry
from anywhere.checks.remedies import Command, iptables
from anywhere.facts.agents.daemon_json import PATH
from anywhere.facts.agents.docker import docker
from anywhere.facts.firewall.container_way import Bridge
from anywhere.facts.system.docker_flags import switched_off
from anywhere.facts.system.machine import parse_version
from anywhere.hosts.base import Host

_ANSWERS = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT")


def accepts(hop_: str, program: str, bridge: Bridge) -> tuple[Command, ...]:
    """Accepts before the rule, in the table and chain that it is in: one of another table would not be asked. `program` is
    the iptables that holds it."""
    name = bridge.name
    if hop_.startswith("nft "):
        _, family, table, chain = hop_.split()
        start = ("nft", "insert", "rule", family, table, chain)
        return (
            (*start, "iifname", name, "accept"),
            (*start, "oifname", name, "ct", "state", "established,related", "accept"),
        )
    table, chain, *_ = (*hop_.split(), "")
    tool = iptables(program, table)
    if chain == "POSTROUTING":
        return ((*tool, "-I", chain, "1", "-s", bridge.network, "-j", "ACCEPT"),)
    if table == "raw" or chain == "PREROUTING":
        return ((*tool, "-I", "PREROUTING", "1", "-i", name, "-j", "ACCEPT"),)
    return (
        (*tool, "-I", "FORWARD", "1", "-i", name, "-j", "ACCEPT"),
        (*tool, "-I", "FORWARD", "1", "-o", name, *_ANSWERS),
    )


def is_firewalld(hop_: str) -> bool:
    """Whether the chain is in firewalld's table, which it may keep for itself (NftablesTableOwner, firewalld.conf(5))."""
    return hop_.startswith("nft ") and hop_.split()[2] == "firewalld"


def remedy_text(hop_: str, name: str) -> str:
    """How a packet of the bridge gets past the rule."""
    if is_firewalld(hop_):
        return (
            f"Put {name} into a zone of firewalld that accepts its packets, now and for good. A rule elsewhere does not help: "
            "what another table accepts, firewalld's still rejects."
        )
    user = (
        "the chain DOCKER-USER is there for that, if the rule comes after it. " if not hop_.startswith("nft ") else ""
    )
    text = f"Remove that rule, or accept what comes from {name} before it{': ' + user if user else '. '}"
    return f"{text}Whoever manages the chain (a VPN, a firewall) writes it again: set it there."


def commands_for(host: Host, hop_: str, program: str, bridge: Bridge) -> tuple[Command, ...]:
    """The accepts, or the zone: docker has one of its own in firewalld from 20.10 on (moby/libnetwork #2548)."""
    if not is_firewalld(hop_):
        return accepts(hop_, program, bridge)
    said = docker(host).version
    zone = "docker" if parse_version(said.server or said.client) >= (20, 10) else "trusted"
    into = (f"--zone={zone}", f"--change-interface={bridge.name}")
    made: tuple[Command, ...] = (("sh", "-c", _ZONE),) if zone == "docker" else ()
    return (*made, ("firewall-cmd", "--permanent", *into), ("firewall-cmd", "--reload"))


# Docker makes its zone when it starts beside firewalld: where it did not, the zone is made as docker does.
_ZONE = (
    "firewall-cmd --permanent --get-zones | grep -qw docker || { firewall-cmd --permanent --new-zone=docker && "
    "firewall-cmd --permanent --zone=docker --set-target=ACCEPT; }"
)


def untranslated(host: Host, bridge: Bridge, device: str) -> Obstacle:
    """No address translation. Where docker is kept from it, a router may know containers' network: only a container's
    own answers tell."""
    says = f"no rule translates the addresses of {bridge.name} ({bridge.network}) on their way out by {device}"
    masquerade, place = switched_off(host, "ip-masq"), switched_off(host, "iptables")
    if not masquerade and not place:
        text = f"Restart docker, which writes its MASQUERADE rule again. {STOPS}"
        return obstacle(host, f"{says}: answers to bridge containers do not come back", text, *RESTART)
    name, where = ("iptables", place) if place else ("ip-masq", masquerade)
    says += f", and {where} keeps docker from it ({name} is false): unless the next router knows {bridge.network}, no answer "
    text = f"Have the router send {bridge.network} to this host, or translate it here. "
    edit = without_entry(host, name) if name == "ip-masq" and where == PATH else None
    if edit:
        found = obstacle(host, says + "comes back", f"{text}{edit.text} {STOPS}", *edit.commands, *RESTART)
    else:
        words = ("-s", bridge.network, "!", "-o", bridge.name, "-j", "MASQUERADE")
        text += "The command does so until the next boot: set it for good where this host's rules are kept."
        found = obstacle(host, says + "comes back", text, ("iptables", "-t", "nat", "-A", "POSTROUTING", *words))
    return replace(found, elsewhere=True)
