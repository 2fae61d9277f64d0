"""Reading documents: malformed, huge, deep, wrongly typed ones are one clear line, and nothing ever crashes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from anywhere.documents.json import json_locator
from anywhere.documents.patch import apply
from anywhere.documents.pointer import token
from anywhere.documents.yaml import scalar
from anywhere.errors import BadInput, ParseError
from anywhere.model import Status
from anywhere.taskdef.convert import convert
from anywhere.taskdef.fit.needs import need
from anywhere.taskdef.judge import Options, judge
from anywhere.taskdef.modes import findings as advice
from anywhere.taskdef.quantity import cpu_units, memory_mib
from anywhere.taskdef.shapes.table import API, table
from anywhere.taskdef.source.load import NothingHere, link, load
from anywhere.taskdef.source.parse import parse
from anywhere.taskdef.source.yaml_tags import parse_yaml
from tests.taskdef.examples import examples
from tests.taskdef.shapes.strategies import WORDS, document

GOOD = '{"family": "a", "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}]}'
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi")
)
MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{','.join(['*' + old] * 10)}], {new}{new}: 1}}\n" for old, new in zip("abcdefgh", "bcdefghi")
)

BAD = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "cut": (b'{"family": "a", ', "not valid JSON: Expecting property name enclosed in double quotes"),
    "not-utf-8": (b"\xff\xfe\x00", "not UTF-8 text (byte 0)"),
    "nan": (b'{"family": NaN, "containerDefinitions": []}', "NaN is not a JSON number"),
    "huge-number": (b'{"family": 1e999}', "1e999 is out of range"),
    "many-digits": (b'{"family": ' + b"1" * 5000 + b"}", "a number has more than 4300 digits"),
    "deep": (b'{"a":' * 200 + b"1" + b"}" * 200, "nested more than 64 levels deep"),
    "very-deep": (b"[" * 100_000, "nested too deeply"),
    "nothing": (b'{"a": 1}', "holds no task definition"),
    "number": (b"42", "holds no task definition"),
    "plan-containers": (
        b'{"format_version": "1", "resource_changes": [{"address": "aws_ecs_task_definition.a",'
        b' "type": "aws_ecs_task_definition", "change": {"after": {"container_definitions": "[{"}}}]}',
        "container_definitions of aws_ecs_task_definition.a: not valid JSON",
    ),
}
BAD_YAML = {
    "tab": ("a:\n\t- b", "not valid YAML"),
    "two": ("a: 1\n---\nb: 2\n", "more than one YAML document"),
    "bomb": (BOMB, "more than 200,000 values once aliases are followed"),
    "merge-bomb": (MERGE_BOMB, "more than 200,000 values once aliases are followed"),
    "self": ("a: &a [*a]", "an alias contains itself (line 1)"),
    "unknown-alias": ("a: *b", "not valid YAML"),
    "object": ("a: !!python/object/apply:os.system ['true']", "is not data (line 1)"),
    "deep": ("{a: " * 100 + "1" + "}" * 100, "nested more than 64 levels deep"),
    "key": ("? [a, b]\n: c", "a key must be plain text (line 1)"),
    "merge": ("a: {<<: 1}", "only a mapping can be merged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_document_is_one_clear_line(name: str) -> None:
    data, said = BAD[name]
    with pytest.raises(BadInput) as raised:
        load(data, "bad.json")
    assert str(raised.value).startswith("bad.json: ") and said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", BAD_YAML)
def test_bad_yaml_is_one_clear_line(name: str) -> None:
    text, said = BAD_YAML[name]
    with pytest.raises(BadInput) as raised:
        load(text.encode(), "bad.yaml")
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_too_large_is_refused() -> None:
    from anywhere.taskdef.source.parse import MAX_BYTES, MAX_YAML_BYTES

    for size, name in ((MAX_BYTES + 1, "a.json"), (MAX_YAML_BYTES + 1, "a.yaml")):
        with pytest.raises(ParseError, match="larger than"):
            parse(b"a" * size, name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("80", 80),
        ("012345678910", "012345678910"),
        ("0x1F", 31),
        ("022", 18),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("22:22", "22:22"),
        ("2012-10-17", "2012-10-17"),
        ("1e999", "1e999"),
        ("9" * 500, "9" * 500),
    ],
)
def test_plain_scalar_is_as_cloudformation_reads_it(text: str, value: object) -> None:
    assert scalar(text) == value


def test_short_tags_become_their_long_form() -> None:
    value, _ = parse_yaml('a: !Ref B\nb: !GetAtt C.D.E\nc: !Sub "x${Y}"\nd: !If [E, !Ref F, 1]\ne: !Base64 {Ref: G}\n')
    assert value == {
        "a": {"Ref": "B"},
        "b": {"Fn::GetAtt": ["C", "D.E"]},
        "c": {"Fn::Sub": "x${Y}"},
        "d": {"Fn::If": ["E", {"Ref": "F"}, 1]},
        "e": {"Fn::Base64": {"Ref": "G"}},
    }


def test_merge_and_anchor_are_followed() -> None:
    value, _ = parse_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 4}]}\n")
    assert value["b"] == {"x": 1, "y": 3} and value["c"] == {"x": 1, "y": 2, "z": 4}


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
intrinsics = st.sampled_from(
    [{"Ref": "X"}, {"Ref": "AWS::NoValue"}, {"Fn::GetAtt": ["A", "B"]}, {"Fn::If": ["C", {"Ref": "AWS::NoValue"}, "a"]}]
    + [{"Fn::Sub": "${A}.dkr.ecr.${B}/x"}, {"Fn::Join": ["", ["a", {"Ref": "B"}]]}, {"Fn::If": 3}, {"Fn::Sub": {}}]
    + [{"Fn::Ref": "X"}, {"Fn::If": ["C", {"Memory": "x"}, [1]]}, {"Fn::If": ["C", "a", 1]}]
)
LAUNCHES = st.sampled_from(["external", "ec2", "fargate", "managed-instances", "declared"])
ODD = st.none() | values
FIELDS = table(API).shapes["RegisterTaskDefinitionRequest"].fields


@examples(st.binary(max_size=300), st.sampled_from(["a.json", "a.yaml", "a"]))
def test_bytes_never_crash(data: bytes, name: str) -> None:
    try:
        load(data, name)
    except BadInput:
        pass


@examples(st.text(alphabet="ab:-[]{}&*!|>'\"#%,?\n\t <0123~", max_size=80))
def test_yaml_never_crashes(text: str) -> None:
    try:
        parse_yaml(text)
    except ParseError:
        pass


@examples(values)
def test_json_values_and_places_agree(value: Any) -> None:
    for indent in (None, 1):
        text = json.dumps(value, indent=indent, ensure_ascii=False)
        assert parse(text.encode("utf-8", "surrogatepass"), "a.json").value == value if text[0] in "[{" else True
        locate = json_locator(text)
        lines = text.split("\n")
        for pointer, item in _walk(value, ""):
            line, column = locate(pointer)
            shown = json.dumps(pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~"), ensure_ascii=False)
            start = lines[line - 1][column - 1 :]
            assert start.startswith((shown, json.dumps(item, ensure_ascii=False)[:1]))


def _walk(value: Any, pointer: str) -> list[tuple[str, Any]]:
    found = [(pointer, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        found += _walk(below, pointer + token(key))
    return found


@examples(
    document("task-definition", ODD),
    document("service", ODD),
    LAUNCHES,
    st.sampled_from(["", "linux", "windows"]),
)
def test_no_definition_crashes_a_rule(definition: Any, service: Any, launch: str, system: str) -> None:
    if isinstance(definition, dict):
        definition.setdefault("family", "app")
    if isinstance(service, dict):
        service |= {"taskDefinition": "app", "serviceName": "web"}
    _all_the_way([json.dumps([definition, service]).encode()], "a.json", launch, system)


@examples(
    document("task-definition", intrinsics),
    document("service", intrinsics),
    LAUNCHES,
)
def test_no_template_crashes_a_rule(definition: Any, service: Any, launch: str) -> None:
    from anywhere.taskdef.source.cloudformation import template_name
    from anywhere.taskdef.source.content import Place

    place = Place(encode=template_name)
    properties = place.value(service)
    if (
        isinstance(properties, dict)
        and "Ref" not in properties
        and not any(key.startswith("Fn::") for key in properties)
    ):
        properties["TaskDefinition"] = {"Ref": "T"}
    template = {
        "Resources": {
            "T": {"Type": "AWS::ECS::TaskDefinition", "Properties": place.value(definition)},
            "S": {"Type": "AWS::ECS::Service", "Properties": properties},
        }
    }
    _all_the_way([json.dumps(template).encode()], "a.json", launch, "")


def _all_the_way(texts: list[bytes], name: str, launch: str, system: str) -> None:
    """Load, judge, advise, size and convert; patches apply. A document that does not load is a BadInput."""
    try:
        documents = link([load(data, name) for data in texts])
    except BadInput:
        return
    for read in documents:
        for finding in next(judge([read], Options(launch, system))).findings:
            assert finding.status in Status and finding.evidence["line"] >= 1
            if "patch" in finding.evidence:
                apply(read.parsed.value, finding.evidence["patch"])
        for definition in read.content.definitions:
            list(advice(definition, "external", system))
            need(definition, system)
            if isinstance(definition.node.raw, dict):
                json.dumps(convert(definition, system).definition)


@examples(st.text(max_size=15))
def test_amounts_never_crash(text: str) -> None:
    assert cpu_units(text) is None or cpu_units(text) >= 0
    assert memory_mib(text) is None or memory_mib(text) >= 0


def test_other_json_is_told_from_bad_json() -> None:
    with pytest.raises(NothingHere):
        load(b'{"name": "package"}', "package.json")
    assert load(GOOD.encode(), "a.json").content.definitions[0].name == "a"


unknowns = st.recursive(
    st.booleans(), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2), max_leaves=5
)


def snake(value: Any) -> Any:
    """A value with Terraform's names; a block becomes a list of one now and then."""
    if isinstance(value, dict):
        words = {
            "".join("_" + c.lower() if c.isupper() else c for c in key): snake(item) for key, item in value.items()
        }
        return {key: [item] if isinstance(item, dict) and len(key) % 2 else item for key, item in words.items()}
    return [snake(item) for item in value] if isinstance(value, list) else value


