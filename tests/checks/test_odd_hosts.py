"""Hosts as data centres have them: odd resolver settings, hung files, no loopback. Judged whole, in the embedded region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.region.world import World
from tests.support.changed import SHORT, judge, nothing
from tests.support.judged import codes, explain

pytestmark = pytest.mark.region

HEALTHY: dict[str, tuple[Callable[[World], None], dict[str, Any]]] = {
    "no loopback": (nothing, {"before": "ip link set lo down"}),
    "no network files": (lambda world: world.host.files.update({"/etc/hosts": None, "/etc/nsswitch.conf": None}), {}),
    "two hundred numbers": (nothing, {"words": ("--shards", "200")}),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_odd_but_healthy(case: str) -> None:
    change, more = HEALTHY[case]
    target = judge(change, *more.pop("words", ()), **more)
    assert codes(target) == [], explain(target)
    assert target["verdict"] == "ready"


BROKEN: dict[str, tuple[Callable[[World], object], dict[str, Any], list[str]]] = {
    "all dropped, in a short run": (nothing, {"faults": ["egress-dropped"], "budget": SHORT}, ["egress.blocked"]),
    "silence, in a short run": (nothing, {"faults": ["silent-servers"], "budget": SHORT}, ["egress.silent"]),
    "two regions dropped": (
        nothing,
        {"faults": ["egress-dropped"], "words": ("--region", "eu-west-1"), "regions": ("us-east-1", "eu-west-1")},
        ["egress.blocked"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_fault_is_one_cause(case: str) -> None:
    change, more, expected = BROKEN[case]
    target = judge(change, *more.pop("words", ()), **more)
    assert codes(target) == expected, explain(target)
    assert not [row for row in target["findings"] if row["status"] == "error"], explain(target)


def test_a_file_that_hangs_costs_its_own_checks_only() -> None:
    """As a dead NFS server does: a program that never answers, in the place of one that the host checks ask."""

    def change(world: World) -> None:
        world.host.programs["/usr/bin/timedatectl"] = "#!/bin/sh\nexec sleep 1000\n"
        world.host.programs["/usr/bin/dpkg-query"] = "#!/bin/sh\ntrap '' TERM INT HUP\nsleep 1000\n"

    target = judge(change, budget=3.0)
    by_check = {row["check"]: row["status"] for row in target["findings"]}
    assert by_check["endpoints.reach"] == "pass"
    assert target["verdict"] != "not-ready", explain(target)
