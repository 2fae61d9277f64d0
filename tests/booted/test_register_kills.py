"""Killed anywhere, rebooted in between: healthy after one more run, with one use of the activation.

`ANYWHERE_KILLS` is the number of kills (default 10; the promise is measured with 100), five on each server; every fifth
server is rebooted after a kill, in turn orderly and by a power cut.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

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
EACH = 5
LONGEST = 14.0  # seconds of a whole run: kills are spread over it
WAIT = 300.0  # seconds that one more run may take


def test_killed_anywhere_it_gets_there_with_one_activation(tmp_path: Path) -> None:
    seed = int(os.environ.get("ANYWHERE_SEED", str(random.randrange(1 << 30))))
    print(f"seed {seed}")
    moments = random.Random(seed)
    with desk(tmp_path) as at:
        for number in range(-(-KILLS // EACH)):
            with bare_host(at) as machine:
                secret = at.activate(limit=1)
                for kill in range(min(EACH, KILLS - number * EACH)):
                    _kill(at, moments.uniform(0.3, LONGEST))
                    if number % 5 == 4 and kill == 2:
                        _restart(at, machine, by_power_cut=number % 10 == 4)
                begun = time.monotonic()
                done = at.register("--format", "json", "--wait", "120")
                took = time.monotonic() - begun
                said = f"seed {seed}, server {number}: {done.stdout}{done.stderr}"
                assert done.returncode == 0, said
                assert json.loads(done.stdout)["hosts"][0]["arn"], said
                one = next(a for a in at.site.control.state()["activations"] if a["id"] == secret["id"])
                assert one["used"] == 1, said
                assert machine.sh("ls /var/cache/anywhere 2>/dev/null || :").strip() == "", said
                found = machine.sh(f"grep -rlF -- '{secret['code']}' /etc /var /root /run /usr/local || :")
                assert found.strip() == "", said
                print(f"server {number}: healthy after one more run of {took:.1f} s")


def _kill(at: Desk, seconds: float) -> None:
    with at.begun():
        time.sleep(seconds)


def _restart(at: Desk, machine: Machine, by_power_cut: bool) -> None:
    if by_power_cut:
        machine.crash()
    else:
        machine.reboot()
    at.site.plug(machine)
    machine.sh("rm -f /run/nologin")
