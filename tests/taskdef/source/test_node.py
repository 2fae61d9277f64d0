"""Nodes: what is sure of a list whose elements hang on conditions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anywhere.taskdef.judge import Options, judge
from anywhere.taskdef.source.load import link, load
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


@pytest.mark.parametrize("raw", ["x", ["x"], {"a": 1}, True, "1e999", "nan"])
def test_what_is_no_number_is_not_known(raw: object) -> None:
    with pytest.raises(NotKnown) as raised:
        Node(raw).number()
    assert raised.value.why == ""


def test_a_count_that_cloudformation_does_not_have_is_one_finding() -> None:
    service = {"Type": "AWS::ECS::Service", "Properties": {"LaunchType": "EXTERNAL", "Count": ["x"]}}
    (document,) = link([load(json.dumps({"Resources": {"S": service}}).encode(), "a.json")])
    found = [f for f in next(judge([document], Options())).findings if f.status == "fail"]
    assert [(f.check, f.evidence["pointer"]) for f in found] == [("service.shape", "/Resources/S/Properties/Count")]
