"""What systemd keeps from a service: network, folders and kernel settings that its unit files take away.

Source: systemd.exec(5) and systemd.resource-control(5): of a switch the last line counts, lists add up, and an empty line
clears a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.facts.files import read_text
from anywhere.facts.system.disks import is_under
from anywhere.facts.system.docker_flags import names_containerd
from anywhere.facts.system.quoting import parse_section
from anywhere.facts.system.units import CONTAINERD, Unit, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

ON = ("yes", "true", "1", "on", "y", "t")
OTHER_ON = {"ProtectHome": ("read-only", "tmpfs"), "ProtectSystem": ("full", "strict"),
            "PrivateTmp": ("disconnected",)}  # fmt: skip
EVERYWHERE = ("any", "0.0.0.0/0")
# What dockerd and containerd do for each container: make namespaces, mount, set cards up (capabilities(7), systemd.exec(5)).
RIGHTS = {"docker": ("CAP_SYS_ADMIN", "CAP_NET_ADMIN"), "containerd": ("CAP_SYS_ADMIN",)}
MOUNTING = ("@mount", "mount")
LISTS = ("CapabilityBoundingSet", "SystemCallFilter", "RestrictAddressFamilies", "IPAddressDeny", "IPAddressAllow",
         "ReadOnlyPaths", "InaccessiblePaths",
         "ReadWritePaths", "BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem", "StateDirectory",
         "LogsDirectory")  # fmt: skip
SSM_FOLDERS = ("/root/.aws", "/var/lib/amazon/ssm", "/var/log/amazon/ssm")
FOLDERS_OF = {"amazon-ssm-agent": SSM_FOLDERS}
# Each of these gives a service mounts of its own (systemd.exec(5)), with which what dockerd mounts for a container is not seen
# by containerd. Tried with Docker 20.10 of Debian 12: dockerd runs, and every container ends with "no such file".
OWN_MOUNTS = ("PrivateTmp", "PrivateDevices", "PrivateMounts", "ProtectKernelModules", "ProtectKernelTunables",
              "ProtectKernelLogs", "ProtectControlGroups", "ProtectHome", "ProtectSystem")  # fmt: skip
OWN_MOUNT_LISTS = ("ReadOnlyPaths", "InaccessiblePaths", "ReadWritePaths", "BindPaths", "BindReadOnlyPaths",
                   "TemporaryFileSystem")  # fmt: skip


# What dockerd mounts has to reach containerd: neither may keep its mounts to itself. containerd may take what others mount and
# give nothing back (slave). Tried with Docker 20.10 of Debian 12, each value in each unit.
UNSEEN = {"docker": ("slave", "private"), "containerd": ("private",)}
UNSEEN_BY = {
    "docker": "keeps its mounts from containerd: no container starts",
    "containerd": "keeps docker's mounts from it: no container starts",
}


@frozen
class Line:
    """One assignment and its place."""

    path: str
    number: int
    key: str
    value: str

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.number}"


@frozen
class Kept:
    """A line that keeps a service from its work, and what it keeps from it."""

    line: Line
    says: str


def kept_from(host: Host, unit: Unit) -> tuple[Kept, ...]:
    """Of one service: docker, ecs or the SSM agent."""
    last: dict[str, Line] = {}
    lists: dict[str, list[Line]] = {}
    for path in filter(None, (unit.fragment, *unit.drop_ins)):
        for number, key, value in parse_section(read_text(host, path).content, "[Service]"):
            line = Line(path, number, key, value)
            last[key] = line
            if key in LISTS:
                lists[key] = [*lists.get(key, []), line] if value else []
    return (
        *_rights(unit, last, lists),
        *_switches(unit, last, lists),
        *_mounts(host, unit, last, lists),
        *_network(lists),
        *_folders(unit, lists),
    )


def _component(unit: Unit) -> str:
    return "amazon-ssm-agent" if "ssm" in unit.name else unit.service


def _switches(unit: Unit, last: dict[str, Line], lists: dict[str, list[Line]]) -> Iterator[Kept]:
    component, writes = _component(unit), _words(lists.get("ReadWritePaths", ()), lists.get("BindPaths", ()))
    for key, line in last.items():
        is_on = line.value.lower() in ON
        if key == "PrivateNetwork" and is_on:
            yield Kept(line, "gives it a network of its own, without a card")
        elif (key == "User" and line.value not in ("", "root", "0")) or (key == "DynamicUser" and is_on):
            yield Kept(line, "runs it as a user who is not root")
        elif (
            key == "ProtectHome" and component == "amazon-ssm-agent" and (is_on or line.value in ("read-only", "tmpfs"))
        ):
            if not _covers(writes, "/root/.aws"):
                yield Kept(line, "takes /root from it, where it writes the credentials of the ECS agent")
        elif key == "ProtectSystem" and line.value == "strict" and not lists.get("StateDirectory"):
            lost = [folder for folder in FOLDERS_OF.get(component, ()) if not _covers(writes, folder)]
            if lost:
                yield Kept(line, f"makes {', '.join(lost)} read-only for it")


def _rights(unit: Unit, last: dict[str, Line], lists: dict[str, list[Line]]) -> Iterator[Kept]:
    """Rights without which no container starts. Of a list the first line says whether it allows or denies."""
    needed = RIGHTS.get(_component(unit), ())
    if not needed:
        return
    for right in needed:
        if taken := _taken(lists.get("CapabilityBoundingSet", []), (right,)):
            yield Kept(taken, f"takes {right} from it, without which no container starts")
            break
    if taken := _taken(lists.get("SystemCallFilter", []), MOUNTING):
        yield Kept(taken, "does not let it mount, without which no container starts")
    namespaces = last.get("RestrictNamespaces")
    if namespaces and namespaces.value.lower() in ON:
        yield Kept(namespaces, "lets it make no namespace, without which no container starts")


def _taken(lines: Sequence[Line], wanted: Sequence[str]) -> Line | None:
    """The line that takes what is wanted: one that denies it, or the first of a list that allows without it."""
    denied = [line for line in lines if line.value.startswith("~")]
    allowed = [line for line in lines if not line.value.startswith("~")]
    if lines and lines[0] in denied:
        return next((line for line in denied if _names(line, wanted)), None)
    return allowed[0] if allowed and not any(_names(line, wanted) for line in allowed) else None


def _names(line: Line, wanted: Sequence[str]) -> bool:
    return any(word.partition(":")[0] in wanted for word in line.value.lstrip("~").split())


def _starts_containerd(host: Host, unit: Unit) -> bool:
    """Whether dockerd starts a containerd of its own, which shares its mounts: none is named, and no unit brings one
    (moby daemon/command/daemon.go, systemContainerdRunning; tried with Docker 20.10 and MountFlags=slave)."""
    containerd = units(host)[CONTAINERD]
    return not names_containerd(host, unit) and (containerd.masked or not containerd.exists)


def _mounts(host: Host, unit: Unit, last: dict[str, Line], lists: dict[str, list[Line]]) -> Iterator[Kept]:
    component = _component(unit)
    if component == "docker" and _starts_containerd(host, unit):
        return
    if "MountFlags" in last and last["MountFlags"].value.lower() in UNSEEN.get(component, ()):
        yield Kept(last["MountFlags"], UNSEEN_BY[component])
    if component != "docker":
        return
    found = [
        last[key] for key in OWN_MOUNTS if key in last and last[key].value.lower() in (*ON, *OTHER_ON.get(key, ()))
    ]
    for line in (*found, *(line for key in OWN_MOUNT_LISTS for line in lists.get(key, ()))):
        yield Kept(line, "gives it mounts of its own, which containerd does not see: no container starts")


def _network(lists: dict[str, list[Line]]) -> Iterator[Kept]:
    families = lists.get("RestrictAddressFamilies", [])
    denied = [line for line in families if line.value.startswith("~")]
    allowed = [line for line in families if not line.value.startswith("~")]
    for line in denied:
        if "AF_INET" in line.value.lstrip("~").split():
            yield Kept(line, "denies it IPv4")
    if allowed and "AF_INET" not in _words(allowed):
        yield Kept(allowed[-1], "allows it address families without IPv4")
    open_to = [
        word for word in _words(lists.get("IPAddressAllow", ())) if word not in ("localhost", "127.0.0.0/8", "::1/128")
    ]
    for line in lists.get("IPAddressDeny", ()):
        if not open_to and set(line.value.split()) & set(EVERYWHERE):
            yield Kept(line, "denies it every address")


def _folders(unit: Unit, lists: dict[str, list[Line]]) -> Iterator[Kept]:
    writes = _words(lists.get("ReadWritePaths", ()), lists.get("BindPaths", ()))
    for key in ("ReadOnlyPaths", "InaccessiblePaths"):
        for line in lists.get(key, ()):
            for folder in FOLDERS_OF.get(_component(unit), ()):
                if _covers(line.value.split(), folder) and not _covers(writes, folder):
                    yield Kept(line, f"takes {folder} from it")


def _words(*lines: Sequence[Line]) -> list[str]:
    return [word for one in lines for line in one for word in line.value.split()]


def _covers(paths: Sequence[str], folder: str) -> bool:
    return any(is_under(folder, path.lstrip("-+").partition(":")[0] or "/") for path in paths)
