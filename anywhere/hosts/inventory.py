"""Memory, disks, interfaces, listeners and running agents of this machine, through psutil."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterable, Mapping

from anywhere.hosts.base import Daemon, Disk, Interface, Inventory, Listener
from anywhere.windows import IS_WINDOWS, SYSTEM, is_root

DISKS = ("/", "/var", "/var/lib", "/var/lib/docker", "/var/lib/ecs", "/var/lib/amazon", "/var/log", "/tmp", "/run")
# The variables that decide how a program reaches AWS, and those that tell an ECS agent apart; nothing else of a process's
# environment is ever read. Extended regular expressions (POSIX), for grep on other hosts too.
WAY = (
    "https?_proxy|no_proxy|all_proxy|ssl_cert_(file|dir)|aws_[a-z0-9_]+|ecs_backend_host|docker_(host|min_api_version)"
)
RELEVANT = f"{WAY}|ecs_[a-z0-9_]+"
_WAY, _RELEVANT = re.compile(WAY, re.I), re.compile(RELEVANT, re.I)
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
CONTAINERS_PROGRAM = "/agent"
# Where only root puts programs, and the units that start them (a process cannot enter their control group by itself).
PLACES = ("/usr/", "/bin/", "/sbin/", "/opt/", "/snap/", "/var/lib/snapd/", "/nix/store/", "/gnu/store/")
UNITS = r"docker|podman|amazon-ssm-agent|ecs|snap\.docker\.dockerd|snap\.amazon-ssm-agent\.amazon-ssm-agent"
_OF_A_UNIT = re.compile(rf"(?m)^\d+:[^:\n]*:/system\.slice/(?:{UNITS})\.service(?:/|$)")
_ROOTS = re.compile(r"(?m)^Uid:\s+0\s+0\s+0\s+0$")
SMALL = 256 * 1024  # bytes of a file in /proc that are read


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
        disks=() if IS_WINDOWS else tuple(disks(DISKS)),
        interfaces=_interfaces(),
        listeners=_listeners(),
        daemons=() if IS_WINDOWS else _daemons(),
        environment=relevant(os.environ),
        is_root=is_root(),
        system=SYSTEM,
    )


def relevant(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that are read."""
    return {name: value for name, value in sorted(environment.items()) if _RELEVANT.fullmatch(name)}


def way(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that decide how AWS is reached, in its order."""
    return {name: value for name, value in environment.items() if _WAY.fullmatch(name)}


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
    return "" if IS_WINDOWS else _text(f"/proc/{pid}/comm").strip()


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(SMALL).decode("utf-8", "replace")
    except OSError:
        return ""


def _daemons() -> tuple[Daemon, ...]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        pid, name = int(entry), _process_name(int(entry))
        component = DAEMONS.get(name)
        if component and (component == IN_A_CONTAINER or not _is_contained(pid)) and _is_roots(pid):
            found.append(Daemon(component, pid, _environment(pid), _is_sure(pid, name)))
    return tuple(sorted(found, key=lambda one: (one.name, one.pid)))


def _is_roots(pid: int) -> bool:
    """Whether it is root's in every way: a program that is set to run as root keeps the user who started it."""
    return bool(_ROOTS.search(_text(f"/proc/{pid}/status")))


def _is_sure(pid: int, name: str) -> bool:
    """See Daemon. A link by another name does not count: the kernel names the file itself."""
    if _OF_A_UNIT.search(_text(f"/proc/{pid}/cgroup")):
        return True
    try:
        program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except PermissionError:
        return True  # then its environment is not seen either
    except OSError:
        return False
    if DAEMONS[name] == IN_A_CONTAINER:
        return program == CONTAINERS_PROGRAM
    return program.startswith(PLACES) and program.rpartition("/")[2].startswith(name)


def _is_contained(pid: int) -> bool:
    """Whether a process lives in another PID namespace: a container's docker or agent is not this host's."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino != os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return False


def _environment(pid: int) -> dict[str, str]:
    text = _text(f"/proc/{pid}/environ")
    return relevant(dict(entry.partition("=")[::2] for entry in text.split("\0") if "=" in entry))
