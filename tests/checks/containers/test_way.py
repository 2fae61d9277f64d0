"""The accepts that a fix adds stand where the packet is dropped."""

from __future__ import annotations

import pytest

from anywhere.checks.containers.way import accepts
from anywhere.facts.firewall.container_way import Bridge

BRIDGE = Bridge("docker0", address="172.17.0.1/16")


@pytest.mark.parametrize(
    ("hop", "start"),
    [
        ("filter FORWARD (nft)", "iptables -I FORWARD 1 -i docker0"),
        ("filter DOCKER-USER (legacy)", "iptables -I FORWARD 1 -i docker0"),
        ("raw PREROUTING (nft)", "iptables -t raw -I PREROUTING 1 -i docker0"),
        ("raw SITE (nft)", "iptables -t raw -I PREROUTING 1 -i docker0"),
        ("mangle PREROUTING (nft)", "iptables -t mangle -I PREROUTING 1 -i docker0"),
        ("mangle FORWARD (nft)", "iptables -t mangle -I FORWARD 1 -i docker0"),
        ("mangle POSTROUTING (nft)", "iptables -t mangle -I POSTROUTING 1 -s 172.17.0.0/16"),
        ("nft inet site forward", "nft insert rule inet site forward iifname docker0"),
    ],
)
def test_an_accept_is_in_the_table_of_the_rule_that_drops(hop: str, start: str) -> None:
    first, *_ = accepts(hop, BRIDGE)
    assert " ".join(first).startswith(start)
    assert len(accepts(hop, BRIDGE)) == (2 if "FORWARD" in start or "nft" in start.split() else 1)