@examples(
    document("task-definition", ODD),
    document("service", ODD),
    st.dictionaries(st.sampled_from([*FIELDS, "network_mode", "volume", "container_definitions"]), unknowns),
    st.booleans(),
)
def test_no_plan_crashes_a_rule(definition: Any, service: Any, unknown: Any, as_text: bool) -> None:
    after = snake(definition)
    if isinstance(after, dict) and as_text:
        after["container_definitions"] = json.dumps(after.get("container_definitions"))
    changes = [
        {"address": f"{kind}.x[0]", "type": kind, "change": {"after": value, "after_unknown": unknown}}
        for kind, value in (("aws_ecs_task_definition", after), ("aws_ecs_service", snake(service)))
    ]
    plan = {"format_version": "1.2", "resource_changes": changes, "configuration": {"root_module": snake(service)}}
    _all_the_way([json.dumps(plan).encode()], "plan.json", "external", "")


KINDS = st.sampled_from(
    ["AWS::ECS::TaskDefinition", "AWS::ECS::Service", "AWS::ECS::TaskSet", "AWS::EC2::Subnet"]
    + ["AWS::ElasticLoadBalancingV2::TargetGroup"]
)
resources = st.dictionaries(
    st.sampled_from(["A", "B", "C", "Fn::ForEach::D"]),
    st.fixed_dictionaries({"Type": KINDS | values, "Properties": values | intrinsics}) | values,
)


