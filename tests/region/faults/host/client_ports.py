"""Ports for outgoing connections: none, few, and enough."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.software import register
from tests.region.world import World


def client_ports(world: World, given: str, reserved: str = "51678-51679") -> None:
    """The ports of outgoing connections, and those of them that are reserved."""
    register(world)
    world.host.sysctls |= {"net/ipv4/ip_local_port_range": given, "net/ipv4/ip_local_reserved_ports": reserved}


@fault("client-ports-reserved", "every port for outgoing connections is reserved", "kernel.limit")
def client_ports_reserved(world: World) -> None:
    client_ports(world, "32768 60999", "32000-61000")


@fault(
    "client-ports-none-left", "a range of ports for outgoing connections that the reserved ones use up", "kernel.limit"
)
def client_ports_none_left(world: World) -> None:
    client_ports(world, "51670 51681", "51670-51681")


@fault("client-ports-four", "four ports for all outgoing connections", "kernel.limit")
def client_ports_four(world: World) -> None:
    client_ports(world, "60000 60003")


@fault("client-ports-one", "one port for all outgoing connections", "kernel.limit")
def client_ports_one(world: World) -> None:
    client_ports(world, "60000 60000")


@fault("client-ports-few", "a narrow range of ports for outgoing connections", "kernel.limit")
def client_ports_few(world: World) -> None:
    client_ports(world, "60000 60511")


@variation("client-ports-dynamic", "outgoing connections have the ports that IANA calls dynamic")
def client_ports_dynamic(world: World) -> None:
    client_ports(world, "49152 65535")
