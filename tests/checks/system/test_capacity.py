"""Small file systems that are full."""

from __future__ import annotations

import pytest

from anywhere.checks.system.capacity import disk_check
from anywhere.hosts.base import Disk, Inventory
from anywhere.model import Status
from anywhere.settings import Settings
from tests.support.fakehost import FakeHost

ROOT = Disk("/", 100 << 30, 60 << 30, 1000, 900)


@pytest.mark.parametrize(
    ("disk", "status"),
    [
        (Disk("/run", 400 << 20, 0, 1000, 900), Status.FAIL),
        (Disk("/run", 400 << 20, 300 << 20, 1000, 0), Status.FAIL),
        (Disk("/var/lib/amazon", 1 << 30, 4096, 1000, 900), Status.FAIL),
        (Disk("/var/log", 1 << 30, 4096, 1000, 900), Status.WARN),
        (Disk("/tmp", 1 << 30, 0, 0, 0), Status.WARN),
        (Disk("/tmp", 64 << 20, 60 << 20, 0, 0), None),
        (Disk("/run", 400 << 20, 300 << 20, 1000, 1), None),
    ],
    ids=["no block", "no inode", "SSM's state", "logs", "tmp", "small with room", "inodes left"],
)
def test_full_small_file_systems(disk: Disk, status: Status | None) -> None:
    host = FakeHost(found=Inventory(disks=(ROOT, disk), is_root=True))
    found = [one for one in disk_check.judge(host, Settings()) if one.status is not Status.PASS]
    assert [(one.subject, one.status, one.cause) for one in found] == (
        [(disk.path, status, "disk.low")] if status else []
    )
