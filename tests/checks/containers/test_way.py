"""The accepts that a fix adds stand where the packet is dropped."""

from __future__ import annotations

import pytest

from anywhere.checks.containers.accepts import accepts, commands_for, remedy_text
from anywhere.facts.agents.docker import VERSION
from anywhere.facts.firewall.container_way import Bridge
from tests.support.judging import ENGINE, registered

BRIDGE = Bridge("docker0", address="172.17.0.1/16")


@pytest.mark.parametrize(
    ("hop", "start"),
    [
        ("filter FORWARD (nft)", "iptables -I FORWARD 1 -i docker0"),
        ("filter DOCKER-USER (nft)", "iptables -I FORWARD 1 -i docker0"),
        ("raw PREROUTING (nft)", "iptables -t raw -I PREROUTING 1 -i docker0"),
        ("raw SITE (nft)", "iptables -t raw -I PREROUTING 1 -i docker0"),
        ("mangle PREROUTING (nft)", "iptables -t mangle -I PREROUTING 1 -i docker0"),
        ("mangle FORWARD (nft)", "iptables -t mangle -I FORWARD 1 -i docker0"),
        ("mangle POSTROUTING (nft)", "iptables -t mangle -I POSTROUTING 1 -s 172.17.0.0/16"),
        ("nft inet site forward", "nft insert rule inet site forward iifname docker0"),
    ],
)
def test_an_accept_is_in_the_table_of_the_rule_that_drops(hop: str, start: str) -> None:
    first, *_ = accepts(hop, "iptables", BRIDGE)
    assert " ".join(first).startswith(start)
    assert len(accepts(hop, "iptables", BRIDGE)) == (2 if "FORWARD" in start or "nft" in start.split() else 1)


@pytest.mark.parametrize(("release", "zone"), [("24.0.7", "docker"), ("19.03.15", "trusted")])
def test_what_firewalld_rejects_is_accepted_by_a_zone_of_firewalld(release: str, zone: str) -> None:
    host = registered({}, {VERSION: ENGINE.replace("24.0.7", release)})
    commands = commands_for(host, "nft inet firewalld filter_FORWARD", "", BRIDGE)
    assert commands[-1] == ("firewall-cmd", "--reload") and (commands[0][0] == "sh") is (zone == "docker")
    assert commands[-2] == ("firewall-cmd", "--permanent", f"--zone={zone}", "--change-interface=docker0")
    assert "DOCKER-USER" not in remedy_text("nft inet firewalld filter_FORWARD", "docker0")
    assert "DOCKER-USER" not in remedy_text("nft inet site forward", "docker0")
    assert "DOCKER-USER" in remedy_text("filter FORWARD (nft)", "docker0")
