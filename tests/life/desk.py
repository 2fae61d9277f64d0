"""A desk from which the life of registered machines is managed, with the account's keys or without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.booted.machine import Machine
from tests.booted.registering import Desk

# All files with content, owner and mode, apart from what runs by itself.
TREE = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/lib/docker -o -path "
    "/var/lib/containerd -o -path /var/lib/systemd -o -path /var/log/journal -o -path /var/cache/apt -o -path /var/lib/apt "
    "-o -path /var/lib/dpkg -o -path /var/log/apt \\) -prune -o -printf '%p %y %m %U:%G\\n' | sort"
)
STATE = (
    "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n' | sort; systemctl list-unit-files --no-legend --plain | "
    "awk '{print $1, $2}' | sort; sysctl net.ipv4.conf.all.route_localnet; "
    "iptables-save | grep -E '5167[89]|169.254.170' || :"
)


def life(at: Desk, verb: str, *words: str, owner: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a verb for all machines; as the account's owner from the region's own host, whose names lead to the region."""
    hosts = [word for spec in at.machines for word in ("--host", spec)]
    given = (verb, *words, *hosts, "--ssh-key", str(at.key), "--ssh-accept-new")
    if owner:
        environment = {**at.site.owner, "HOME": str(at.home), "AWS_CA_BUNDLE": bundle(at)}
        return at.site.region.run([sys.executable, "-m", "anywhere", *given], environment)
    return subprocess.run(at.argv(*given), capture_output=True, text=True, env=at.environment, stdin=subprocess.DEVNULL)


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The hosts of a JSON result."""
    assert done.stdout, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["hosts"]
    return found


def bundle(at: Desk) -> str:
    """The region's CA as a file."""
    path = at.home / "region-ca.pem"
    world = at.site.region.world
    if not path.exists():
        path.write_text("".join(Path(world.pem[f"root:{key}"]).read_text() for key in world.host.trusted))
    return str(path)


def instances(at: Desk) -> list[tuple[str, str]]:
    """Cluster and status of every container instance that the region knows."""
    return sorted((one["cluster"], one["status"]) for one in at.site.control.state()["containers"])


def tree(machine: Machine) -> set[str]:
    """Files, and packages, units, sysctl and rules, as lines."""
    return set(machine.sh(TREE).splitlines()) | set(machine.sh(STATE).splitlines())
