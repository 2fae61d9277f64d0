"""What a host already is: the same, half done by another hand, or something else that is left alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.booted.machine import Machine
from tests.booted.registering import REGION, Desk, bare_host, desk
from tests.booted.test_register import _FILES
from tests.life.desk import life

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

VAULT = "/var/lib/amazon/ssm/Vault/Store/RegistrationKey"
SNAP = "snap.amazon-ssm-agent.amazon-ssm-agent.service"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def _different(at: Desk, machine: Machine, *more: str) -> dict[str, Any]:
    """The first difference; nothing was touched and nothing was asked of AWS."""
    files, vault = machine.sh(_FILES), machine.sh(f"md5sum {VAULT}")
    asked = len(at.site.control.calls("RegisterManagedInstance"))
    done = at.register(*more, "--format", "json")
    assert done.returncode == 1, done.stdout + done.stderr
    (host,) = json.loads(done.stdout)["hosts"]
    assert host["state"] == "different", host
    assert machine.sh(_FILES).splitlines() == files.splitlines()
    assert machine.sh(f"md5sum {VAULT}") == vault
    assert len(at.site.control.calls("RegisterManagedInstance")) == asked
    text = at.register(*more).stdout
    assert "HAVE" in text and "WANT" in text and "nothing changed" in text
    first: dict[str, Any] = host["differences"][0]
    assert first["fix"] and first["commands"], first
    return first


def test_differences_are_shown_and_nothing_is_touched(at: Desk) -> None:
    with bare_host(at) as machine:
        at.activate(limit=1)
        assert at.register().returncode == 0
        at.activate(limit=1)
        assert _different(at, machine, "--region", "eu-west-1")["what"] == "region"
        assert _different(at, machine, "--account", "999999999999")["what"] == "account"
        moved = _different(at, machine, "--cluster", "default")
        assert (moved["have"], moved["want"]) == ("plant-7", "default")
        machine.sh(f"cp -p {VAULT} /root/kept")
        for script, said in (
            (f": > {VAULT}", "an empty file"),
            (f"head -c 900 /root/kept > {VAULT}", "cut short"),
            (f'sed \'s/"instanceID":"[^"]*",//\' /root/kept > {VAULT}', "without an instance"),
        ):
            machine.sh(script)
            assert said in _different(at, machine)["have"]
            machine.sh(f"cp -p /root/kept {VAULT}")
        machine.sh("cp /etc/machine-id /root/id; tr 0-9 1-90 < /root/id > /etc/machine-id")
        assert _different(at, machine)["what"] == "machine-id"
        machine.sh("cat /root/id > /etc/machine-id")
        machine.sh(f"printf '[Service]\\nExecStart=/bin/true\\n' > /etc/systemd/system/{SNAP}; systemctl daemon-reload")
        assert _different(at, machine)["what"] == "SSM agents"
        machine.sh(f"rm /etc/systemd/system/{SNAP}; systemctl daemon-reload")
        same = at.register()
        assert same.returncode == 0 and "nothing changed" in same.stdout, same.stdout + same.stderr
        (command,) = moved["commands"]
        assert command[:4] == ["anywhere", "move", "--cluster", "default"] and command[4] == "--host", command
        assert life(at, "move", "--cluster", "default", "--yes").returncode == 0
        machine.until(lambda: at.register("--cluster", "default").returncode == 0, 60, "in the other cluster")
        assert at.used() == 1


def test_an_installation_of_the_official_script_that_died_half_way_is_completed(at: Desk) -> None:
    """It dies after the package of the ECS agent is in place: its next run skips settings, enabling and starting."""
    with bare_host(at) as machine:
        one = at.activate(limit=1)
        for path in at.artifacts.glob("*.deb"):
            machine.run(("sh", "-c", f"cat > /root/{path.name}"), input=path.read_bytes())
        machine.sh("systemctl enable --now docker")
        machine.sh("apt-get install -y /root/amazon-ssm-agent-latest.amd64.deb && systemctl stop amazon-ssm-agent")
        machine.sh(f"amazon-ssm-agent -register -y -id {one['id']} -code {one['code']} -region {REGION}")
        machine.sh("apt-get install -y /root/amazon-ecs-init-latest.amd64.deb")
        # Appended by the script to a file whose last line has no end.
        machine.sh("mkdir -p /etc/ecs; printf 'ECS_LOGLEVEL=info' > /etc/ecs/ecs.config")
        machine.sh("echo ECS_CLUSTER=typo >> /etc/ecs/ecs.config")
        assert at.used() == 1
        done = at.register(activation=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert at.used() == 1
        config = machine.sh("cat /etc/ecs/ecs.config")
        assert config.splitlines() == ["ECS_LOGLEVEL=info", "ECS_CLUSTER=plant-7"]


def test_a_failed_registration_and_the_state_of_a_former_instance_are_left_behind(at: Desk) -> None:
    with bare_host(at) as machine:
        at.activate(limit=1)
        assert at.register().returncode == 0
        before = json.loads(at.register("--format", "json").stdout)["hosts"][0]
        machine.sh("systemctl stop ecs amazon-ssm-agent; amazon-ssm-agent -register -clear")
        assert "activation.missing" in at.register(activation=False).stdout
        at.activate(limit=1)
        done = at.register("--format", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        after = json.loads(done.stdout)["hosts"][0]
        assert after["instance"] != before["instance"] and after["arn"] != before["arn"]
        assert machine.sh("ls /var/lib/ecs/data").split().count("agent.db.before-registration") == 1
        assert at.used() == 2


@pytest.mark.parametrize("package", ["amazon-ssm-agent", "amazon-ecs-init"])
def test_a_package_that_was_removed_is_brought_back_without_an_activation(at: Desk, package: str) -> None:
    """The removal leaves a unit that systemd shows as loaded, without its file."""
    with bare_host(at) as machine:
        at.activate(limit=1)
        assert at.register().returncode == 0
        # debhelper's scripts stop the unit before its file goes.
        machine.sh(f"systemctl stop {package.replace('amazon-ecs-init', 'ecs')}; dpkg -r {package}")
        done = at.register(activation=False)
        assert done.returncode == 0 and "healthy" in done.stdout, done.stdout + done.stderr
        assert at.used() == 1
        assert "nothing changed" in at.register(activation=False).stdout
