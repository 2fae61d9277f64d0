"""Files that are no document: what a person has to do is said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anywhere.errors import BadInput
from anywhere.flows.documents import read_documents
from anywhere.model import Status
from anywhere.taskdef.judge import Options, judge
from anywhere.taskdef.source.load import load

TEXT = '{"family": "a", "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}]}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("// a comment\n" + TEXT, "JSON has no comments: take it out (line 1, column 1)"),
        (TEXT.replace('"i",', '"i", /* why */'), "JSON has no comments: take it out"),
        (TEXT.replace("64}", "64,}"), "a comma before }: take it out"),
        (TEXT.replace("}]", "},]"), "a comma before ]: take it out"),
        (TEXT.replace('"i",', '"i"'), "Expecting ',' delimiter"),
    ],
)
def test_what_editors_take_and_json_does_not_is_named(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=r"^a\.json: not valid JSON: ") as raised:
        load(text.encode(), "a.json")
    assert said in str(raised.value)


def test_a_file_in_utf_16_is_named_and_never_passed_over(tmp_path: Path) -> None:
    """Windows PowerShell's redirection writes it, and the AWS CLI does not read it."""
    (tmp_path / "a.json").write_bytes(TEXT.encode("utf-16"))
    (tmp_path / "b.json").write_bytes('{"other": 1}'.encode("utf-16"))
    (problem,) = read_documents([str(tmp_path)], ignore_others=True).problems
    assert problem == f"{tmp_path}/a.json: UTF-16 text, as Windows PowerShell writes it: save it as UTF-8"


def test_a_json_file_with_a_comment_in_front_is_never_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("// a comment\n" + TEXT)
    (problem,) = read_documents([str(tmp_path)], ignore_others=True).problems
    assert "JSON has no comments" in problem


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("main.tf", 'resource "aws_ecs_task_definition" "a" {}', "is Terraform's source"),
        (
            "all.tf",
            'terraform {\n  a = "b"\n}\nresource "aws_ecs_service" "a" {\n  b = [1]\n}\n',
            "is Terraform's source",
        ),
        ("task.jsonnet", "local a = 1;\n{ family: 'x', containerDefinitions: [] }\n", "is Jsonnet's source"),
        ("task.json.j2", '{"family": "x", "containerDefinitions": {{ containers }}}', "is a template of another tool"),
        ("described.json", json.dumps({"daemonTaskDefinition": {"family": "x"}}), "a daemon task definition"),
        ("daemon.yaml", "Resources:\n  A:\n    Type: AWS::ECS::DaemonTaskDefinition\n", "a daemon task definition"),
        (
            "t.tfstate",
            json.dumps({"terraform_version": "1.9.0", "lineage": "a", "resources": []}),
            "is Terraform's own state",
        ),
        ("compose.yaml", "services:\n  web:\n    image: nginx\n", "is a Compose file"),
        ("other.yaml", "services:\n  web: 1\n", "holds no task definition"),
    ],
)
def test_what_a_tool_has_to_render_first_is_named(name: str, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load(text.encode(), name)


def test_a_service_without_its_name_is_read_as_ecspresso_writes_it() -> None:
    """Name and definition are in another file of that tool."""
    settings = {"deploymentConfiguration": {"maximumPercent": 50}, "desiredCount": 1, "launchType": "EXTERNAL"}
    (target,) = judge([load(json.dumps(settings).encode(), "ecs-service-def.json")], Options())
    found = [(f.check, f.summary) for f in target.findings if f.status in (Status.FAIL, Status.WARN)]
    assert found == [("service.deployment", "maximumPercent is 50, and is at least 100")]


def test_a_request_to_update_a_service_names_no_definition() -> None:
    (service,) = load(b'{"service": "web", "cluster": "c", "desiredCount": 2}', "update.json").content.services
    assert service.kind == "service" and not service.takes("launchType")


def test_steps_of_a_deployment_are_read_from_a_plan() -> None:
    steps = {"strategy": "CANARY", "canary_configuration": [{"canary_percent": 0}], "linear_configuration": []}
    after = {"name": "web", "launch_type": "EXTERNAL", "desired_count": 1, "deployment_configuration": [steps]}
    change = {"address": "aws_ecs_service.web", "type": "aws_ecs_service", "change": {"after": after}}
    plan = {"format_version": "1.2", "resource_changes": [change]}
    (target,) = judge([load(json.dumps(plan).encode(), "plan.json")], Options())
    assert "canaryPercent is 0, and is 0.1 to 100" in [f.summary for f in target.findings]
