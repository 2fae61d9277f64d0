"""The folders that agents and docker use, and the options of the file systems under them."""

from __future__ import annotations

from anywhere.facts.agents.docker import containerd_root, data_root, docker_info
from anywhere.facts.files import read_text
from anywhere.facts.system.disks import is_under
from anywhere.facts.system.exec_files import ROOT
from anywhere.facts.system.machine import Mount, mounts
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

FSTAB = "/etc/fstab"
COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (FSTAB,)
FOLDERS: tuple[str, ...] = ()

# What each component writes, and the folders from which programs are started: Run Command and Session Manager unpack to
# the first, ECS Exec mounts the second into containers (amazon-ecs-agent agent/engine/execcmd).
HOME = "/root/.aws"
WRITTEN = {
    "ecs-agent": ("/var/lib/ecs", "/var/lib/ecs/data", "/var/log/ecs", "/var/cache/ecs"),
    "ssm-agent": ("/var/lib/amazon/ssm", "/var/log/amazon/ssm", HOME),
}
RUN_COMMAND, EXEC = "/var/lib/amazon/ssm", ROOT


@frozen
class Place:
    """A folder, who needs it, and the mount that it lies on."""

    folder: str
    component: str
    mount: Mount


def mount_of(table: tuple[Mount, ...], folder: str) -> Mount | None:
    """The mount that a folder lies on: the deepest, and of one place the last, which covers the earlier ones."""
    found: Mount | None = None
    for mount in table:
        if is_under(folder, mount.point) and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def written(host: Host) -> tuple[Place, ...]:
    """Every folder that a component writes to."""
    roots = (data_root(host), *((containerd_root(host),) if docker_info(host).containerd_store else ()))
    table = mounts(host)
    rows = [("docker", folder) for folder in roots]
    rows += [(component, folder) for component, folders in WRITTEN.items() for folder in folders]
    return tuple(Place(folder, name, mount) for name, folder in rows if (mount := mount_of(table, folder)))


def fstab_line(host: Host, point: str) -> str:
    """The line of /etc/fstab for a mount point, with its number; empty without one."""
    for number, row in enumerate(read_text(host, FSTAB).content.splitlines(), 1):
        words = row.split()
        if len(words) > 3 and words[1] == point and not row.lstrip().startswith("#"):
            return f"{FSTAB}:{number} `{' '.join(words)}`"
    return ""
