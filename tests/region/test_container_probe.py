"""The proof from a namespace on docker's bridge: it leaves nothing behind, also when it is killed."""

from __future__ import annotations

import json
import time

import pytest

from anywhere.facts.firewall.container_probe import _text
from tests.region import Region

pytestmark = pytest.mark.region
LEFT = [
    "sh",
    "-c",
    "ip netns; ip -br link | cut -d' ' -f1; ip -4 -o addr show docker0; iptables-save | grep -v '^#' | cut -d[ -f1",
]
CONTAINER = """ip netns add c1; ip link add v1 type veth peer name ceth; ip link set v1 master docker0 up
ip link set ceth netns c1; ip -n c1 addr add 172.17.0.9/16 dev ceth; ip -n c1 link set ceth up
ip -n c1 route add default via 172.17.0.1
for _ in 1 2 3 4 5 6 7 8 9 10; do ip netns exec c1 ping -c1 -W1 172.17.0.1 >/dev/null 2>&1 && break; done"""


def egress(region: Region, *words: str) -> dict:
    done = region.run([".venv/bin/anywhere", "check", "--region", "us-east-1", "--format", "json", *words])
    findings = json.loads(done.stdout)["targets"][0]["findings"]
    return next(row for row in findings if row["check"] == "containers.egress")


def test_the_proof_leaves_nothing_behind_even_when_killed() -> None:
    with Region([], ["registered"]) as region:
        before = region.run(LEFT).stdout
        assert egress(region)["evidence"]["proven"] is False
        words = ("prove", "docker0", "172.17.0.1", "172.17.255.254/16", "1500", "tcp 192.0.2.1 443")
        killed = region.popen(["sh", "-c", _text(), "way", *words])
        until = time.monotonic() + 10
        while "anywhere-way" not in region.run(["ip", "netns"]).stdout and time.monotonic() < until:
            time.sleep(0.02)
        region.run(["sh", "-c", "kill -9 $(ip netns | sed -n 's/^anywhere-way-\\([0-9]*\\).*/\\1/p')"])
        killed.wait(10)
        assert "anywhere-way" in region.run(["ip", "netns"]).stdout
        found = egress(region, "--prove")
        assert found["status"] == "pass" and found["evidence"]["proven"] is True
        assert region.run(LEFT).stdout == before


def test_a_running_container_is_asked_and_its_credentials_too() -> None:
    with Region([], ["registered"]) as region:
        region.run(["sh", "-ec", CONTAINER])
        found = egress(region)
        assert found["status"] == "pass" and "container c1" in found["summary"]
        region.run(["ip", "netns", "exec", "c1", "ip", "route", "add", "blackhole", "169.254.170.2"])
        found = egress(region)
        assert found["status"] == "fail" and found["subject"] == "169.254.170.2"
