"""A hostile host beside a good one: the good host's verdict is the same as alone, and its time, but for the part of a
processor that every connection may have at any moment."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anywhere.hosts.ssh.channels.meter import AT_ONCE
from tests.support.adverse import hostile
from tests.support.ssh.fleets import Fleets, fleets
from tests.support.ssh.sshd import Popen, Server

pytestmark = pytest.mark.region
TRIES, SLOWER = 8, 1.2


@pytest.fixture(scope="module")
def fleet(shared_room: Path) -> Iterator[Fleets]:
    with fleets(shared_room) as made:
        yield made


def judged(fleet: Fleets, *lines: str) -> dict[str, dict[str, Any]]:
    done = fleet.check("-i", fleet.inventory(*lines), "--format", "json", "-p", "4")
    assert done.stdout, done.stderr
    return {target["name"]: target for target in json.loads(done.stdout)["targets"]}


def essence(target: dict[str, Any]) -> tuple[str, list[str]]:
    return target["verdict"], sorted(f"{row['check']} {row['subject']} {row['status']}" for row in target["findings"])


def leftovers(fleet: Fleets) -> Popen:
    """Starts a program that gets what the others leave: a host works on processors of its own."""
    return lambda argv, **more: fleet.region.popen(["nice", "-n", "39", *argv], **more)


# Times are compared, in many rounds: nothing else may run beside it.
@pytest.mark.soak
@pytest.mark.parametrize("mode", hostile.MODES)
def test_it_neither_changes_nor_delays_the_good_one(fleet: Fleets, tmp_path: Path, mode: str) -> None:
    program = f"ForceCommand {sys.executable} {Path(hostile.__file__)} {mode}"
    server = Server(fleet.folder.parent / f"bad-{mode}", program, addresses=("0.0.0.0",))
    server.host_key, server.key = fleet.server.host_key, fleet.server.key
    server.start(leftovers(fleet))
    good = fleet.host("good", 1)
    alone, beside = [], []
    try:
        # The quickest of some: other programs on this machine come and go.
        for _ in range(TRIES):
            first, second = judged(fleet, good), judged(fleet, good, fleet.host("bad", 2, server.port))
            assert essence(first["good"]) == essence(second["good"])
            assert second["bad"]["verdict"] != "ready"
            alone.append(first["good"]["seconds"])
            beside.append(second["good"]["seconds"])
            if len(alone) > 1 and min(beside) <= SLOWER * min(alone) + AT_ONCE:
                return
    finally:
        server.stop()
        print(f"{mode}: alone {min(alone):.2f} s, beside the hostile host {min(beside):.2f} s")
    pytest.fail(f"alone {sorted(alone)} s, beside the hostile host {sorted(beside)} s")
