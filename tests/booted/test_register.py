"""`anywhere register` on booted Debian servers against a region: bare to healthy, again, and after every kind of trouble."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.machine import Machine
from tests.booted.registering import CLUSTER, Desk, bare_host, desk
from tests.support.pace import within

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

FIRST, SECOND = 60.0, 5.0  # seconds, the promise: beyond the packages' own time; with nothing to do
# All files with content, owner and time, apart from what runs by itself (logs, docker, the agents' own state).
_FILES = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log -o -path /var/lib/docker"
    " -o -path /var/lib/containerd -o -path /var/lib/systemd -o -path /root/.aws -o -path /var/lib/amazon"
    " -o -path /var/lib/ecs/data -o -path /var/cache/ecs \\) -prune -o -type f -printf '%p %s %T@ %C@ %m\\n' | sort"
)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


@pytest.fixture
def machine(at: Desk) -> Iterator[Machine]:
    with bare_host(at) as made:
        yield made


@pytest.mark.parametrize("suite", ["bookworm", "bullseye", "trixie"])
def test_a_bare_server_becomes_healthy_and_a_second_run_changes_nothing(at: Desk, suite: str) -> None:
    with bare_host(at, suite) as machine:
        secret = at.activate(limit=1)
        begun = time.monotonic()
        done = at.register("--format", "csv")
        took = time.monotonic() - begun
        assert done.returncode == 0, done.stdout + done.stderr
        head, row = done.stdout.splitlines()
        assert head == "host,instance,arn,cluster,state"
        _, instance, arn, cluster, state = row.split(",")
        assert instance.startswith("mi-") and f":container-instance/{CLUSTER}/" in arn
        assert (cluster, state) == (CLUSTER, "done")
        packages = _install_seconds(done.stderr)
        print(f"{suite}: healthy after {took:.1f} s, {packages:.1f} s of them the packages' own")
        assert took - packages < within(FIRST)
        assert at.used() == 1
        _no_secret(machine, secret["code"], done.stdout + done.stderr)
        files = machine.sh(_FILES)
        begun = time.monotonic()
        again = at.register()
        took = time.monotonic() - begun
        assert again.returncode == 0 and "nothing changed" in again.stdout, again.stdout + again.stderr
        print(f"{suite}: again, nothing to do: {took:.1f} s")
        assert took < within(SECOND)
        assert machine.sh(_FILES).splitlines() == files.splitlines()
        assert at.used() == 1
        machine.reboot()
        at.site.plug(machine)
        machine.sh("rm -f /run/nologin")
        machine.until(lambda: at.register(activation=False).returncode == 0, 60, "healthy after the reboot")


def _install_seconds(progress: str) -> float:
    rows = [row.split(None, 2) for row in progress.splitlines()]
    return sum(float(row[0]) for row in rows if len(row) == 3 and row[1] == "s" and row[2].startswith("install "))


def _no_secret(machine: Machine, code: str, said: str) -> None:
    """The code is in no file of the host, in no journal of systemd's, and was not printed."""
    assert code not in said
    found = machine.sh(
        f"grep -rlF --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev -- '{code}' / 2>/dev/null || :"
    )
    assert found.split() == []
    assert code not in machine.sh("journalctl --no-pager")
