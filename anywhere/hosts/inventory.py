"""Memory, disks, interfaces, listeners and running agents of this machine, through psutil."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterable, Mapping

from anywhere.hosts.base import Daemon, Disk, Interface, Inventory, Listener

DISKS = ("/", "/var", "/var/lib", "/var/lib/docker", "/var/lib/ecs", "/var/lib/amazon", "/var/log", "/tmp")
# What decides how a program reaches AWS; nothing else of a process's environment is ever read.
TELLING = re.compile(
    r"(?i)^(https?_proxy|no_proxy|all_proxy|ssl_cert_(file|dir)|aws_\w+|ecs_\w+|docker_(host|min_api_version))$"
)
# Process names (cut to 15 characters by the kernel) to the component they belong to.
DAEMONS = {
    "dockerd": "docker",
    "amazon-ssm-agen": "ssm-agent",
    "amazon-ssm-agent": "ssm-agent",
    "amazon-ecs-init": "ecs-init",
    "agent": "ecs-agent",
    "podman": "podman",
}
IN_A_CONTAINER = "ecs-agent"  # the one of them that runs in a container of its own


def inventory() -> Inventory:
    """What this machine has now."""
    import psutil

    memory = psutil.virtual_memory()
    return Inventory(
        memory_total=memory.total,
        memory_available=memory.available,
        cpus=psutil.cpu_count() or 0,
        boot_time=psutil.boot_time(),
        now=time.time(),
        disks=tuple(disks(DISKS)),
        interfaces=_interfaces(),
        listeners=_listeners(),
        daemons=_daemons(),
        environment=telling(os.environ),
        is_root=os.geteuid() == 0,
    )


def telling(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that decide how AWS is reached."""
    return {name: value for name, value in sorted(environment.items()) if TELLING.match(name)}


def disks(paths: Iterable[str]) -> list[Disk]:
    """The file systems of those folders that exist."""
    found = []
    for path in paths:
        try:
            stat = os.statvfs(path)
        except OSError:
            continue
        size = stat.f_frsize
        found.append(Disk(path, stat.f_blocks * size, stat.f_bavail * size, stat.f_files, stat.f_favail))
    return found


def _interfaces() -> tuple[Interface, ...]:
    import psutil

    stats = psutil.net_if_stats()
    found = []
    for name, entries in sorted(psutil.net_if_addrs().items()):
        mac = next((entry.address for entry in entries if entry.family == psutil.AF_LINK), "")
        addresses = tuple(
            f"{entry.address.partition('%')[0]}/{_prefix(entry.netmask or '')}"
            for entry in entries
            if entry.family in (socket.AF_INET, socket.AF_INET6)
        )
        stat = stats.get(name)
        found.append(Interface(name, mac, stat.mtu if stat else 0, bool(stat and stat.isup), addresses))
    return tuple(found)


def _prefix(netmask: str) -> int:
    family = socket.AF_INET6 if ":" in netmask else socket.AF_INET
    try:
        return sum(byte.bit_count() for byte in socket.inet_pton(family, netmask))
    except OSError:
        return 128 if family == socket.AF_INET6 else 32


def _listeners() -> tuple[Listener, ...]:
    import psutil

    found = []
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError, RuntimeError):
        return ()
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            pid = connection.pid or 0
            found.append(Listener(connection.laddr[0], connection.laddr[1], pid, _process_name(pid)))
    return tuple(sorted(found, key=lambda one: (one.port, one.address, one.pid)))


def _process_name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _daemons() -> tuple[Daemon, ...]:
    found = []
    for entry in os.listdir("/proc"):
        component = DAEMONS.get(_process_name(int(entry))) if entry.isdigit() else None
        if component and (component == IN_A_CONTAINER or not _is_contained(int(entry))):
            found.append(Daemon(component, int(entry), _environment(int(entry))))
    return tuple(sorted(found, key=lambda one: (one.name, one.pid)))


def _is_contained(pid: int) -> bool:
    """Whether a process lives in another PID namespace: a container's docker or agent is not this host's."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino != os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return False


def _environment(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return {}
    return telling(dict(entry.partition("=")[::2] for entry in text.split("\0") if "=" in entry))
