"""Healthy variations: what looks unusual and is right. A check names no cause here."""

from __future__ import annotations

from tests.region.faults import variation
from tests.region.world import World


@variation("plain", "a bare, supported server with a direct way out")
def plain(world: World) -> None:
    pass
