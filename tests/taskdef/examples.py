"""Properties held by a few generated examples in the fast tier, and by many in the slow one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FEW = 20
SLOW_TO_MAKE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(*made: st.SearchStrategy[object], few: int = FEW, many: int = 300) -> Callable[..., Callable[[int], None]]:
    """Make a test of a property of these strategies' values: `few` examples, and `many` of a test marked slow."""

    def of(holds: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.slow)])
        def test(count: int) -> None:
            settings(max_examples=count, deadline=None, suppress_health_check=SLOW_TO_MAKE)(given(*made)(holds))()

        test.__name__, test.__doc__ = holds.__name__, holds.__doc__
        return test

    return of
