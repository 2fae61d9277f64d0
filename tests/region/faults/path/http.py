"""HTTP: upgrades that a device refuses, quiet connections that it cuts."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.faults.tls.inspection import inspected_trusted
from tests.region.world import World

CHANNELS = ("ecs-a-*.*", "ecs-t-*.*", "ssmmessages")
IDLE = ("--idle", "4")


@fault("upgrade-502", "a device answers WebSocket upgrades with 502", "websocket.refused")
def upgrade_502(world: World) -> None:
    world.behave(*CHANNELS, upgrade="502")


@fault("upgrade-page", "a device answers WebSocket upgrades with a page", "websocket.refused")
def upgrade_page(world: World) -> None:
    world.behave(*CHANNELS, upgrade="page")


@fault("upgrade-redirected", "a device sends WebSocket upgrades of the ECS agent elsewhere", "websocket.refused")
def upgrade_redirected(world: World) -> None:
    world.behave("ecs-a-*.*", "ecs-t-*.*", upgrade="redirect")


@fault("idle-cut", "a device closes connections that were quiet for two seconds", "websocket.idle-cut", arguments=IDLE)
def idle_cut(world: World) -> None:
    world.behave("*", idle=2.0)


@fault(
    "idle-reset", "a device resets connections that were quiet for two seconds", "websocket.idle-cut", arguments=IDLE
)
def idle_reset(world: World) -> None:
    world.behave("*", idle=2.0, idle_how="rst")


@fault(
    "idle-forgotten",
    "a firewall forgets connections that were quiet for two seconds",
    "websocket.idle-cut",
    arguments=IDLE,
)
def idle_forgotten(world: World) -> None:
    world.behave("*", idle=2.0, idle_how="silence")


@fault("portal-page", "a trusted gateway answers everything with its own page", "egress.blocked")
def portal_page(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", speaks="portal")


@fault("portal-redirect", "a trusted gateway sends everything to a portal", "egress.blocked")
def portal_redirect(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", speaks="redirect")
