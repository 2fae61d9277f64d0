"""What lies below the routes and stops nothing leaves the cause to what does."""

from __future__ import annotations

import pytest

from tests.support.judged import codes, explain, judge

pytestmark = pytest.mark.region


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        (("egress-dropped", "own-ipsec-of-a-device"), "egress.blocked"),
        (("endpoint-dropped", "own-shaping-modem"), "egress.endpoint-blocked"),
    ],
)
def test_the_cause_stays_outside(faults: tuple[str, ...], cause: str) -> None:
    target = judge(faults)
    assert codes(target) == [cause], explain(target)
