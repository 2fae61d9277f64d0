"""Docker's bridge itself: there, switched on, with the address that docker gave its containers; who took it away."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from anywhere.checks.containers.settings_edit import without_entry
from anywhere.checks.remedies import Command, remedy
from anywhere.facts.agents.daemon_json import PATH, daemon_json
from anywhere.facts.files import list_folder, read_text
from anywhere.facts.firewall.container_way import Bridge
from anywhere.facts.firewall.forwarding import Aim
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.model import Remedy

RESTART: tuple[Command, ...] = (("systemctl", "restart", "docker"), ("systemctl", "restart", "ecs"))
DEFAULT = "docker0"
STOPS = "Containers stop when docker restarts, unless live-restore is set, and ecs stops and starts with it."


@frozen
class Obstacle:
    """What stands in the way: what is said, how it is fixed, evidence. `aims` are those that it stops (empty: all);
    `sure` is False where only a large answer would show it, `elsewhere` is True where a router beyond this host decides."""

    summary: str
    fix: Remedy
    evidence: dict[str, object]
    aims: tuple[Aim, ...] = ()
    sure: bool = True
    elsewhere: bool = False


def obstacle(
    host: Host, summary: str, text: str, *commands: Command, look: tuple[Command, ...] = (), **evidence: object
) -> Obstacle:
    """An obstacle for all aims, with its fix as commands for this host; `look` are those that only show more."""
    return Obstacle(summary, remedy(host, text, *commands, look=look), evidence)


def bridge_obstacles(host: Host, one: Bridge) -> Iterator[Obstacle]:
    """What is wrong with the bridge, so that no packet passes it."""
    name = one.name
    if not one.present and (daemon_json(host).bridge or DEFAULT) != DEFAULT:
        edit = without_entry(host, "bridge")
        yield obstacle(
            host,
            f"docker runs, and {name}, the bridge that {PATH} names, is not there: no container has a network",
            f"docker makes {DEFAULT} alone: make {name} again (netplan, systemd-networkd or NetworkManager, with its address, "
            f'before docker starts), or take "bridge" out of {PATH}. Then restart docker and ecs. {STOPS}',
            *((*edit.commands, *RESTART) if edit else ()),
        )
    elif not one.present:
        yield obstacle(
            host,
            f"docker runs, and its bridge {name} is not there: no container has a network",
            f"Restart docker, which makes {name} again. {STOPS}",
            *RESTART,
        )
    elif one.up is False:
        yield obstacle(
            host,
            f"the bridge {name} is switched off (down): no packet of a container passes it",
            f"Switch it on, and find out what switched it off.{_manager_advice(host, name)}",
            ("ip", "link", "set", name, "up"),
        )
    elif not one.address:
        yield obstacle(
            host,
            f"{name} has no IPv4 address: no container reaches anything, not even 169.254.170.2{_managed(host, name)}",
            f"Restart docker, which gives {name} its address, after the other network manager leaves {name} alone."
            f"{_manager_advice(host, name)} {STOPS}",
            *_exclude(host, name),
            *RESTART,
        )
    elif one.gateway and one.own != one.gateway and not daemon_json(host).default_gateway:
        yield obstacle(
            host,
            f"{name} has the address {one.own}, and Docker gives its containers the gateway {one.gateway}: "
            f"nobody answers there{_managed(host, name)}",
            f"Restart docker, which gives {name} its address.{_manager_advice(host, name)} {STOPS}",
            *_exclude(host, name),
            *RESTART,
        )


_MATCH = re.compile(r"(?ms)^\[Match\]\s*$(.*?)(?=^\[|\Z)")
NETWORKD = ("/etc/systemd/network", "/run/systemd/network")
NETWORK_MANAGER = ("/etc/NetworkManager/NetworkManager.conf", "/etc/NetworkManager/conf.d")


def _managers(host: Host, name: str) -> Iterator[tuple[str, str]]:
    """Other network managers that may take the bridge: where, and how they are kept from it."""
    for folder in NETWORKD:
        for file in list_folder(host, folder) or ():
            text = read_text(host, f"{folder}/{file}").content if file.endswith(".network") else ""
            match = _MATCH.search(text)
            rows = dict(row.split("=", 1) for row in (match[1] if match else "").split("\n") if "=" in row)
            names = rows.get("Name", "*" if not rows else "").split()
            taken = any(fnmatch.fnmatch(name, one) for one in names) or rows.get("Type") == "bridge"
            if taken and "unmanaged=yes" not in text.lower():
                yield (
                    f"systemd-networkd ({folder}/{file} matches {name})",
                    f"narrow Name= in {folder}/{file}, or write /etc/systemd/network/00-docker.network with [Match] "
                    f"Name={name} and [Link] Unmanaged=yes",
                )
    if (list_folder(host, "/run/NetworkManager") or list_folder(host, "/etc/NetworkManager")) and not _spared(host):
        yield (
            "NetworkManager",
            f"write [keyfile] unmanaged-devices=interface-name:{name} to /etc/NetworkManager/conf.d/docker.conf",
        )


def _spared(host: Host) -> bool:
    main, folder = NETWORK_MANAGER
    texts = (
        read_text(host, path).content
        for path in (main, *(f"{folder}/{one}" for one in list_folder(host, folder) or ()))
    )
    return any("docker" in text and "unmanaged" in text for text in texts)


def _exclude(host: Host, name: str) -> tuple[Command, ...]:
    """The commands that make other network managers leave the bridge alone."""
    words = " ".join(where for where, _ in _managers(host, name))
    found: list[Command] = []
    if "systemd-networkd" in words:
        text = f"[Match]\\nName={name}\\n\\n[Link]\\nUnmanaged=yes\\n"
        found += [
            ("sh", "-c", f"mkdir -p {NETWORKD[0]} && printf '{text}' > {NETWORKD[0]}/00-docker.network"),
            ("networkctl", "reload"),
        ]
    if "NetworkManager" in words:
        text = f"[keyfile]\\nunmanaged-devices=interface-name:{name}\\n"
        found += [
            ("sh", "-c", f"mkdir -p {NETWORK_MANAGER[1]} && printf '{text}' > {NETWORK_MANAGER[1]}/docker.conf"),
            ("nmcli", "general", "reload"),
        ]
    return tuple(found)


def _managed(host: Host, name: str) -> str:
    found = [where for where, _ in _managers(host, name)]
    return f"; another network manager takes it: {', '.join(found)}" if found else ""


def _manager_advice(host: Host, name: str) -> str:
    found = [how for _, how in _managers(host, name)]
    return f" Exclude {name} there: {'; '.join(found)}." if found else ""
