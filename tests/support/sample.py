"""Which faults stand for the others where not all of them are run, and another region, with nothing in it that a detector
could have learnt by heart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from _pytest.mark.structures import ParameterSet

from tests.region.faults import table
from tests.region.options import Options

EVERY = 10  # healthy variations: one of so many


def sample() -> Iterator[str]:
    """For each cause the first fault that brings it, and some healthy variations."""
    seen: set[str] = set()
    healthy = 0
    for name, one in sorted(table().items()):
        if one.is_healthy:
            healthy += 1
            if healthy % EVERY == 1:
                yield name
        elif not seen.issuperset(one.causes):
            seen.update(one.causes)
            yield name


# Other addresses, another region, CA, number of shards and resolver.
ELSEWHERE = Options(
    regions=("eu-north-1",),
    site="172.30.0.0/16",
    site6="2001:db8:1234::/48",
    public="198.51.100.0/24",
    public6="2001:db8:ffff::/64",
    private6="fdaa:bb:cc::/64",
    ca="Amazon Elsewhere Root",
    resolver="unbound",
    hostname="db-7.corp.example",
    shards=6,
)


def spread(values: Iterable[object], every: int) -> list[ParameterSet]:
    """All values as parameters: one of `every` in the fast tier, the others in the broad one."""
    return [
        pytest.param(value, marks=() if place % every == 0 else pytest.mark.broad) for place, value in enumerate(values)
    ]
