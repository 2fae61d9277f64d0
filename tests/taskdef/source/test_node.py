"""Nodes: what is sure of a list whose elements hang on conditions."""

from __future__ import annotations

from typing import Any

import pytest

from anywhere.taskdef.source.node import Node, NotKnown, Unknown

SOME, NONE, PERHAPS = Unknown("Ref A"), Unknown("Fn::If", present=False), Unknown("Fn::If", present=None)


@pytest.mark.parametrize(
    ("raw", "sure", "filled"),
    [
        (["a"], 1, True),
        ([], 0, False),
        ([SOME, PERHAPS], 1, True),
        (["a", PERHAPS, PERHAPS], 1, True),
        ([PERHAPS, NONE], 0, None),
        ([NONE], 0, False),
        (SOME, 0, True),
        (PERHAPS, 0, None),
        ({"a": PERHAPS}, 0, True),
    ],
)
def test_elements_that_a_condition_may_take_out_are_not_counted(raw: Any, sure: int, filled: bool | None) -> None:
    node = Node(raw)
    assert node.sure == sure
    if filled is None:
        with pytest.raises(NotKnown):
            assert node.filled
    else:
        assert node.filled is filled
