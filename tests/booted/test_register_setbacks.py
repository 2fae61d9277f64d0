"""`register` meets the setbacks of the region's table on a booted server: the right cause, and healthy when it is gone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.machine import Machine
from tests.booted.mirror import make_bare
from tests.booted.registering import Desk, bare_host, desk
from tests.booted.test_setbacks import CLEAN
from tests.region.faults.registration import Rehearsal, setbacks

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

WAIT = "45"  # seconds until it has to be healthy
OURS = "rm -rf /var/lib/anywhere/register* /etc/systemd/system/ecs.service.d; systemctl daemon-reload"
# Setback to the causes that may be named; none where the registration has to get there by itself.
EXPECTED: dict[str, set[str]] = {
    "dpkg-locked-for-a-while": set(),
    "dpkg-interrupted": set(),
    "ssm-agent-slow": set(),
    "ecs-agent-slow": set(),
    "disk-full": {"disk.low"},
    "disk-full-vault": {"registration.disk", "disk.low"},
    "ssm-agent-dies": {"agent.disconnected", "agent.restart-loop"},
    "ecs-agent-dies": {"agent.restart-loop", "agent.disconnected"},
    "ecs-agent-never-connects": {"agent.disconnected"},
    "introspection-taken": {"ports.taken"},
    "unit-waits": {"unit.waiting"},
    "docker-broken": {"docker.not-running"},
    "mirror-down": {"package.mirror-down"},
    "mirror-is-a-page": {"package.mirror-down", "package.install"},
}


SHORT = ("dpkg-interrupted", "disk-full", "ecs-agent-dies", "introspection-taken", "mirror-down")  # one of each kind


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Machine]]:
    with desk(tmp_path_factory.mktemp("desk")) as at, bare_host(at) as machine:
        yield at, machine


@pytest.mark.parametrize(
    "name", [one if one in SHORT else pytest.param(one, marks=pytest.mark.soak) for one in EXPECTED]
)
def test_the_right_cause_and_healthy_when_it_is_gone(place: tuple[Desk, Machine], name: str) -> None:
    at, machine = place
    machine.sh(CLEAN)
    machine.sh(OURS)
    one = Rehearsal(at.site, machine, at.activate(limit=1))
    if name.startswith("mirror"):
        make_bare(at.site, machine, "bookworm")
    setbacks()[name].apply(one)
    try:
        done = at.register("--format", "json", "--wait", WAIT)
    finally:
        one.heal()
    (host,) = json.loads(done.stdout)["hosts"]
    if not EXPECTED[name]:
        assert host["state"] == "done", host
    else:
        assert host["state"] == "failed" and host["code"] in EXPECTED[name], host
    # What makes an agent misbehave is read at its start.
    machine.sh("systemctl reset-failed; systemctl stop ecs amazon-ssm-agent", check=False)
    again = at.register("--wait", "90")
    assert again.returncode == 0, again.stdout + again.stderr
    used = next(a["used"] for a in at.site.control.state()["activations"] if a["id"] == one.activation["id"])
    assert used == 1
    assert not Path(f"{machine.root}/var/cache/anywhere").exists()
