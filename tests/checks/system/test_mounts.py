"""File systems that are read-only under the agents' folders."""

from __future__ import annotations

import pytest

from anywhere.checks.system.mounts import mounts_check
from anywhere.facts.kernel.log import DMESG
from anywhere.facts.system.machine import MOUNTS
from anywhere.model import Status
from anywhere.settings import Settings
from tests.support.fakehost import FakeHost

ROOT_READ_ONLY = "/dev/sda1 / ext4 ro 0 0\n/dev/sda2 /var xfs rw 0 0\n"
ERROR = "[ 4000.0] EXT4-fs (sda1): Remounting filesystem read-only\n"


@pytest.mark.parametrize(
    ("table", "log", "points"),
    [
        (ROOT_READ_ONLY, "", []),
        (ROOT_READ_ONLY, ERROR, ["/"]),
        ("/dev/sda1 / ext4 rw 0 0\n/dev/sda3 /root ext4 ro 0 0\n", "", ["/root"]),
        ("/dev/sda1 / ext4 rw 0 0\n", "", []),
    ],
    ids=["read-only by design", "after an error", "root's home alone", "writable"],
)
def test_where_root_keeps_its_credentials(table: str, log: str, points: list[str]) -> None:
    host = FakeHost(files={MOUNTS: table}, commands={DMESG: log})
    found = [one for one in mounts_check.judge(host, Settings()) if one.status is Status.FAIL]
    assert [one.subject for one in found] == points
