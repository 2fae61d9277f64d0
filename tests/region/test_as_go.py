"""The product's word on every endpoint against a Go client of the agents' kind, under faults and healthy variations."""

from __future__ import annotations

import pytest

from tests.region.faults import table
from tests.region.goclient.build import Unavailable, client
from tests.region.goclient.compare import differences, sample

pytestmark = pytest.mark.region
# Which connections a full proxy still takes, and which packets get lost, is chance: two runs of one program differ.
BY_CHANCE = ("proxy-full", "slightly-lossy")
NAMES = sorted(name for name in table() if name not in BY_CHANCE)
SAMPLE = sample(NAMES, 12)


@pytest.fixture(scope="session")
def program():
    try:
        return client()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SAMPLE else pytest.mark.soak) for name in NAMES],
)
def test_go_reaches_what_the_product_says_and_nothing_else(name, program):
    compared, wrong = differences(name, program)
    assert wrong == []
    assert compared