@examples(resources, st.sampled_from(["external", "ec2", "fargate"]))
def test_no_odd_resource_crashes_a_rule(found: Any, launch: str) -> None:
    service = {
        "TaskDefinition": {"Ref": "A"},
        "LoadBalancers": [{"TargetGroupArn": {"Ref": "B"}}],
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [{"Ref": "C"}]}},
    }
    template = {"Resources": {**found, "S": {"Type": "AWS::ECS::Service", "Properties": service}}}
    _all_the_way([json.dumps(template).encode()], "a.json", launch, "")


@examples(st.dictionaries(st.sampled_from(["resource_changes", "planned_values", "values", "configuration"]), values))
def test_no_odd_plan_crashes(found: Any) -> None:
    _all_the_way([json.dumps({"format_version": "1", **found}).encode()], "plan.json", "external", "")


SHORT_TAGS = """\
Resources:
  Task: &task
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: !Sub '${AWS::StackName}-a', Cpu: '256', Memory: 0512, Tags: [!Ref AWS::NoValue, "b:c"]}
  Other:
    <<: *task
    Condition: yes
    Text: |
      two
      lines
"""


@pytest.mark.parametrize("text", [SHORT_TAGS, "- a\n-\n- {b: ~, c: [1, 2.5, 0x1F]}\n", "plain words", "", "# none\n"])
def test_both_parsers_of_yaml_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml its own parser is used."""
    import yaml

    value, reader = parse_yaml(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    other, other_reader = parse_yaml(text)
    assert other == value
    for pointer in ("/Resources/Other/Text", "/Resources/Task/Properties/Tags/1", "/2/c/0"):
        assert other_reader.locate(pointer) == reader.locate(pointer)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_nesting_ends_before_the_parser_does(text: str) -> None:
    with pytest.raises(ParseError, match="nested more than 64 levels deep"):
        parse_yaml(text)
