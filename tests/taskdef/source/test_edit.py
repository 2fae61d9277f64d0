"""A patch in the text of a document: the value is that of the patch, and everything else stays to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anywhere.documents.edit import edit
from anywhere.documents.patch import PatchError, apply
from anywhere.taskdef.source.parse import parse

YAML = """\
# A stack.
Parameters:
  Env: {Type: String, Default: test}   # one line
Resources:
  Task: # the task
    Type: AWS::ECS::TaskDefinition
    Properties:
      # its family
      Family: !Sub '${Env}-web'
      NetworkMode: awsvpc   # to be changed
      RequiresCompatibilities:
        - FARGATE
      Cpu: 256
      ContainerDefinitions:
        - Name: web
          Image: !Ref Image
          Command: |
            echo a
            echo b
          PortMappings: [{ContainerPort: 80, HostPort: 80}, {ContainerPort: 81}]
        - {Name: envoy, Image: x}
  Bucket:
    Type: AWS::S3::Bucket
"""
AT = "/Resources/Task/Properties"
OPERATIONS: list[dict[str, Any]] = [
    {"op": "replace", "path": f"{AT}/NetworkMode", "value": "bridge"},
    {"op": "replace", "path": f"{AT}/RequiresCompatibilities", "value": ["EXTERNAL"]},
    {"op": "remove", "path": f"{AT}/Cpu"},
    {"op": "remove", "path": f"{AT}/Family"},
    {"op": "remove", "path": f"{AT}/ContainerDefinitions/1"},
    {"op": "remove", "path": f"{AT}/ContainerDefinitions/0/Name"},
    {"op": "remove", "path": f"{AT}/ContainerDefinitions/0/PortMappings/0/HostPort"},
    {"op": "remove", "path": f"{AT}/ContainerDefinitions/0/Command"},
    {"op": "add", "path": f"{AT}/ExecutionRoleArn", "value": "arn"},
    {"op": "add", "path": f"{AT}/ContainerDefinitions/0/Essential", "value": True},
    {"op": "add", "path": f"{AT}/ContainerDefinitions/-", "value": {"Name": "z"}},
    {"op": "add", "path": f"{AT}/ContainerDefinitions/0", "value": {"Name": "y"}},
    {"op": "add", "path": f"{AT}/ContainerDefinitions/0/PortMappings/-", "value": {"ContainerPort": 5}},
    {"op": "remove", "path": f"{AT}/RequiresCompatibilities/0"},
]


def value_of(text: str) -> Any:
    return parse(text.encode(), "a.json" if text[0] == "{" else "a.yaml").value


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one['op']}{one['path'].removeprefix(AT)}")
@pytest.mark.parametrize("text", [YAML, json.dumps(value_of(YAML)), json.dumps(value_of(YAML), indent=2)])
def test_one_operation_gives_the_value_of_the_patch(text: str, operation: dict[str, Any]) -> None:
    changed = edit(text, text[0] == "{", [operation])
    assert value_of(changed) == apply(value_of(text), [operation])
    if text is YAML:
        kept = [line for line in text.splitlines() if line not in changed.splitlines()]
        assert "# A stack." in changed and "# the task" in changed and "!Ref Image" in changed and len(kept) <= 4


@pytest.mark.parametrize("path", ["/none/here", f"{AT}/ContainerDefinitions/7"])
def test_a_place_that_is_not_there_is_an_error(path: str) -> None:
    with pytest.raises(PatchError):
        edit(YAML, False, [{"op": "remove", "path": path}])
