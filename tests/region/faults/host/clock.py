"""Time. The machine's clock is not touched: the region moves instead, with its Date headers and certificates."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.world import World

MINUTE, YEAR = 60, 365 * 86400


@fault("clock-behind", "the host's clock is 15 minutes behind", "clock.skewed")
def clock_behind(world: World) -> None:
    world.clock = 15 * MINUTE


@fault("clock-ahead", "the host's clock is 15 minutes ahead", "clock.skewed")
def clock_ahead(world: World) -> None:
    world.clock = -15 * MINUTE


@fault("clock-drifting", "the host's clock is 2 minutes behind", "clock.skewed")
def clock_drifting(world: World) -> None:
    world.clock = 2 * MINUTE


@fault("clock-years-behind", "the host's clock is 3 years behind: no certificate is valid yet", "clock.skewed")
def clock_years_behind(world: World) -> None:
    world.clock = 3 * YEAR


@fault("clock-years-ahead", "the host's clock is 2 years ahead: every certificate has expired", "clock.skewed")
def clock_years_ahead(world: World) -> None:
    world.clock = -2 * YEAR


@fault("clock-unsynchronised", "the clock is right, but nothing keeps it so", "clock.unsynchronised")
def clock_unsynchronised(world: World) -> None:
    world.host.synchronised = False
