"""Killed anywhere, rebooted in between: healthy after one more run, with one use of the activation.

`ANYWHERE_KILLS` is the number of kills (default 10; the promise is measured with 100), at most five on each server; every
fourth server is rebooted after a kill, in turn orderly and by a power cut. `ANYWHERE_SEED` chooses the points: a number of
progress lines of the run and a part of a second after the last of them, so that a busy machine meets the same steps. A run
that ends before its point counts as no kill. `ANYWHERE_SECONDS` ends the measurement after the server under way.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.booted.machine import Machine
from tests.booted.registering import Desk, bare_host, desk

pytestmark = [
    pytest.mark.soak,
    pytest.mark.booted,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

KILLS = int(os.environ.get("ANYWHERE_KILLS", "10"))
SECONDS = float(os.environ.get("ANYWHERE_SECONDS", "inf"))
EACH = 5
LINES = 7  # a whole run has about 25 lines of progress, and each run goes on where the one before was killed
AFTER = 1.5  # seconds after a line at most


def test_killed_anywhere_it_gets_there_with_one_activation(tmp_path: Path) -> None:
    seed = int(os.environ.get("ANYWHERE_SEED", str(random.randrange(1 << 30))))
    points, begun = random.Random(seed), time.monotonic()
    killed = restarts = servers = 0
    with desk(tmp_path) as at:
        while killed < KILLS and time.monotonic() - begun < SECONDS:
            with bare_host(at) as machine:
                secret = at.activate(limit=1)
                here: list[str] = []
                for number in range(EACH):
                    if len(here) < KILLS - killed:
                        here += _kill(at, points.randrange(-1, LINES), points.uniform(0, AFTER))
                    if servers % 4 == 3 and number == 2:
                        _restart(at, machine, by_power_cut=servers % 8 == 3)
                        restarts += 1
                took = _gets_there(at, machine, secret, f"seed {seed}, server {servers}")
                killed, servers = killed + len(here), servers + 1
                print(f"server {servers}: killed after {here}; healthy after one more run of {took:.1f} s", flush=True)
    print(f"seed {seed}: {killed} kills and {restarts} restarts on {servers} servers")


def _gets_there(at: Desk, machine: Machine, secret: dict[str, Any], what: str) -> float:
    begun = time.monotonic()
    done = at.register("--format", "json", "--wait", "180")
    took = time.monotonic() - begun
    said = f"{what}: {done.stdout}{done.stderr}"
    assert done.returncode == 0, said
    assert json.loads(done.stdout)["hosts"][0]["arn"], said
    one = next(a for a in at.site.control.state()["activations"] if a["id"] == secret["id"])
    assert one["used"] == 1, said
    assert machine.sh("ls /var/cache/anywhere 2>/dev/null || :").strip() == "", said
    found = machine.sh(f"grep -rlF -- '{secret['code']}' /etc /var /root /run /usr/local || :")
    assert found.strip() == "", said
    return took


def _kill(at: Desk, lines: int, after: float) -> list[str]:
    """Kill a run so many seconds after so many lines of its progress; the last of them, none where it ended before."""
    last = "the start"
    with at.begun(stderr=subprocess.PIPE) as process:
        assert process.stderr
        for _ in range(lines + 1):
            line = process.stderr.readline()
            if not line:
                return []
            last = line.decode().strip()[:60]
        time.sleep(after)
        return [last] if process.poll() is None else []


def _restart(at: Desk, machine: Machine, by_power_cut: bool) -> None:
    if by_power_cut:
        machine.crash()
    else:
        machine.reboot()
    at.site.plug(machine)
    machine.sh("rm -f /run/nologin")
