"""The settings of the ECS agent: a name that is only nearly one is distinguished from one that is."""

from __future__ import annotations

import pytest

from anywhere.catalogue.ecs_settings import near_setting


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ECS_CLUSTR", "did you mean ECS_CLUSTER?"),
        ("ecs_cluster", "did you mean ECS_CLUSTER?"),
        ("ECS-CLUSTER", "did you mean ECS_CLUSTER?"),
        ("ECS_LOG_LEVEL", "did you mean ECS_LOGLEVEL?"),
        ("ECS_CLUSTER", ""),
        ("HTTP_PROXY", ""),
        ("ECS_SOMETHING_OF_OUR_OWN", ""),
    ],
)
def test_a_name_that_is_nearly_a_setting(name: str, expected: str) -> None:
    assert near_setting(name).startswith(expected) and bool(near_setting(name)) is bool(expected)
