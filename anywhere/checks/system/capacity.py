"""Room to run: memory, and disk space where Docker and the agent keep their things."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.facts.agents.docker import CONTAINERD_CONFIG, containerd_root, data_root, docker_info, image_root
from anywhere.facts.system.disks import disk_of
from anywhere.frozen import frozen
from anywhere.hosts.base import Disk, Host
from anywhere.model import Finding, Remedy, Status
from anywhere.settings import Settings

POOL = "docker's devicemapper pool"  # containers and images, whatever the file system under it has

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


FULL_BYTES = 2**20  # of a file system that holds small files only


@frozen
class Small:
    """A folder that takes little, and what a full file system under it stops. `fails` is whether the agents or containers
    then stop."""

    path: str
    says: str
    fix: str
    fails: bool = True


SMALL: tuple[Small, ...] = (
    Small(
        "/var/lib/amazon",
        "the SSM agent cannot write its state, and Run Command cannot unpack",
        "Make room: `du -xsh /var/lib/amazon/ssm/*` shows what is large; old sessions and commands lie under orchestration.",
    ),
    Small(
        "/run",
        "docker and containerd cannot start containers, whose state lies there",
        "Find out what fills it (`du -xsh /run/*`) and delete that: it is memory, and empty after a reboot.",
    ),
    Small(
        "/var/log",
        "the agents write no logs, so that the last lines in them are old",
        "Rotate or delete logs: `du -xsh /var/log/*` shows what is large, `journalctl --vacuum-size=200M` cuts the journal.",
        fails=False,
    ),
    Small(
        "/tmp",
        "AWS's installer and updates cannot unpack there",
        "Delete what is old in it, or enlarge it.",
        fails=False,
    ),
)


@check("system.disk")
def disk_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    yield from _large(host)
    for place in SMALL:
        disk = disk_of(host, place.path) if _is_seen(host, place.path) else None
        if disk and disk.total and (full := _full(place, disk)):
            yield full


def _is_seen(host: Host, path: str) -> bool:
    """Whether the inventory measured it: the root's own file system says nothing of a folder that is none of it."""
    return any(disk.path == path for disk in host.inventory().disks)


def _full(place: Small, disk: Disk) -> Finding | None:
    """A finding where nothing more can be written."""
    no_inodes = bool(disk.inodes) and disk.inodes_free == 0
    if disk.free >= FULL_BYTES and not no_inodes:
        return None
    room = f"{_size(disk.free)} free for {place.path}, at least {_size(FULL_BYTES)} needed"
    if no_inodes:
        room = f"no inode free for {place.path} (of {disk.inodes})"
    evidence = {"total": disk.total, "free": disk.free, "inodes": disk.inodes, "inodes_free": disk.inodes_free}
    return trouble(
        "system.disk",
        Status.FAIL if place.fails else Status.WARN,
        place.path,
        f"{room}: {place.says}",
        cause="disk.low",
        remedy=Remedy(place.fix, look=(("df", "-h", place.path), ("df", "-i", place.path))),
        evidence=evidence,
    )


def _large(host: Host) -> Iterator[Finding]:
    for path in dict.fromkeys((image_root(host), data_root(host), STATE)):
        disk = disk_of(host, path)
        if disk is None or not disk.total:
            yield skipped("system.disk", path, f"the file system of {path} could not be measured")
        else:
            in_store = docker_info(host).containerd_store and path == containerd_root(host)
            yield judge_disk(path, disk, in_store)

    if pool := docker_info(host).pool:
        yield judge_disk(POOL, Disk(POOL, pool[1], pool[0], 0, 0))


# `docker system prune` would take stopped containers along, with all that they have written.
_PRUNE = (
    "`docker image prune` removes images that have neither a name nor a container, with -a all without a container, and "
    "`docker builder prune` the build cache"
)
_USED = (("sudo", "docker", "system", "df"),)


def judge_disk(path: str, disk: Disk, in_store: bool = False) -> Finding:
    """One file system: bytes first, then inodes. `in_store` says that containerd's images lie there."""
    evidence = {"total": disk.total, "free": disk.free, "inodes": disk.inodes, "inodes_free": disk.inodes_free}
    said = f"{_size(disk.free)} of {_size(disk.total)} free for {path}"
    status = _space(disk)
    if status is Status.PASS and _inodes(disk) is not Status.PASS:
        status, said = _inodes(disk), f"{disk.inodes_free} of {disk.inodes} inodes free for {path}"
    if status is Status.PASS:
        return passed("system.disk", path, said, **evidence)
    if _space(disk) is not Status.PASS:
        needed = max(LEAST_BYTES, min(WARN_BYTES, int(WARN_SHARE * disk.total)))
        said = f"{_size(disk.free)} free for {path}, {_size(needed)} needed"
    fix = f"Make room for {path}: {_PRUNE}; rotate logs in daemon.json."
    if path == POOL:
        fix = (
            f"Make room in the pool: {_PRUNE}. A pool in loop files cannot grow by itself; overlay2 in place of devicemapper "
            "uses the file system."
        )
    if in_store:
        fix = (
            f"Make room for {path}, or move containerd's `root` ({CONTAINERD_CONFIG}): with the containerd image store "
            f"images lie there whatever data-root in daemon.json says; {_PRUNE}."
        )
    return trouble(
        "system.disk", status, path, said, cause="disk.low", remedy=Remedy(fix, look=_USED), evidence=evidence
    )


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
