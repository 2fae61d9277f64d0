"""Room on the file systems that matter."""

from __future__ import annotations

from anywhere.documents.numbers import whole
from anywhere.facts.system.machine import mounts
from anywhere.hosts.base import Disk, Host


def disk_of(host: Host, path: str) -> Disk | None:
    """The file system that a folder lies on, whether the folder is there yet or not; None where that is not known.

    The inventory measures the usual folders. A folder elsewhere shares a measured one's file system unless another
    mount lies between them; then `df` is asked.
    """
    measured = [disk for disk in host.inventory().disks if is_under(path, disk.path)]
    nearest = max(measured, key=lambda disk: len(disk.path), default=None)
    between = [
        mount.point
        for mount in mounts(host)
        if is_under(path, mount.point) and (nearest is None or len(mount.point) > len(nearest.path))
    ]
    return nearest if not between else _df(host, max(between, key=len))


def is_under(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _df(host: Host, point: str) -> Disk | None:
    space, inodes = (parse_df(host.run(("df", flag, point), timeout=5).stdout) for flag in ("-Pk", "-Pi"))
    if space is None:
        return None
    total, free = inodes or (0, 0)
    return Disk(point, space[0] * 1024, space[1] * 1024, total, free)


def parse_df(text: str) -> tuple[int, int] | None:
    """Total and free of `df -P`, in its own units; None for other text.

    ```
    Filesystem     1024-blocks    Used Available Capacity Mounted on
    /dev/sdb1        515010820 7332868 481444220       2% /data
    ```
    """
    lines = text.strip().splitlines()
    words = lines[-1].rsplit(None, 5) if len(lines) == 2 else []
    size, free = (whole(words[1]), whole(words[3])) if len(words) == 6 else (None, None)
    return None if size is None or free is None else (size, free)
