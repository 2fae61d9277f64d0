"""Name resolution: dead, failing, lying and disagreeing resolvers, and what /etc/hosts says."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.world import NameServer, World


def hide(world: World, *patterns: str) -> None:
    """No resolver knows these names."""
    names = world.matching(*patterns)
    world.every_nameserver(lambda server: server.hidden.extend(names))


def second(world: World, **changes: object) -> NameServer:
    """A second nameserver in resolv.conf."""
    if len(world.nameservers) < 2:
        world.nameservers.append(NameServer(world.service(54), program=world.options.resolver))
    for name, value in changes.items():
        setattr(world.nameservers[1], name, value)
    return world.nameservers[1]


@fault("no-nameserver", "resolv.conf names no nameserver", "dns.no-nameserver")
def no_nameserver(world: World) -> None:
    world.nameservers.clear()


@fault("dead-nameserver", "the only nameserver never answers", "dns.nameserver-down")
def dead_nameserver(world: World) -> None:
    world.every_nameserver(lambda server: setattr(server, "mode", "silent"))


@fault("nameserver-port-closed", "nothing listens on the nameserver's port 53", "dns.nameserver-down")
def nameserver_port_closed(world: World) -> None:
    world.every_nameserver(lambda server: setattr(server, "mode", "closed"))


@fault("first-nameserver-dead", "the first of two nameservers never answers", "dns.nameserver-degraded")
def first_nameserver_dead(world: World) -> None:
    second(world)
    world.nameservers[0].mode = "silent"


@fault("second-nameserver-dead", "the second of two nameservers never answers", "dns.nameserver-degraded")
def second_nameserver_dead(world: World) -> None:
    second(world, mode="silent")


@fault("name-hidden", "the resolver does not know ssmmessages", "dns.names-hidden")
def name_hidden(world: World) -> None:
    hide(world, "ssmmessages")


@fault("names-hidden", "the resolver knows none of the three SSM names", "dns.names-hidden")
def names_hidden(world: World) -> None:
    hide(world, "ssm", "ssmmessages", "ec2messages")


@fault("shards-a-hidden", "no ecs-a-N resolves", "dns.shards-hidden")
def shards_a_hidden(world: World) -> None:
    hide(world, "ecs-a-*.*")


@fault("shards-t-hidden", "no ecs-t-N resolves", "dns.shards-hidden")
def shards_t_hidden(world: World) -> None:
    hide(world, "ecs-t-*.*")


@fault("shards-hidden", "neither an ecs-a-N nor an ecs-t-N resolves", "dns.shards-hidden")
def shards_hidden(world: World) -> None:
    hide(world, "ecs-a-*.*", "ecs-t-*.*")
