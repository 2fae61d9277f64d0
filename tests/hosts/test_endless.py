"""What has no end ends for us: in memory, in time, with a word of its own, and with nothing left running on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.endless import local, over_ssh
from tests.support.adverse.endless import BUDGET, Case, Measured, cases
from tests.support.pace import within

pytestmark = pytest.mark.region
MOST_MEMORY = 128  # MiB
GATHER = 4.0  # seconds: what a host over SSH has beside the budget
FAST = (
    "all files are /dev/zero",
    "all files are pipes",
    "300,000 settings in ecs.config",
    "every program prints for ever",
    "every program leaves the session",
)
SAID = {
    "/dev/zero": "is a device, not a file",
    "pipes": "is a pipe, not a file",
    "2 GiB": "larger than",
    "300,000 settings": "larger than 1 MiB (limit for a settings file)",
    "prints for ever": "larger than",
    "prints one line": "larger than",
}
ALL = [case if case.name in FAST else pytest.param(case, marks=pytest.mark.soak) for case in cases()]
FAR = [case if case.name in FAST else pytest.param(case, marks=pytest.mark.soak) for case in cases() if case.over_ssh]


def name(case: Case) -> str:
    return case.name.replace("/", ".").replace(" ", "-")


def holds(case: Case, found: Measured, left: list[str], seconds: float) -> None:
    assert found.report, found.stderr
    assert found.memory <= MOST_MEMORY
    assert found.seconds <= within(seconds + 0.3)
    assert left == []
    rows = found.report["targets"][0]["findings"]
    assert not [row for row in rows if "traceback" in row["evidence"]]
    limits = [f"{row['subject']} {row['summary']}" for row in rows if row["check"] == "system.limits"]
    wanted = next((text for word, text in SAID.items() if word in case.name), "")
    if wanted and case.is_asked:
        assert any(wanted in text for text in limits), limits
    lost = [row for row in rows if row["check"] == "host.reach" and row["status"] != "pass"]
    assert not lost or "every program" in case.name


@pytest.mark.parametrize("case", ALL, ids=lambda case: name(case))
def test_on_the_host_itself(case: Case) -> None:
    found, left = local(case)
    holds(case, found, left, BUDGET)


@pytest.mark.parametrize("case", FAR, ids=lambda case: name(case))
def test_over_ssh(case: Case, room: Path) -> None:
    found, left = over_ssh(case, room)
    holds(case, found, left, BUDGET + GATHER)
