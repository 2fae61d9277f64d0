"""A host of the region that was changed by hand, judged within its time and without a crash."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.region.region import Region
from tests.region.world import World
from tests.support.pace import within

CHECK = (sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--format", "json")
BUSY = 1.5  # seconds: what a machine under load may add; the bench holds the exact figure
SHORT = 2.0  # seconds: of them the start of the command takes a good part, more where the processors are busy
LONG = 20.0  # seconds: the longest budget, as in a run without one
WILDCARD = "10.9.9.9"


def judge(
    change: Callable[[World], object],
    *words: str,
    faults: Sequence[str] = (),
    before: str = "",
    budget: float = 6.0,
    **options: Any,
) -> dict[str, Any]:
    """The only target of a run on a host that was changed so. `before` is a line for the shell of the same host."""
    region = Region(faults, **options)
    change(region.world)
    budget = min(LONG, within(budget))
    line = [*CHECK, "--budget", str(budget), *words]
    with region:
        started = time.monotonic()
        done = region.run(["sh", "-c", f'{before}\nexec "$@"', "sh", *line] if before else line)
        took = time.monotonic() - started
    assert done.stdout and done.stderr == "", done.stderr
    assert took < budget + within(BUSY)
    target: dict[str, Any] = json.loads(done.stdout)["targets"][0]
    crashed = [row for row in target["findings"] if "traceback" in row["evidence"]]
    assert not crashed, crashed
    return target


def resolv_conf(text: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.host.resolv_conf = text.format(*(server.address for server in world.nameservers))

    return change


def wildcard(text: str) -> Callable[[World], None]:
    """A search domain under which every name resolves."""

    def change(world: World) -> None:
        resolv_conf(text)(world)
        world.nameservers[0].forged["*.wild.example"] = [WILDCARD]

    return change


def nothing(_: World) -> None:
    """As the region is."""
