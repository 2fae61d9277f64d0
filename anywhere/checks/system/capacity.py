"""Room to run: memory, and disk space where Docker and the agent keep their things."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.facts.agents.docker import CONTAINERD_ROOT, data_root, image_root
from anywhere.facts.system.disks import disk_of
from anywhere.hosts.base import Disk, Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

# The smallest machine that ECS itself is offered on (t3.nano, 0.5 GiB), less what its firmware and kernel keep.
LEAST_MEMORY = 448 * 2**20  # bytes
STATE = "/var/lib/ecs"
# Shares of the file system; a big disk is not low because a fixed share of it is used, so a size must be passed too.
FAIL_SHARE, FAIL_BYTES = 0.05, 2 * 2**30
WARN_SHARE, WARN_BYTES = 0.20, 10 * 2**30
LEAST_BYTES = 2**29  # half a gibibyte: the agent's package and its image, both packed and loaded


@check("system.memory")
def memory_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    total = host.inventory().memory_total
    said = f"{total / 2**20:.0f} MiB"
    if not total:
        yield skipped("system.memory", "memory", "the size of the memory could not be read")
    elif total < LEAST_MEMORY:
        yield trouble(
            "system.memory",
            Status.WARN,
            said,
            f"{said} of memory leave little for tasks beside Docker and the two agents",
            cause="memory.low",
            remedy=Remedy("Give the machine at least 1 GiB of memory."),
            evidence={"total": total},
        )
    else:
        yield passed("system.memory", said, f"{said} of memory", total=total)


@check("system.disk")
def disk_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    for path in dict.fromkeys((image_root(host), data_root(host), STATE)):
        disk = disk_of(host, path)
        if disk is None or not disk.total:
            yield skipped("system.disk", path, f"the file system of {path} could not be measured")
        else:
            yield judge_disk(path, disk)


def judge_disk(path: str, disk: Disk) -> Finding:
    """One file system: bytes first, then inodes."""
    evidence = {"total": disk.total, "free": disk.free, "inodes": disk.inodes, "inodes_free": disk.inodes_free}
    said = f"{_size(disk.free)} of {_size(disk.total)} are free for {path}"
    status = _space(disk)
    if status is Status.PASS and _inodes(disk) is not Status.PASS:
        status, said = _inodes(disk), f"{disk.inodes_free} of {disk.inodes} inodes are free for {path}"
    if status is Status.PASS:
        return passed("system.disk", path, said, **evidence)
    fix = f"Make room for {path}: docker system prune removes what no container uses; rotate logs in daemon.json."
    if path == CONTAINERD_ROOT:
        fix = (
            f"Make room for {path}, or move containerd's `root` (/etc/containerd/config.toml): with the containerd image store "
            "images lie there whatever data-root in daemon.json says. docker system prune removes what no container uses."
        )
    return trouble("system.disk", status, path, said, cause="disk.low", remedy=Remedy(fix), evidence=evidence)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _space(disk: Disk) -> Status:
    share = disk.free / disk.total
    if disk.free < LEAST_BYTES or (share < FAIL_SHARE and disk.free < FAIL_BYTES):
        return Status.FAIL
    return Status.WARN if share < WARN_SHARE and disk.free < WARN_BYTES else Status.PASS


def _inodes(disk: Disk) -> Status:
    """File systems that make inodes as they go (btrfs) report none at all."""
    share = disk.inodes_free / disk.inodes if disk.inodes else 1.0
    return Status.FAIL if share < 0.01 else Status.WARN if share < 0.05 else Status.PASS


CHECKS: tuple[Check, ...] = (memory_check, disk_check)
