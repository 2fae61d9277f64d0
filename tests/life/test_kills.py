"""Killed anywhere in an update, a move, a deregistration: the old or the new state after one more run, never a host without
an agent that had one.

`ANYWHERE_KILLS` is the number of kills (default 6; the promise is measured with 100), spread over the three verbs.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.booted.machine import Machine
from tests.booted.registering import CLUSTER, Desk, bare_host, desk
from tests.life.desk import life
from tests.region.packages.newer import newer

pytestmark = [
    pytest.mark.soak,
    pytest.mark.booted,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
KILLS = int(os.environ.get("ANYWHERE_KILLS", "6"))
OTHER = "plant-8"
LONGEST = {"update": 12.0, "move": 9.0, "deregister": 12.0}  # seconds of a whole run: kills are spread over it
PACED = float(os.environ.get("ANYWHERE_PACE", "1"))  # a machine that is busy needs longer for the same work
VERSION = "dpkg-query -W -f '${Version} ${db:Status-Abbrev}' amazon-ecs-init 2>/dev/null || :"


def words(at: Desk, verb: str, folder: Path, cluster: str) -> Sequence[str]:
    if verb == "update":
        named = ("--version", folder.name, "--yes")
        return ("update", "--artifacts", str(folder), "--keyring", str(at.site.keyring), *named)
    return ("move", "--cluster", cluster, "--yes") if verb == "move" else ("deregister", "--yes")


def kill(at: Desk, given: Sequence[str], seconds: float) -> bool:
    """Begin a run and kill it; whether it was still at work."""
    hosts = [word for spec in at.machines for word in ("--host", spec)]
    argv = at.argv(*given, *hosts, "--ssh-key", str(at.key), "--ssh-accept-new")
    null = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=null, stdout=null, stderr=null, env=at.environment)
    time.sleep(seconds * PACED)
    alive = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return alive


def healthy(at: Desk, machine: Machine) -> str:
    """The cluster and version of the agent; fails where there is none."""
    assert life(at, "status").returncode == 0, life(at, "status").stdout
    return machine.sh("curl -fsS http://127.0.0.1:51678/v1/metadata") + machine.sh(VERSION)


def test_killed_anywhere_one_more_run_gets_there(tmp_path: Path) -> None:
    seed = int(os.environ.get("ANYWHERE_SEED", str(random.randrange(1 << 30))))
    print(f"seed {seed}")
    moments = random.Random(seed)
    alive = done = 0
    with desk(tmp_path) as at:
        at.site.control.ask("clusters", names=[CLUSTER, OTHER, "default"])
        folders = {v: newer(at.artifacts, tmp_path / v, v) for v in ("1.106.0-1", "1.105.9-1")}
        while done < KILLS:
            with bare_host(at) as machine:
                at.activate(limit=1)
                assert at.register().returncode == 0
                for number, verb in enumerate(("move", "update", "move", "update", "deregister")):
                    if done >= KILLS:
                        break
                    cluster = OTHER if number < 2 else CLUSTER
                    version = "1.106.0-1" if number < 2 else "1.105.9-1"
                    given = words(at, verb, folders[version], cluster)
                    alive += kill(at, given, moments.uniform(0.5, LONGEST[verb]))
                    done += 1
                    said = f"seed {seed}, kill {done}, {verb}"
                    again = life(at, *given)
                    assert again.returncode == 0, f"{said}: {again.stdout}{again.stderr}"
                    if verb == "deregister":
                        left = machine.sh("ls -d /var/lib/ecs /etc/amazon/ssm /var/lib/amazon/ssm 2>/dev/null || :")
                        assert left.split() == [] and machine.sh(VERSION).strip() == "", f"{said}: {left}"
                        kept = machine.sh("ls -A /var/lib/anywhere 2>/dev/null || :").split()
                        assert kept in ([], ["packages"]), f"{said}: {kept}: {again.stdout}{again.stderr}"
                        continue
                    found = healthy(at, machine)
                    assert (cluster if verb == "move" else f"{version} ii") in found, f"{said}: {found}"
                    print(f"{said}: fine, {alive} of {done} met a run at work", flush=True)
