"""What tells one host from another, and what is compared between the hosts of a run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

from anywhere.facts.files import read_text
from anywhere.facts.network.resolv_conf import resolv_conf
from anywhere.hosts.base import Host, Interface

HOST_KEYS = (
    "/etc/ssh/ssh_host_ed25519_key.pub",
    "/etc/ssh/ssh_host_ecdsa_key.pub",
    "/etc/ssh/ssh_host_rsa_key.pub",
    "/etc/dropbear/dropbear_ed25519_host_key.pub",
)
HOSTNAME = "/proc/sys/kernel/hostname"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (*HOST_KEYS, HOSTNAME, BOOT_ID, "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")
FOLDERS: tuple[str, ...] = ()
# Made by software on the host: their addresses are no mark of the machine, and other than theirs may be its MTU.
VIRTUAL = re.compile(
    r"lo|(docker|veth|br-|virbr|cni|flannel|cali|tunl|wg|tun|tap|dummy|bond|team|vnet|lxc|podman)[\w.@-]*"
)
# Bit 2 of the first byte: an address that an administrator, or a program, has made up.
MADE_UP = 2


def host_key(host: Host) -> str:
    """The fingerprint of the first SSH host key in OpenSSH's form, empty where none can be read."""
    for path in HOST_KEYS:
        words = read_text(host, path).content.split()
        if len(words) > 1:
            return fingerprint(words[1])
    return ""


def fingerprint(key: str) -> str:
    """`SHA256:...` of a public key in base64, empty where it is none."""
    try:
        data = base64.b64decode(key, validate=True)
    except ValueError:
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def hardware_addresses(interfaces: Sequence[Interface]) -> tuple[str, ...]:
    """The MAC addresses that were burnt in, sorted."""
    return tuple(sorted({one.mac.lower() for one in interfaces if _is_burnt_in(one)}))


def _is_burnt_in(interface: Interface) -> bool:
    first = interface.mac.partition(":")[0]
    if VIRTUAL.fullmatch(interface.name) or not re.fullmatch(r"[0-9A-Fa-f]{2}", first):
        return False
    return not int(first, 16) & MADE_UP and interface.mac.strip("0:") != ""


def identity(host: Host) -> dict[str, object]:
    """The marks of the machine. Two machines share none of them; one machine seen twice shares them all."""
    found = {
        "host_key": host_key(host),
        "macs": list(hardware_addresses(host.inventory().interfaces)),
        "boot": read_text(host, BOOT_ID).content.strip()[:8],
    }
    return {name: value for name, value in found.items() if value}


def network(host: Host) -> dict[str, object]:
    """What hosts of one site have in common: the smallest MTU of an interface that is up, and the nameservers."""
    sizes = [one.mtu for one in host.inventory().interfaces if one.up and one.mtu and not VIRTUAL.fullmatch(one.name)]
    found = {"mtu": min(sizes, default=0), "nameservers": list(resolv_conf(host).nameservers)}
    return {name: value for name, value in found.items() if value}


def hostname(host: Host) -> str:
    """The kernel's name of the host."""
    return read_text(host, HOSTNAME).content.strip()
