"""A network in the way is made again as it is, in another range; nothing that it has is lost by the fix."""

from __future__ import annotations

import ipaddress
import json

import pytest

from anywhere.checks.containers.subnets import _move
from anywhere.facts.agents.docker import NETWORKS, docker_networks
from anywhere.hosts.base import Interface, Inventory
from anywhere.model import Remedy
from tests.support.fakehost import NOW, FakeHost

COVERED = ipaddress.ip_network("10.0.0.0/16")
CARD = Interface("eth0", addresses=("172.30.255.7/24",))


def fix(**fields: object) -> Remedy:
    """The fix for a network with these fields of the Engine's."""
    made = {"Name": "app", "Id": "a" * 64, "Driver": "bridge", "IPAM": {"Config": [{"Subnet": str(COVERED)}]}, **fields}
    host = FakeHost(commands={NETWORKS: json.dumps([made])}, found=Inventory(now=NOW, is_root=True, interfaces=(CARD,)))
    networks = docker_networks(host)
    assert networks
    return _move(host, networks[0], COVERED, ("172.30.254.9", "2001:db8::1", "10.0.0.53"))


def test_options_labels_and_containers_are_kept_and_docker_runs_on() -> None:
    found = fix(
        Internal=True,
        Options={"com.docker.network.bridge.enable_icc": "false"},
        Labels={"team": "edge"},
        Containers={"1": {"Name": "web"}, "2": {"Name": "db"}},
    )
    assert [" ".join(command) for command in found.commands] == [
        "docker network disconnect app web",
        "docker network disconnect app db",
        "docker network rm app",
        "docker network create --driver bridge --internal --opt com.docker.network.bridge.enable_icc=false --label team=edge "
        "--subnet 172.30.253.0/24 app",
        "docker network connect app web",
        "docker network connect app db",
    ]


def test_a_network_of_compose_is_left_to_compose() -> None:
    found = fix(Labels={"com.docker.compose.project": "plant", "com.docker.compose.network": "default"})
    assert "project plant" in found.text and not found.commands


def test_the_bridge_of_swarm_cannot_be_removed_while_the_host_is_a_member() -> None:
    found = fix(Name="docker_gwbridge", Containers={"ingress-sbox": {"Name": "gateway_ingress-sbox"}})
    assert "leave the swarm" in found.text and not found.commands


@pytest.mark.parametrize("also", ["fd00:1::/64", "192.168.9.0/24"])
def test_another_range_of_the_same_network_stays(also: str) -> None:
    found = fix(IPAM={"Config": [{"Subnet": str(COVERED)}, {"Subnet": also}]}, EnableIPv6=":" in also)
    create = " ".join(found.commands[1])
    assert f"--subnet {also} --subnet 172.30.253.0/24" in create and ("--ipv6" in create) is (":" in also)
