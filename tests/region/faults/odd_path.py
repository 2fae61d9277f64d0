"""The way out, less usual: lost packets, devices that count, links of odd width, half of a family."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.world import World


def lose(world: World, percent: int, rule: str = "") -> None:
    """This share of the packets vanishes, each way, by chance."""
    world.router.forward.append(f"{rule} numgen random mod 100 < {percent} drop")


@fault("lossy", "three of ten packets vanish, each way", "egress.slow")
def lossy(world: World) -> None:
    lose(world, 30, "tcp dport 443")
    lose(world, 30, "tcp sport 443")


@variation("slightly-lossy", "one of ten packets vanishes, each way")
def slightly_lossy(world: World) -> None:
    lose(world, 10)
