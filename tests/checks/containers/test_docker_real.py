"""The facts about Docker against a real daemon, in a network and a mount namespace of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not (shutil.which("dockerd") and shutil.which("unshare")), reason="needs dockerd and unshare"),
]

ROOT = Path(__file__).parent.parent.parent.parent
START = """
set -e
mount -t tmpfs tmpfs /run && ip link set lo up
dockerd --bridge=none --data-root "$1/data" --exec-root /run/docker --pidfile /run/d.pid --iptables=false \\
    --storage-driver=vfs -H unix:///run/docker.sock >"$1/log" 2>&1 &
trap 'kill $! 2>/dev/null; wait $! 2>/dev/null' EXIT
export DOCKER_HOST=unix:///run/docker.sock
for _ in $(seq 100); do docker version >/dev/null 2>&1 && break; sleep 0.1; done
docker network create --subnet 10.9.0.0/24 -o com.docker.network.bridge.name=corp0 app >/dev/null
DOCKER_HOST=tcp://192.0.2.1:1 "$0" -c "$LOOK"
"""
LOOK = """
import json
from dataclasses import asdict
from anywhere.facts.agents.docker import docker, docker_info, docker_networks
from anywhere.hosts.base import Deadline
from anywhere.hosts.local import LocalHost
host = LocalHost(Deadline(20))
print(json.dumps({"docker": asdict(docker(host)), "info": asdict(docker_info(host)),
                  "networks": [asdict(one) for one in docker_networks(host) or ()]}))
"""


def test_a_real_daemon_is_understood_whatever_the_callers_docker_host_says(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            START,
            sys.executable,
            str(tmp_path),
            "",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": str(ROOT),
            "LOOK": LOOK,
        },
    )
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()[-2000:]
    found = json.loads(done.stdout)
    assert found["docker"]["state"] == "answers" and not found["docker"]["is_podman"]
    assert found["docker"]["version"]["server"] and found["docker"]["version"]["api"].startswith("1.")
    assert found["info"]["root"] == str(tmp_path / "data") and found["info"]["cgroup_driver"]
    networks = {one["name"]: one for one in found["networks"]}
    assert networks["app"]["subnets"] == ["10.9.0.0/24"] and networks["app"]["bridge"] == "corp0"
    assert {"host", "none"} <= set(networks)
