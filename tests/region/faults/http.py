"""HTTP: upgrades that a device refuses, portals, answers that are not AWS's."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.world import World

CHANNELS = ("ecs-a-*.*", "ecs-t-*.*", "ssmmessages")


@fault("upgrade-502", "a device answers WebSocket upgrades with 502", "websocket.refused")
def upgrade_502(world: World) -> None:
    world.behave(*CHANNELS, upgrade="502")
