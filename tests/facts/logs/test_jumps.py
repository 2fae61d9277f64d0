"""Steps of the clock in a log."""

from __future__ import annotations

import pytest

from anywhere.facts.logs.jumps import parse_jumps


@pytest.mark.parametrize(
    ("times", "jumps"),
    [
        (["10:00:00", "10:00:01", "10:00:00"], []),
        (["10:00:00", "09:56:01"], []),
        (["10:00:00", "09:30:00", "10:00:00", "09:00:00"], [1800.0, 3600.0]),
        ([], []),
    ],
    ids=["lines out of order", "less than AWS minds", "twice", "an empty log"],
)
def test_only_steps_that_aws_minds_count(times: list[str], jumps: list[float]) -> None:
    text = "".join(f'level=info time=2026-11-29T{one}Z msg="x"\n' for one in times)
    assert [one.seconds for one in parse_jumps(text)] == jumps
    as_json = "".join(f'{{"level":"info","time":"2026-11-29T{one}Z","msg":"x"}}\n' for one in times)
    assert parse_jumps(as_json) == parse_jumps(text)
