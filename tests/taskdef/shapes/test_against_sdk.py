"""The verdict on shapes is that of AWS's own SDK: botocore's validator, over documents made from the tables."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import strategies as st

from anywhere.model import Status
from anywhere.taskdef.judge import DECLARED, Options, judge
from anywhere.taskdef.shapes.faults import ENUM, LOOSE, MISSING, NULL, PATTERN, RANGE, TYPE, UNKNOWN, Reading, faults
from anywhere.taskdef.shapes.table import API, CLOUDFORMATION, table
from anywhere.taskdef.source.load import load
from tests.taskdef.examples import examples
from tests.taskdef.shapes.strategies import JSON, document
from tests.tools.shapes import BOTOCORE, OPERATIONS

botocore = pytest.importorskip("botocore", BOTOCORE)
KINDS = sorted(OPERATIONS)


@cache
def sdk() -> Any:
    import botocore.loaders
    import botocore.model

    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model("ecs", "service-2"))


def refused(kind: str, value: Any) -> list[str]:
    """What the SDK says of a request, a text each; values in them may have several lines."""
    import botocore.validate

    shape = sdk().operation_model(OPERATIONS[kind]).input_shape
    report = botocore.validate.ParamValidator().validate(value, shape)
    return [report._format_error(error) for error in report._errors]


def ours(kind: str, value: Any) -> list[str]:
    root = table(API).root(kind)
    assert root is not None
    return [fault.kind for fault in faults(value, root, Reading(table(API)))]


@examples(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), document(kind, JSON))), few=50)
def test_the_sdk_refuses_what_is_refused_here(made: tuple[str, Any]) -> None:
    kind, value = made
    value = json.loads(json.dumps(value))
    said, found = refused(kind, value), ours(kind, value)
    # The SDK looks at no enumeration, maximum or pattern, and takes flags and large numbers; ECS itself does.
    strict = [fault for fault in found if fault in (UNKNOWN, MISSING, TYPE, NULL)]
    least = [line for line in said if "valid min" in line]
    assert bool(strict) == (len(said) > len(least)), (said, found)
    assert len(strict) == len(said) - len(least)
    assert len(least) <= found.count(RANGE)


@examples(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), document(kind))))
def test_a_legal_document_has_no_fault(made: tuple[str, Any]) -> None:
    kind, value = made
    assert refused(kind, value) == [] and ours(kind, value) == []


def test_every_enumeration_range_and_pattern_is_the_model_s() -> None:
    service = sdk()
    for name, shape in table(API).shapes.items():
        if name in service.shape_names:
            model = service.shape_for(name)
            assert list(shape.enum) == list(model.metadata.get("enum", []))
            assert (shape.least, shape.most) == (model.metadata.get("min"), model.metadata.get("max"))
            assert bool(shape.pattern) == ("pattern" in service._service_description["shapes"][name])


def test_tables_are_what_the_generator_makes() -> None:
    from tests.tools import shapes

    assert (shapes.DATA / "api.json").read_text() == shapes._text(shapes.api())
    assert table(CLOUDFORMATION).source == f"cfn-lint {shapes.CFN_LINT}, us-east-1"


@pytest.mark.parametrize("name", sorted(n for n, s in table(API).shapes.items() if s.enum))
def test_each_enumeration_takes_its_values_and_no_other(name: str) -> None:
    shape, reading = table(API).shapes[name], Reading(table(API))
    for value in shape.enum:
        assert not list(faults(value, shape, reading))
    (fault,) = faults("nothing-of-these", shape, reading)
    assert fault.kind == ENUM
    (fault,) = faults(shape.enum[0].lower().replace("_", "-") + "-", shape, reading)
    assert fault.kind == ENUM


def test_all_faults_of_a_file_are_reported_at_once_and_the_rest_is_judged() -> None:
    value = {
        "networkmode": "awsvpc",
        "cpu": 256,
        "pidMode": None,
        "requiresCompatibilities": ["EXTERNAL"],
        "containerDefinitions": [
            {"name": "a", "image": "i", "memory": "64", "portMappings": [{"containerPort": 80, "hostPort": 22}]},
            {"name": "b", "image": "i", "memory": 64, "privilegd": True, "dependsOn": [{"containerName": "x"}]},
        ],
        "volumes": "none",
    }
    (target,) = judge([load(json.dumps(value).encode(), "a.json")], Options(DECLARED))
    fails = {(f.check, f.evidence["pointer"]) for f in target.findings if f.status is Status.FAIL}
    container = "/containerDefinitions"
    assert fails == {
        ("taskdef.shape", ""),
        ("taskdef.shape", "/networkmode"),
        ("taskdef.shape", "/cpu"),
        ("taskdef.shape", "/pidMode"),
        ("taskdef.shape", f"{container}/0/memory"),
        ("taskdef.shape", f"{container}/1/privilegd"),
        ("taskdef.shape", f"{container}/1/dependsOn/0"),
        ("taskdef.shape", "/volumes"),
        ("taskdef.port-reserved", f"{container}/0/portMappings/0/hostPort"),
        ("taskdef.containers", f"{container}/1/dependsOn/0/containerName"),
    }


def test_a_flag_and_a_large_number_are_warned_of_as_numbers() -> None:
    shape, reading = table(API).shapes["integer"], Reading(table(API))
    assert [fault.kind for value in (True, 2**31, -(2**31) - 1) for fault in faults(value, shape, reading)] == [
        LOOSE
    ] * 3
    assert not list(faults(2**31 - 1, shape, reading))


def test_a_pattern_is_held() -> None:
    shape, reading = table(API).shapes["TagKey"], Reading(table(API))
    assert [fault.kind for fault in faults("a;b", shape, reading)] == [PATTERN]
    assert not list(faults("Größe/1 _.:=+-@", shape, reading)) and not list(faults("<KEY;>", shape, reading))
