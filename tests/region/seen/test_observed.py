"""Nothing that was not announced: what the kernel saw a check do against `check --plan` of the same host."""

from __future__ import annotations

import shutil

import pytest

from tests.region import Region
from tests.region.faults import table
from tests.region.goclient.compare import sample
from tests.region.seen.observed import plan, traced, unannounced

pytestmark = pytest.mark.region
NAMES = sorted(table())
SAMPLE = sample(NAMES, 5)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SAMPLE else pytest.mark.soak) for name in NAMES]
)
def test_what_is_seen_was_announced(name: str) -> None:
    assert shutil.which("strace"), "install strace"
    fault = table()[name]
    with Region(*(([], [name]) if fault.is_healthy else ([name], []))) as region:
        arguments = ("--region", region.options.regions[0], *region.arguments)
        rows = plan(region, arguments)
        seen = traced(region, arguments)
        assert seen.files
        assert seen.commands
        assert unannounced(seen, rows) == []
