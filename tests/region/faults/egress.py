"""The way out: what the site's firewall, gateway and links do to packets."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.world import World

HTTPS = "tcp dport 443"


def to(addresses: list[str]) -> str:
    """An nftables match for these destinations."""
    return f"ip daddr {{ {', '.join(addresses)} }} {HTTPS}"


@fault("egress-dropped", "the firewall drops everything to port 443", "egress.blocked")
def egress_dropped(world: World) -> None:
    world.router.block()


@fault("egress-refused", "the firewall answers everything to port 443 with a reset", "egress.blocked")
def egress_refused(world: World) -> None:
    world.router.block(verdict="reject with tcp reset")


@fault("egress-prohibited", "the firewall says administratively prohibited to port 443", "egress.blocked")
def egress_prohibited(world: World) -> None:
    world.router.block(verdict="reject with icmpx admin-prohibited")


@fault("endpoint-dropped", "packets to ssmmessages vanish", "egress.endpoint-blocked")
def endpoint_dropped(world: World) -> None:
    world.router.block(to(world.addresses("ssmmessages")))


@fault("endpoint-refused", "connections to ecs are refused", "egress.endpoint-blocked")
def endpoint_refused(world: World) -> None:
    world.router.block(to(world.addresses("ecs")), "reject with tcp reset")


@fault("no-default-route", "the host has a route to its resolvers, and no default route", "egress.no-route")
def no_default_route(world: World) -> None:
    world.host.default_route = False


@fault("silent-servers", "connections are accepted and nothing ever answers", "egress.silent")
def silent_servers(world: World) -> None:
    world.behave("*", speaks="silent")
