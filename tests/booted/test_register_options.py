"""Options of `register`, many hosts, and the tutorial of the README, on booted servers."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.machine import image
from tests.booted.registering import CLUSTER, REGION, Desk, bare_host, desk
from tests.booted.test_register import _FILES

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def test_no_start_starts_nothing_and_a_later_run_does(at: Desk) -> None:
    with bare_host(at) as machine:
        at.activate(limit=1)
        files = machine.sh(_FILES)
        planned = at.register("--dry-run", "--attribute", "rack=b12")
        assert planned.returncode == 0 and "+ECS_CLUSTER=plant-7" in planned.stdout, planned.stdout + planned.stderr
        assert machine.sh(_FILES).splitlines() == files.splitlines() and at.used() == 0
        done = at.register("--no-start", "--attribute", "rack=b12", "--tag", "site=x")
        assert done.returncode == 0, done.stdout + done.stderr
        for unit in ("ecs", "amazon-ssm-agent"):
            assert machine.sh(f"systemctl is-active {unit} || :").strip() in ("inactive", "failed"), unit
            assert machine.sh(f"systemctl is-enabled {unit}").strip() == "enabled"
        assert at.used() == 1
        assert machine.sh("systemctl show -p RestartPreventExitStatus --value ecs").strip() == "5"
        again = at.register("--no-start", "--attribute", "rack=b12", "--tag", "site=x", activation=False)
        assert again.returncode == 0 and "nothing changed" in again.stdout
        machine.sh("systemctl start docker")
        box = image(machine)
        started = at.register("--attribute", "rack=b12", "--tag", "site=x", "--probe-image", box, activation=False)
        assert started.returncode == 0, started.stdout + started.stderr
        assert "prove the path of task credentials" in started.stderr
        assert at.used() == 1


def test_many_hosts_in_waves_with_one_activation_and_a_resume_file(at: Desk, tmp_path: Path) -> None:
    with bare_host(at), bare_host(at) as second:
        at.activate(limit=2)
        kept = tmp_path / "done.jsonl"
        second.sh("systemctl stop ssh.socket ssh.service")
        stopped = at.register("--wave", "1", "--resume", str(kept), "--host-timeout", "200")
        assert stopped.returncode == 1 and at.used() == 0, "a host that cannot be asked stops it before the first wave"
        second.sh("systemctl start ssh.service")
        done = at.register("--wave", "1", "--resume", str(kept), "--format", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "wave 1 of 2 (canary)" in done.stderr
        hosts = json.loads(done.stdout)["hosts"]
        assert [host["state"] for host in hosts] == ["done", "done"]
        assert len({host["instance"] for host in hosts}) == 2 and at.used() == 2
        calls = len(at.site.control.calls())
        resumed = at.register("--resume", str(kept), "--format", "csv")
        rows = [row.split(",") for row in resumed.stdout.splitlines()[1:]]
        assert [row[1] for row in rows] == [host["instance"] for host in hosts]
        assert not [one for one in at.site.control.calls()[calls:] if one["operation"] == "RegisterManagedInstance"]
        table = at.register()
        assert table.returncode == 0 and table.stdout.startswith("HOST"), table.stdout + table.stderr


def test_the_tutorial(at: Desk) -> None:
    """Its commands as they stand; the account's part is played by the region, the site's key and SSH's by options."""
    text = (ROOT / "docs" / "tutorial.md").read_text()
    block = re.search(r"```sh\n(.*?)```", text, re.S)
    assert block
    lines = [line.partition("  #")[0].strip() for line in block[1].splitlines() if not line.startswith("#")]
    lines = [line for line in lines if line]
    assert len(lines) <= 10
    with bare_host(at):
        (spec,) = at.machines
        at.activate(limit=1)
        ran = 0
        for line in lines:
            words = shlex.split(line)
            if words[0] == "aws" or words[:2] == ["anywhere", "artifacts"]:
                continue
            assert words[0] == "anywhere", line
            values = {"root@server1": spec, "activation.json": str(at.activation), "./artifacts": str(at.artifacts)}
            values |= {"eu-west-1": REGION, "prod": CLUSTER}
            words = [values.get(word, word) for word in words[1:]]
            more = ["--ssh-key", str(at.key), "--ssh-accept-new"]
            more += ["--keyring", str(at.site.keyring)] if words[0] == "register" else []
            done = subprocess.run(at.argv(*words, *more), capture_output=True, text=True, env=at.environment)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            ran += 1
        assert ran >= 4 and at.used() == 1
