"""The agent's ports: what is reserved stays reserved."""

from __future__ import annotations

from anywhere.checks.network import ports
from tests.support.judging import registered, remedy_of


def test_reserved_ports_are_added_to_those_that_are_there() -> None:
    host = registered({"/proc/sys/net/ipv4/ip_local_reserved_ports": "6000-6010,51678\n"})
    assert ("sysctl", "-w", "net.ipv4.ip_local_reserved_ports=6000-6010,51678,51679") in remedy_of(
        ports.reserved_check, host
    ).commands
