"""Whose processes count: the host's own, not those of a container on it, seen from here and by the far side's shell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.hosts.inventory import inventory
from anywhere.hosts.ssh import inventory as inventory_sh
from anywhere.hosts.ssh import script

pytestmark = pytest.mark.region
CONTAINER = ("unshare", "--pid", "--fork", "--kill-child")


@pytest.fixture(params=[(), CONTAINER], ids=["host", "container"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, bool]]:
    """A running program that is called as docker's is, and whether it is the host's own."""
    shutil.copy(shutil.which("sleep") or "/bin/sleep", tmp_path / "dockerd")
    with subprocess.Popen([*request.param, str(tmp_path / "dockerd"), "60"], start_new_session=True) as process:
        until = time.monotonic() + 10
        while not running(tmp_path) and time.monotonic() < until:
            time.sleep(0.01)
        yield tmp_path / "dockerd", not request.param
        os.killpg(process.pid, signal.SIGKILL)


def running(folder: Path) -> set[int]:
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{entry}/exe").startswith(str(folder)):
                found.add(int(entry))
        except OSError:
            continue
    return found


def test_a_daemon_in_a_container_is_not_the_hosts(daemon: tuple[Path, bool]) -> None:
    path, is_own = daemon
    pids = running(path.parent)
    assert pids
    assert bool(pids & {one.pid for one in inventory().daemons}) is is_own
    mark = script.token()
    text = script.script(mark, ["inventory"], inventory_sh.settings())
    for shell in (["sh"], ["bash"], ["busybox", "sh"]):
        done = subprocess.run(shell, input=text.encode(), capture_output=True, timeout=30, check=False)
        (part,) = script.parse(mark, done.stdout, done.stderr)
        told = inventory_sh.parse_inventory(part.stdout.decode()).daemons
        assert bool(pids & {one.pid for one in told}) is is_own, shell
