"""Conversion: the result passes the check, nothing is lost without a word, order and unknown fields stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anywhere.documents.patch import apply
from anywhere.model import Status
from anywhere.taskdef.convert import Converted, convert
from anywhere.taskdef.draft import CHANGED, DECIDE, DROPPED
from anywhere.taskdef.judge import Options, judge
from anywhere.taskdef.source.load import link, load
from tests.taskdef.test_rules import CASES, RULE_NAMES, as_template, cases_of

WEB: dict[str, Any] = {
    "family": "web",
    "taskRoleArn": "arn:aws:iam::111122223333:role/task",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "ephemeralStorage": {"sizeInGiB": 30},
    "containerDefinitions": [
        {
            "name": "web",
            "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1",
            "portMappings": [{"containerPort": 8080, "name": "http", "appProtocol": "http"}],
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "w"},
            },
        },
        {"name": "envoy", "image": "envoy:1"},
    ],
    "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
    "proxyConfiguration": {"type": "APPMESH", "containerName": "envoy"},
}


def converted(value: Any, name: str = "a.json", **options: str) -> Converted:
    (document,) = link([load(json.dumps(value).encode(), name)])
    return convert(document.content.definitions[0], **options)


def failing(value: Any) -> list[str]:
    (document,) = link([load(json.dumps(value).encode(), "new.json")])
    return [finding.check for finding in next(judge([document], Options())).findings if finding.status is Status.FAIL]


def test_fargate_definition_becomes_one_that_passes() -> None:
    result = converted(WEB)
    new = result.definition
    assert failing(new) == [] and not result.failing
    assert new["networkMode"] == "bridge" and new["requiresCompatibilities"] == ["EXTERNAL"]
    assert new["volumes"][0]["host"] == {"sourcePath": "/mnt/data"}
    assert new["executionRoleArn"] == "arn:aws:iam::111122223333:role/ecsTaskExecutionRole"
    assert "proxyConfiguration" not in new and "ephemeralStorage" not in new


def test_order_of_keys_stays() -> None:
    new = converted(WEB).definition
    assert [key for key in new if key in WEB] == [key for key in WEB if key in new]


def test_unknown_fields_stay_and_are_said_to_fail() -> None:
    result = converted({**WEB, "x-ours": {"keep": [1]}})
    assert result.definition["x-ours"] == {"keep": [1]}
    assert [mark.summary for mark in result.failing] == ['"x-ours" is not a field of RegisterTaskDefinition']


def test_the_mesh_proxy_goes_with_what_waits_for_it() -> None:
    first, envoy = WEB["containerDefinitions"]
    waiting = {**first, "dependsOn": [{"containerName": "envoy", "condition": "HEALTHY"}], "links": ["envoy:e"]}
    result = converted({**WEB, "containerDefinitions": [waiting, envoy]})
    assert [container["name"] for container in result.definition["containerDefinitions"]] == ["web"]
    assert not {"dependsOn", "links"} & set(result.definition["containerDefinitions"][0])
    assert failing(result.definition) == [] and not result.failing


def test_a_proxy_that_is_the_only_container_stays() -> None:
    alone = {**WEB, "containerDefinitions": WEB["containerDefinitions"][1:], "volumes": []}
    assert [c["name"] for c in converted(alone).definition["containerDefinitions"]] == ["envoy"]


def test_nulls_and_wrong_types_are_repaired_and_listed() -> None:
    first, envoy = WEB["containerDefinitions"]
    mapping = {"containerPort": "8080", "hostPort": None}
    value = {
        **WEB,
        "pidMode": None,
        "cpu": 256,
        "containerDefinitions": [{**first, "portMappings": [mapping, None]}, envoy],
    }
    result = converted(value)
    assert not result.failing and failing(result.definition) == []
    assert result.definition["containerDefinitions"][0]["portMappings"] == [{"containerPort": 8080}]
    assert result.definition["cpu"] == "256" and "pidMode" not in result.definition
    nulls = [change.pointer for change in result.changes if change.text.startswith("null")]
    assert sorted(nulls) == [
        "/containerDefinitions/0/portMappings/0/hostPort",
        "/containerDefinitions/0/portMappings/1",
        "/pidMode",
    ]


def test_a_family_is_asked_for_and_given() -> None:
    value = {key: item for key, item in WEB.items() if key != "family"}
    assert [mark.summary for mark in converted(value).failing] == ["family is missing"]
    result = converted(value, family="mine")
    assert result.definition["family"] == "mine" and not result.failing


def test_patch_makes_the_new_of_the_old() -> None:
    result = converted(WEB)
    assert apply(WEB, result.patch) == result.definition


def test_everything_lost_or_open_is_listed() -> None:
    result = converted(WEB)
    kinds: dict[str, list[str]] = {CHANGED: [], DROPPED: [], DECIDE: []}
    for change in result.changes:
        kinds[change.kind].append(f"{change.pointer} {change.text}")
    assert {text.split()[0] for text in kinds[DROPPED]} == {
        "/proxyConfiguration",
        "/ephemeralStorage",
        "/containerDefinitions/1",
    }
    assert len([text for text in kinds[CHANGED] if "volume data: bound to /mnt/data" in text]) == 1
    open_ends = " ".join(kinds[DECIDE])
    for word in ("no load balancer", "/mnt/data on every host", "only the usual name", "security groups"):
        assert word in open_ends
    changed_paths = {operation["path"].split("/")[1] for operation in result.patch}
    for key in WEB:
        assert key in changed_paths or result.definition[key] == WEB[key]


def test_diff_holds_changed_lines_only() -> None:
    lines = converted(WEB).diff.splitlines()
    assert '-  "networkMode": "awsvpc",' in lines and '+  "networkMode": "bridge",' in lines
    assert not [line for line in lines if line.startswith(" ")]


def test_described_definition_can_be_registered_again() -> None:
    described = json.loads((CASES / "documents" / "describe.json").read_text())
    described["taskDefinition"]["networkMode"] = "bridge"
    result = converted(described)
    dropped = {change.pointer for change in result.changes if change.kind == DROPPED}
    assert dropped == {
        "/taskDefinitionArn", "/revision", "/status", "/requiresAttributes", "/compatibilities", "/registeredAt",
        "/registeredBy",
    }  # fmt: skip
    assert result.definition["containerDefinitions"][0]["newField"] == {"keep": ["me"]}
    assert failing(result.definition) == ["taskdef.shape"]  # the field that no model knows


def test_host_mode_and_role_can_be_chosen() -> None:
    new = converted(WEB, mode="host", role="arn:aws:iam::111122223333:role/mine").definition
    assert new["networkMode"] == "host" and new["executionRoleArn"] == "arn:aws:iam::111122223333:role/mine"
    assert failing(new) == []


def test_windows_definition_loses_its_mode() -> None:
    windows = {
        "family": "w",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
        "containerDefinitions": [{"name": "w", "image": "i", "memory": 512}],
    }
    assert "networkMode" not in converted(windows).definition


def test_template_keeps_its_notation_and_intrinsics() -> None:
    (document,) = link([load((CASES / "documents" / "template.yaml").read_bytes(), "template.yaml")])
    result = convert(document.content.definitions[0])
    new = result.definition
    assert new["NetworkMode"] == "bridge" and new["Volumes"] == [{"Name": "data", "Host": {"SourcePath": "/mnt/data"}}]
    assert new["Family"] == {"Fn::Sub": "${AWS::StackName}-web"}
    assert new["ContainerDefinitions"][0]["LogConfiguration"]["Options"]["awslogs-group"] == {"Ref": "Logs"}
    assert failing(new) == []
    assert any("service Service loses its load balancer" in change.text for change in result.changes)


def test_plan_becomes_an_api_definition_with_its_unknowns_listed() -> None:
    (document,) = link([load((CASES / "documents" / "plan.json").read_bytes(), "plan.json")])
    result = convert(document.content.definitions[0])
    assert result.definition["networkMode"] == "bridge" and result.definition["executionRoleArn"]
    assert any(
        c.kind == DECIDE and c.pointer == "/executionRoleArn" and "known after apply" in c.text for c in result.changes
    )
    assert failing(result.definition) == []


def test_what_looks_like_a_placeholder_in_a_plan_stays() -> None:
    """Terraform has filled in what it knows: this is what would be registered, and what is refused."""
    containers = json.dumps([{"name": "c", "image": "nginx:1", "memory": 128, "dockerLabels": {"memory": "<x>"}}])
    values = {"family": "f", "cpu": "<CPU>", "container_definitions": containers}
    resource = {
        "address": "aws_ecs_task_definition.a",
        "type": "aws_ecs_task_definition",
        "name": "a",
        "values": values,
    }
    plan = {"format_version": "1.2", "planned_values": {"root_module": {"resources": [resource]}}}
    (document,) = link([load(json.dumps(plan).encode(), "plan.json")])
    made = convert(document.content.definitions[0]).definition
    assert made["cpu"] == "<CPU>" and made["containerDefinitions"][0]["dockerLabels"] == {"memory": "<x>"}


def test_tags_and_single_blocks_of_a_plan_stay() -> None:
    after = {
        "family": "w",
        "network_mode": "awsvpc",
        "container_definitions": json.dumps([{"name": "a", "image": "i", "memory": 64}]),
        "runtime_platform": [{"cpu_architecture": "X86_64", "operating_system_family": None}],
        "volume": [{"name": "v", "host_path": "/srv", "efs_volume_configuration": []}],
        "tags": {"team": "site", "net-zone": "b"},
        "skip_destroy": False,
    }
    change = {"after": after, "after_unknown": {"arn": True, "tags_all": True, "execution_role_arn": True}}
    address = "module.a.aws_ecs_task_definition.w[0]"
    row = {"address": address, "type": "aws_ecs_task_definition", "change": change}
    result = converted({"format_version": "1.2", "resource_changes": [row]})
    new = result.definition
    assert new["tags"] == [{"key": "team", "value": "site"}, {"key": "net-zone", "value": "b"}]
    assert new["runtimePlatform"] == {"cpuArchitecture": "X86_64"}
    assert new["volumes"] == [{"name": "v", "host": {"sourcePath": "/srv"}}]
    assert not {"arn", "tagsAll", "skipDestroy", "executionRoleArn"} & set(new) and failing(new) == []
    assert [c.pointer for c in result.changes if "known after apply" in c.text] == ["/executionRoleArn"]


def test_each_volume_gets_a_path_of_its_own_and_calls_are_shown_as_written() -> None:
    names = [{"Fn::Sub": "${Stack}-data"}, {"Fn::Sub": "${Stack}-logs"}, {"Ref": "A"}, {"Ref": "B"}, "a b", "a-b"]
    volumes = [{"Name": name, "EFSVolumeConfiguration": {"FilesystemId": "fs-1"}} for name in names]
    mappings = [{"ContainerPort": 80, "HostPort": {"Ref": "Port"}}]
    container = {"Name": {"Ref": "Name"}, "Image": "i", "Memory": 64, "PortMappings": mappings}
    template = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}}
    template["Properties"] |= {"Family": "f", "Volumes": volumes}
    result = converted({"Resources": {"Task": template}})
    paths = [volume["Host"]["SourcePath"] for volume in result.definition["Volumes"]]
    assert paths == ["/mnt/data", "/mnt/logs", "/mnt/volume-2", "/mnt/volume-3", "/mnt/a-b", "/mnt/a-b-5"]
    said = "\n".join(change.text for change in result.changes)
    assert 'volume {"Fn::Sub": "${Stack}-logs"}: bound to /mnt/logs' in said
    assert 'traffic to {"Ref": "Name"}' in said and 'host ports {"Ref": "Port"}, some' in said and "Unknown" not in said


@pytest.mark.parametrize(
    ("image", "role", "partition"),
    [
        ("nginx", "arn:aws-us-gov:iam::111122223333:role/t", "aws-us-gov"),
        ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/a", "", "aws-cn"),
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/a", "", "aws"),
        ("my-site-front-1/a", "", "aws"),
    ],
)
def test_a_made_up_role_is_in_the_partition_of_the_definition(image: str, role: str, partition: str) -> None:
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}
    container = {"name": "a", "image": image, "memory": 64, "logConfiguration": log}
    value = {"family": "f", "containerDefinitions": [container]} | ({"taskRoleArn": role} if role else {})
    arn = converted(value).definition["executionRoleArn"]
    assert arn.startswith(f"arn:{partition}:iam::") and arn.endswith(":role/ecsTaskExecutionRole")


def test_what_stays_undecided_is_listed_once_for_each_value() -> None:
    absent = {"Ref": "AWS::NoValue"}
    proxy = {"Fn::If": ["Mesh", {"Type": "APPMESH", "ContainerName": "envoy"}, absent]}
    envoy = {"Fn::If": ["Mesh", {"Name": "envoy", "Image": "envoy", "Memory": 64}, absent]}
    containers = [{"Name": "app", "Image": "nginx", "Memory": 64}, envoy]
    properties = {"Family": "f", "NetworkMode": {"Ref": "Mode"}, "ProxyConfiguration": proxy}
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {**properties, "ContainerDefinitions": containers}}
    result = converted({"Resources": {"Task": task}})
    found = [(change.pointer, change.text) for change in result.changes if change.kind == DECIDE]
    assert ("/ProxyConfiguration", "not checked (App Mesh proxy): not known before deployment: Fn::If") in found
    pointers = [pointer for pointer, _ in found]
    assert sorted(pointers) == ["/ContainerDefinitions/1", "/NetworkMode", "/ProxyConfiguration"]


def test_a_volume_that_no_source_speaks_of_is_left_to_decide() -> None:
    volume = {
        "name": "s",
        "s3filesVolumeConfiguration": {"fileSystemArn": "arn:aws:s3files:eu-west-1:1:file-system/fs-1"},
    }
    role = "arn:aws:iam::111122223333:role/t"
    container = {"name": "a", "image": "i", "memory": 64}
    result = converted({"family": "f", "taskRoleArn": role, "containerDefinitions": [container], "volumes": [volume]})
    (change,) = [change for change in result.changes if change.pointer == "/volumes/0"]
    assert change.kind == DECIDE and "no source says whether S3 Files volumes work" in change.text


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_each_case_converts_to_what_passes_or_says_what_is_left(rule: str) -> None:
    for path in cases_of(rule):
        case = json.loads(path.read_text())
        value = case["document"]
        if isinstance(value, dict) and "containerDefinitions" not in value and "Resources" not in value:
            continue  # no definition in it
        for form in (value, as_template(value)) if "Resources" not in value else (value,):
            result = converted(form, os=case.get("os", ""))
            new = result.definition
            left = [f for f in failing(new) if f.startswith("taskdef.")] if not case.get("os") else []
            assert bool(left) <= bool(result.failing), path
            if "containerDefinitions" in form:
                assert apply(form, result.patch) == new, path


def decisions(value: Any) -> list[str]:
    return [change.text for change in converted(value).changes if change.kind == DECIDE]


def test_windows_containers_lose_localhost_too() -> None:
    containers = [{"name": name, "image": "i", "memory": 512} for name in ("a", "b")]
    windows = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE", "cpuArchitecture": "X86_64"}
    value = WEB | {"containerDefinitions": containers, "runtimePlatform": windows, "volumes": [], "cpu": "1024"}
    assert any("no longer reach each other on localhost: use the ports" in text for text in decisions(value))


def test_the_processor_of_fargate_is_said_where_the_definition_is_silent() -> None:
    said = "Fargate ran this on X86_64"
    assert any(text.startswith(said) for text in decisions(WEB))
    arm = WEB | {"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}}
    assert not any(text.startswith(said) for text in decisions(arm))
    assert not any(text.startswith(said) for text in decisions(WEB | {"requiresCompatibilities": ["EC2"]}))


def test_everything_that_a_service_loses_is_listed() -> None:
    service = {
        "serviceName": "s",
        "taskDefinition": "web",
        "desiredCount": 1,
        "launchType": "FARGATE",
        "availabilityZoneRebalancing": "ENABLED",
        "deploymentController": {"type": "CODE_DEPLOY"},
        "healthCheckGracePeriodSeconds": 30,
    }
    (document,) = link([load(json.dumps([WEB, service]).encode(), "a.json")])
    texts = [change.text for change in convert(document.content.definitions[0]).changes if change.kind == DECIDE]
    for word in ("launchType EXTERNAL", "controller ECS", "availabilityZoneRebalancing DISABLED", "grace period"):
        assert any(word in text for text in texts), word
