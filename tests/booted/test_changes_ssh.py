"""Rules and proxy over SSH to booted servers that have nothing of this tool: one, and a fleet in waves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.machine import Machine, Peer, booted

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

SERVICES = "docker.service containerd.service ssh.service"


class Desk:
    """Where the administrator sits: a namespace on the LAN, a key, an empty home."""

    def __init__(self, peer: Peer, home: Path) -> None:
        self.peer, self.home = peer, home
        self.key = home / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)

    def admit(self, machine: Machine, user: str) -> None:
        """Let the key in, as root or as a user with sudo."""
        place = "/root" if user == "root" else f"/home/{user}"
        if user != "root":
            machine.sh(f"useradd -m -s /bin/bash {user}; echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}")
        path = f"{place}/.ssh/authorized_keys"
        machine.run(("install", "-D", "-m", "600", "/dev/stdin", path), input=self.key.with_suffix(".pub").read_bytes())
        machine.sh(f"chown -R {user}: {place}/.ssh; chmod 700 {place}/.ssh; rm -f /run/nologin")

    def anywhere(self, *words: str, input: str = "") -> subprocess.CompletedProcess[str]:
        """Run the tool from here."""
        verb, command, *rest = words
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        argv = ["ip", "netns", "exec", self.peer.name, sys.executable, "-m", "anywhere", verb, command]
        argv += ["--ssh-key", str(self.key), "--ssh-accept-new", *rest]
        return subprocess.run(argv, capture_output=True, text=True, env=environment, input=input)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with booted("bookworm", SERVICES) as made:
        yield made


@pytest.mark.parametrize("user", ["root", "keeper"])
def test_rules_over_ssh_are_applied_proven_guarded_and_reverted(machine: Machine, user: str, tmp_path: Path) -> None:
    with machine.cable("10.77.0.2/24", "10.77.0.1/24") as peer:
        desk = Desk(peer, tmp_path)
        desk.admit(machine, user)
        spec = f"{user}@10.77.0.2"
        applied = desk.anywhere("rules", "apply", "--host", spec)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        assert "already in place, nothing changed" in desk.anywhere("rules", "apply", "--host", spec).stdout
        verified = desk.anywhere("rules", "verify", "--host", spec, "--format", "json")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        proof = [f for f in json.loads(verified.stdout)["targets"][0]["findings"] if f["check"] == "netfilter.proof"]
        assert len(proof) == 6 and {f["status"] for f in proof} == {"pass"}
        machine.sh("nft flush ruleset; systemctl restart docker")
        time.sleep(6)
        assert desk.anywhere("rules", "verify", "--host", spec).returncode == 0
        reverted = desk.anywhere("rules", "revert", "--host", spec)
        assert reverted.returncode == 0, reverted.stdout + reverted.stderr
        assert "anywhere" not in machine.sh("iptables-save; ls /etc/systemd/system /etc/sysctl.d /var/lib")
        assert desk.anywhere("rules", "verify", "--host", spec).returncode == 1


def test_the_proxy_profile_reaches_systemd_and_the_running_daemon(machine: Machine, tmp_path: Path) -> None:
    with machine.cable("10.77.0.2/24", "10.77.0.1/24") as peer:
        desk = Desk(peer, tmp_path)
        desk.admit(machine, "keeper")
        credentials = tmp_path / "credentials"
        credentials.write_text("user:100% Geheim/#\n")
        before = machine.sh(
            "find /etc -xdev -printf '%p %m %u %g\\n' | sort; find /etc -xdev -type f -exec md5sum {} + | sort"
        )
        words = (
            "--host",
            "keeper@10.77.0.2",
            "--url",
            "http://proxy.example:3128",
            "--credentials-file",
            str(credentials),
        )
        planned = desk.anywhere("proxy", "plan", *words)
        assert planned.returncode == 0 and "Geheim" not in planned.stdout + planned.stderr
        assert desk.anywhere("proxy", "apply", *words).returncode == 0
        verified = desk.anywhere("proxy", "verify", *words)
        assert verified.returncode == 1 and "docker.service" in verified.stdout, "docker runs since before"
        assert desk.anywhere("proxy", "apply", "--restart", *words).returncode == 0
        verified = desk.anywhere("proxy", "verify", *words)
        assert verified.returncode == 1 and "docker.service" not in verified.stdout, "the files are right"
        assert "http://***@proxy.example:3128 is not reached" in verified.stdout, "and there is no such proxy"
        url = "http://user:100%25%20Geheim%2F%23@proxy.example:3128"
        pid = machine.sh("systemctl show -p MainPID --value docker").strip()
        running = machine.sh(f"tr '\\0' '\\n' < /proc/{pid}/environ")
        assert f"HTTPS_PROXY={url}\n" in running and "169.254.170.2" in running
        shown = machine.sh("systemctl show docker amazon-ssm-agent ecs")
        assert "zz-anywhere-proxy.env" in shown and "Geheim" not in shown, (
            "systemd tells every user what Environment= holds"
        )
        assert "Geheim" not in machine.sh("journalctl --no-pager; cat /var/lib/anywhere/*.journal")
        assert desk.anywhere("proxy", "revert", "--restart", "--host", "keeper@10.77.0.2").returncode == 0
        after = machine.sh(
            "find /etc -xdev -printf '%p %m %u %g\\n' | sort; find /etc -xdev -type f -exec md5sum {} + | sort"
        )
        assert after == before
        pid = machine.sh("systemctl show -p MainPID --value docker").strip()
        assert "HTTPS_PROXY" not in machine.sh(f"tr '\\0' '\\n' < /proc/{pid}/environ"), (
            "restarted after the revert too"
        )


def test_a_fleet_in_waves_stops_at_the_first_failure_and_goes_on(tmp_path: Path) -> None:
    with (
        booted("bookworm", SERVICES) as one,
        booted("bookworm", SERVICES) as two,
        booted("bookworm", SERVICES) as three,
    ):
        machines = {"10.77.0.2": one, "10.77.0.3": two, "10.77.0.4": three}
        peers = []
        try:
            lan: Peer | None = None
            for address, machine in machines.items():
                lan = machine.join(lan, f"{address}/24", "10.77.0.1/24")
                peers.append(lan)
            assert lan
            desk = Desk(lan, tmp_path)
            for machine in machines.values():
                desk.admit(machine, "root")
            inventory = tmp_path / "hosts"
            inventory.write_text("".join(f"root@{address}\n" for address in machines))
            two.sh("mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,bind,ro /etc/sysctl.d")
            words = ("--inventory", str(inventory), "--wave", "1")
            stopped = desk.anywhere("rules", "apply", *words, "--format", "json")
            assert stopped.returncode == 1, stopped.stderr
            states = {row["name"]: row["state"] for row in json.loads(stopped.stdout)["targets"]}
            assert sorted(states.values()) == ["done", "failed", "untouched"], states
            assert "anywhere-rules" not in three.sh("iptables-save") and "anywhere-rules" in one.sh("iptables-save")
            assert "anywhere-rules" not in two.sh("iptables-save")
            two.sh("umount /etc/sysctl.d")
            again = desk.anywhere("rules", "apply", *words, "--format", "json")
            assert again.returncode == 0, again.stdout + again.stderr
            states = {row["name"]: row["state"] for row in json.loads(again.stdout)["targets"]}
            assert sorted(states.values()) == ["already", "done", "done"]
            assert desk.anywhere("rules", "revert", *words).returncode == 0
        finally:
            for peer in peers:
                peer.close()
