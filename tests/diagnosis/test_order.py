"""The commands of several fixes as one list: each once, in an order that suits all of them."""

from __future__ import annotations

import pytest

from anywhere.diagnosis.engine import Commands, in_order

WRITE, OTHER, DOCKER, ECS = ("write",), ("other",), ("docker",), ("ecs",)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([(WRITE, ECS), (WRITE, DOCKER)], (WRITE, ECS, DOCKER)),
        ([(WRITE, ECS), (OTHER, ECS)], (WRITE, OTHER, ECS)),
        ([(ECS,), (WRITE, ECS)], (WRITE, ECS)),
        ([(WRITE, ECS), (ECS, WRITE)], (WRITE, ECS)),
        ([(), (WRITE,)], (WRITE,)),
        ([], ()),
    ],
)
def test_what_comes_first_in_a_fix_comes_first_in_all(lists: list[Commands], expected: Commands) -> None:
    assert in_order(lists) == expected
