"""A booted host moves, is moved back from a cluster that is none, and is deregistered: afterwards it is what it was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.machine import Machine
from tests.booted.registering import CLUSTER, Desk, bare_host, desk
from tests.life.desk import instances, life, rows, tree

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

OTHER = "plant-8"
# What is not as before, each with its reason: docker ran (its key, its runlevel links), logs of others, no key of ours, and
# the folder of the service that answers timedatectl, which ends half a minute later.
MADE = ("/etc/docker", "/etc/cni", "/var/log/", "/etc/region", "/var/lib/dbus", "/var/cache/ldconfig", "/etc/rc")
MADE += ("/var/tmp/systemd-private-",)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        made.site.control.ask("clusters", names=[CLUSTER, OTHER, "default"])
        yield made


def changed(before: set[str], machine: Machine) -> set[str]:
    return {line for line in before ^ tree(machine) if not line.startswith(MADE)}


def test_from_registered_to_moved_to_deregistered(at: Desk) -> None:
    with bare_host(at) as machine:
        machine.sh("mkdir -p /etc/ecs; echo ECS_LOGLEVEL=info > /etc/ecs/ecs.config; echo kept > /etc/ecs/own.pem")
        before = tree(machine)
        at.activate(limit=1)
        assert at.register().returncode == 0
        done = life(at, "move", "--cluster", OTHER, "--yes", "--format", "json", owner=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (row,) = rows(done)
        assert (row["state"], row["cluster"], row["moved_to"], row["commands"]) == ("done", CLUSTER, OTHER, [])
        assert instances(at) == [(CLUSTER, "INACTIVE"), (OTHER, "ACTIVE")]
        again = life(at, "move", "--cluster", OTHER, "--yes")
        assert again.returncode == 0 and "already" in again.stdout
        failed = life(at, "move", "--cluster", "nowhere", "--yes", "--format", "json", "--wait", "180")
        (row,) = rows(failed)
        assert failed.returncode == 1 and row["code"] == "cluster.not-found" and f"back in {OTHER}" in row["error"]
        assert instances(at) == [(CLUSTER, "INACTIVE"), (OTHER, "ACTIVE")]
        shown = life(at, "status", "--format", "json")
        assert shown.returncode == 0, shown.stdout
        asked = life(at, "deregister")
        assert asked.returncode == 2 and "--yes" in asked.stderr
        machine.sh("chattr +i /etc/ecs/ecs.config")
        stopped = life(at, "deregister", "--yes", "--format", "json", owner=True)
        (row,) = rows(stopped)
        assert stopped.returncode == 1 and "/etc/ecs/ecs.config" in row["error"] and "again" in row["fix"], row
        machine.sh("chattr -i /etc/ecs/ecs.config")
        done = life(at, "deregister", "--yes", "--format", "json", owner=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (row,) = rows(done)
        assert instances(at) == [(CLUSTER, "INACTIVE"), (OTHER, "INACTIVE")]
        assert all(one["forgotten"] for one in at.site.control.state()["instances"])
        left = changed(before, machine)
        assert not left, (left, row)
        assert machine.sh("cat /etc/ecs/ecs.config") == "ECS_LOGLEVEL=info\n"
        again = life(at, "deregister", "--yes", owner=True)
        assert again.returncode == 0 and "already" in again.stdout, again.stdout + again.stderr


def test_settings_that_were_changed_before_the_move(at: Desk) -> None:
    """The agent stops there: its state decides where the host is, and where it goes back to without a loss."""
    with bare_host(at) as machine:
        at.activate(limit=1)
        assert at.register().returncode == 0
        machine.sh(f"sed -i s/{CLUSTER}/{OTHER}/ /etc/ecs/ecs.config; systemctl restart --no-block ecs")
        machine.until(lambda: "failed" in machine.sh("systemctl is-active ecs || :"), 60, "the agent's end")
        planned = life(at, "move", "--cluster", CLUSTER, "--dry-run")
        assert "aside" not in planned.stdout and "deregister" not in planned.stdout, planned.stdout
        done = life(at, "move", "--cluster", CLUSTER, "--yes", "--format", "json", owner=True)
        assert done.returncode == 0 and not rows(done)[0]["orphans"], done.stdout + done.stderr
        assert instances(at) == [(CLUSTER, "ACTIVE")], "the same instance goes on"
        machine.sh(f"sed -i s/{CLUSTER}/{OTHER}/ /etc/ecs/ecs.config; systemctl restart --no-block ecs")
        machine.until(lambda: "failed" in machine.sh("systemctl is-active ecs || :"), 60, "the agent's end")
        done = life(at, "move", "--cluster", OTHER, "--yes", "--format", "json", owner=True)
        assert done.returncode == 0 and rows(done)[0]["cluster"] == CLUSTER, done.stdout + done.stderr
        assert instances(at) == [(CLUSTER, "INACTIVE"), (OTHER, "ACTIVE")]


def test_without_keys_the_commands_are_printed_and_links_and_mounts_are_left(at: Desk) -> None:
    with bare_host(at) as machine:
        at.activate(limit=1)
        assert at.register().returncode == 0
        machine.sh(
            "mkdir -p /srv/data /srv/kept /var/lib/ecs/volumes; echo 1 > /srv/data/file; echo 1 > /srv/kept/file;"
            "ln -s /srv/data /var/lib/ecs/link; mount --bind /srv/kept /var/lib/ecs/volumes;"
            "mkdir -p '/var/log/ecs/a b'; printf '[other]\\naws_access_key_id = AKIA\\n' >> /root/.aws/credentials"
        )
        done = life(at, "deregister", "--yes", "--format", "json")
        (row,) = rows(done)
        assert done.returncode == 0, done.stdout + done.stderr
        assert [command[:3] for command in row["commands"]] == [
            ["aws", "ecs", "deregister-container-instance"],
            ["aws", "ssm", "deregister-managed-instance"],
        ]
        assert {one["what"] for one in row["differences"]} >= {"/var/lib/ecs/volumes"}
        kept = machine.sh("cat /srv/data/file /srv/kept/file /root/.aws/credentials")
        assert (
            kept.startswith("1\n1\n")
            and "[other]\naws_access_key_id = AKIA" in kept
            and "aws_session_token" not in kept
        )
        assert machine.sh("ls -A /var/lib/ecs").split() == ["volumes"]


def test_a_clone_becomes_a_machine_of_its_own(at: Desk) -> None:
    with bare_host(at) as machine:
        at.activate(limit=1)
        assert at.register().returncode == 0
        old = machine.sh("cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        done = life(at, "reset", "--reclaim", "--yes", "--format", "json", owner=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert instances(at) == [(CLUSTER, "ACTIVE")], "the instance is that of the machine it was copied from"
        new = machine.sh("cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        assert not set(old.split()) & set(new.split()) - {"256", "(ED25519)", "no", "comment"} - {
            f"root@{machine.name_}"
        }
        assert machine.sh("ls -A /var/lib/amazon/ssm/Vault 2>/dev/null; systemctl is-enabled ecs || :").split() == [
            "disabled"
        ]
        # Its SSH host key is another one now: nobody logs in before the administrator has taken it.
        assert "host key is not the one in known_hosts" in life(at, "reset", "--seal", "--yes").stdout
        (at.home / ".ssh" / "known_hosts").unlink()
        sealed = life(at, "reset", "--seal", "--yes")
        assert sealed.returncode == 0, sealed.stdout + sealed.stderr
        assert machine.sh("cat /etc/machine-id; ls /etc/ssh/ssh_host_* 2>/dev/null || :").strip() == ""
        machine.reboot()
        made = machine.sh(
            "cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; ls /etc/systemd/system"
        )
        assert len(made.split()[0]) == 32 and made.split()[0] != new.split()[0] and "anywhere-first-boot" not in made


def test_a_move_that_was_killed_is_forgotten_by_a_deregistration(at: Desk) -> None:
    with bare_host(at) as machine:
        machine.sh("mkdir -p /etc/ecs; echo ECS_LOGLEVEL=info > /etc/ecs/ecs.config")
        at.activate(limit=1)
        assert at.register().returncode == 0
        hosts = [word for spec in at.machines for word in ("--host", spec)]
        argv = at.argv("move", "--cluster", OTHER, "--yes", *hosts, "--ssh-key", str(at.key), "--ssh-accept-new")
        null = subprocess.DEVNULL
        with subprocess.Popen(argv, stdin=null, stdout=null, stderr=null, env=at.environment) as process:
            begun = "grep -c '\"title\"' /var/lib/anywhere/move.journal 2>/dev/null || :"
            machine.until(lambda: int(machine.sh(begun).strip() or 0) >= 5, 60, "five steps of the move")
            process.kill()
        shown = life(at, "status")
        assert "unfinished" in shown.stdout and f"move --cluster {OTHER}" in shown.stdout.splitlines()[-1], shown.stdout
        gone = life(at, "deregister", "--yes")
        assert gone.returncode == 0, gone.stdout + gone.stderr
        assert machine.sh("ls -A /var/lib/anywhere 2>/dev/null || :").split() == []
        assert machine.sh("cat /etc/ecs/ecs.config") == "ECS_LOGLEVEL=info\n"
        at.activate(limit=1)
        done = at.register("--cluster", "default")
        assert done.returncode == 0, done.stdout + done.stderr
        failed = life(at, "move", "--cluster", "nowhere", "--yes", "--format", "json", "--wait", "60")
        (row,) = rows(failed)
        assert failed.returncode == 1 and "back in default" in row["error"], row
