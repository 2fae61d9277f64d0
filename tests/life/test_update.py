"""A booted host is updated, and an update that does not come up is rolled back by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.registering import CLUSTER, Desk, bare_host, desk
from tests.life.desk import instances, life, rows
from tests.region.packages.newer import BROKEN, newer

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

VERSION = "dpkg-query -W -f '${Version} ${db:Status-Abbrev}' amazon-ecs-init"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def test_updated_and_rolled_back(at: Desk, tmp_path: Path) -> None:
    good = newer(at.artifacts, tmp_path / "good", "1.106.0-1")
    bad = newer(at.artifacts, tmp_path / "bad", "1.107.0-1", BROKEN)
    trust = ("--keyring", str(at.site.keyring), "--format", "json", "--wait", "180", "--yes")
    with bare_host(at) as machine:
        at.activate(limit=1)
        assert at.register().returncode == 0
        same = life(at, "update", "--artifacts", str(at.artifacts), *trust)
        assert same.returncode == 0 and rows(same)[0]["state"] == "already", same.stdout + same.stderr
        done = life(at, "update", "--artifacts", str(good), *trust)
        (row,) = rows(done)
        assert done.returncode == 0 and row["state"] == "done", done.stdout + done.stderr
        assert row["versions"] == [{"package": "amazon-ecs-init", "before": "1.105.1-1", "after": "1.106.0-1"}]
        assert machine.sh(VERSION).strip() == "1.106.0-1 ii"
        assert machine.sh("ls /var/lib/anywhere/packages").split() == ["amazon-ecs-init_1.105.1-1.deb"]
        older = life(at, "update", "--artifacts", str(at.artifacts), *trust)
        (row,) = rows(older)
        assert older.returncode == 1 and "is older than 1.106.0-1" in row["error"], older.stdout + older.stderr
        failed = life(at, "update", "--artifacts", str(bad), *trust)
        (row,) = rows(failed)
        assert failed.returncode == 1 and "the versions before are back" in row["error"], failed.stdout + failed.stderr
        assert machine.sh(VERSION).strip() == "1.106.0-1 ii"
        assert life(at, "status").returncode == 0
        assert instances(at) == [(CLUSTER, "ACTIVE")]
