"""ECS's own filter: what a definition's fields require, against what an agent registers by its settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anywhere.facts.agents.agents import INTROSPECTION
from anywhere.facts.agents.docker import INFO, VERSION
from anywhere.facts.capacity import HostCapacity, capacity, parse_instances
from anywhere.hosts.base import HttpFacts, Inventory, Probe, ProbeSpec
from anywhere.model import Stage
from anywhere.taskdef.fit.fit import Answer, Wish, fit
from anywhere.taskdef.fit.needs import need
from anywhere.taskdef.query import QueryError, compare, evaluate, parse
from anywhere.taskdef.source.load import link, load
from tests.support.fakehost import FakeHost

ARN = "arn:aws:ecs:eu-west-1:111122223333:container-instance/c/0123"


class Registered(FakeHost):
    """A host whose agent's introspection answers."""

    def probe(self, spec: ProbeSpec) -> Probe:
        body = json.dumps({"Cluster": "c", "ContainerInstanceArn": ARN, "Version": "Amazon ECS Agent - v1.105.1 (*a)"})
        return Probe(spec, Stage.DONE, http=HttpFacts(200, body=body)) if spec == INTROSPECTION else super().probe(spec)


def host(config: str = "", **kept: Any) -> HostCapacity:
    version = {"Client": {}, "Server": {"Version": "27.5.1", "ApiVersion": "1.47", "Os": "linux", "Arch": "amd64"}}
    info = {"NCPU": 2, "MemTotal": 8 << 30, "Architecture": "x86_64", "OSType": "linux"}
    return capacity(
        Registered(
            files={"/etc/ecs/ecs.config": config},
            commands={INFO: json.dumps(info), VERSION: json.dumps(version), ("uname", "-m"): "x86_64\n"},
            found=Inventory(memory_total=8 << 30, cpus=2, is_root=True),
        )
    )


def answer(
    on: HostCapacity, container: dict[str, Any] | None = None, service: dict[str, Any] | None = None, **task: Any
) -> Answer:
    app = {"name": "app", "image": "nginx:1.27", "memory": 128, **(container or {})}
    documents = [{"family": "app", "containerDefinitions": [app], **task}]
    documents += [{"serviceName": "app", "taskDefinition": "app", "desiredCount": 1, **service}] if service else []
    (first, *_) = link([load(json.dumps(one).encode(), f"{at}.json") for at, one in enumerate(documents)])
    return fit([Wish(need(first.content.definitions[0]), 1)], [on]).answers[0]


ROLE = {"executionRoleArn": "arn:aws:iam::111122223333:role/x"}
SECRET = {"secrets": [{"name": "A", "valueFrom": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a"}]}


@pytest.mark.parametrize(
    ("container", "task", "config"),
    [
        ({}, {}, ""),
        ({"logConfiguration": {"logDriver": "awslogs"}, **SECRET}, ROLE, ""),
        ({"privileged": True, "healthCheck": {"command": ["CMD", "x"]}}, {"pidMode": "task"}, ""),
        ({"dockerSecurityOptions": ["apparmor:docker-default"]}, {}, "ECS_APPARMOR_CAPABLE=true\n"),
        ({"dockerSecurityOptions": ["label:type:x"]}, {}, "ECS_SELINUX_CAPABLE=true\n"),
        ({"dockerSecurityOptions": ["no-new-privileges"]}, {}, "ECS_SELINUX_CAPABLE=1\n"),
        ({"logConfiguration": {"logDriver": "gelf"}}, {}, 'ECS_AVAILABLE_LOGGING_DRIVERS=["gelf"]\n'),
        ({}, {"taskRoleArn": "app", "networkMode": "host"}, ""),
        ({}, {"placementConstraints": [{"expression": "attribute:rack == r1"}]}, 'ECS_INSTANCE_ATTRIBUTES={"rack": "r1"}\n'),
        ({}, {"placementConstraints": [{"expression": "attribute:ecs.os-type == linux and attribute:ecs.vpc-id !exists"}]}, ""),
        ({}, {"runtimePlatform": {"cpuArchitecture": "X86_64"}}, ""),
        ({"firelensConfiguration": {"type": "fluentbit"}}, {}, ""),
        ({}, {"volumes": [{"name": "v", "dockerVolumeConfiguration": {"scope": "task"}}]}, ""),
    ],
)  # fmt: skip
def test_placed_where_the_agent_has_what_it_takes(container: Any, task: Any, config: str) -> None:
    found = answer(host(config), container, **task)
    assert found.placed == {"fake": 1}, (found.lacking, found.open)


@pytest.mark.parametrize(
    ("container", "task", "config", "reason"),
    [
        ({}, {"networkMode": "awsvpc"}, "", "attribute ecs.capability.task-eni: external instances never have it"),
        ({"dockerSecurityOptions": ["apparmor:x"]}, {}, "", "it comes with ECS_APPARMOR_CAPABLE"),
        ({"dockerSecurityOptions": ["label:x"]}, {}, "ECS_APPARMOR_CAPABLE=true\n", "it comes with ECS_SELINUX_CAPABLE"),
        ({"dockerSecurityOptions": ["no-new-privileges"]}, {}, "", "ECS_SELINUX_CAPABLE or ECS_APPARMOR_CAPABLE"),
        ({"logConfiguration": {"logDriver": "gelf"}}, {}, "", "log driver gelf is not enabled"),
        ({"privileged": True}, {}, "ECS_DISABLE_PRIVILEGED=true\n", "ECS_DISABLE_PRIVILEGED not being true"),
        ({"healthCheck": {"command": ["CMD", "x"]}}, {}, "ECS_DISABLE_DOCKER_HEALTH_CHECK=true\n", "container-health-check"),
        ({}, {"taskRoleArn": "app"}, "ECS_ENABLE_TASK_IAM_ROLE=false\n", "comes with ECS_ENABLE_TASK_IAM_ROLE"),
        ({}, {"volumes": [{"name": "e", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}, "", "EFS volumes"),
        ({}, {"volumes": [{"name": "e", "configuredAtLaunch": True}]}, "", "ebs-task-volume-attach: external instances never"),
        ({}, {"enableFaultInjection": True}, "", "fault-injection: external instances never have it"),
        ({}, {"runtimePlatform": {"cpuArchitecture": "ARM64"}}, "", "architecture: needs arm64, is x86_64"),
        ({}, {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "", "operating system: needs windows"),
        ({"resourceRequirements": [{"type": "GPU", "value": "1"}]}, {}, "ECS_CLUSTER=c\n", "GPU: needs 1, has 0"),
        ({}, {"placementConstraints": [{"expression": "attribute:rack == r1"}]}, 'ECS_INSTANCE_ATTRIBUTES={"rack":"2"}\n', "2"),
        ({}, {"placementConstraints": [{"expression": "attribute:ecs.instance-type =~ t3.*"}]}, "", "has no attribute"),
    ],
)  # fmt: skip
def test_not_placed_where_it_lacks_something_and_the_reason_is_given(
    container: Any, task: Any, config: str, reason: str
) -> None:
    found = answer(host(config), container, **task)
    assert not found.placed and any(reason in text for text in found.lacking["fake"]), found.lacking


@pytest.mark.parametrize(
    ("container", "task", "service", "reason"),
    [
        ({}, {"placementConstraints": [{"expression": "attribute:rack == r1"}]}, None, "attribute:rack == r1: not known"),
        ({}, {}, {"enableExecuteCommand": True}, "execute-command: not known"),
        ({}, {"volumes": [{"name": "v", "dockerVolumeConfiguration": {"driver": "rexray"}}]}, None, "docker-plugin.rexray"),
        ({}, {"placementConstraints": [{"expression": "task:group == service:a"}]}, None, "task:group"),
    ],
)  # fmt: skip
def test_not_known_is_not_placed(container: Any, task: Any, service: Any, reason: str) -> None:
    found = answer(host(), container, service, **task)
    assert not found.placed and any(reason in text for text in found.open["fake"]), found


def test_nothing_goes_to_a_host_without_docker_or_agent() -> None:
    bare = capacity(FakeHost(found=Inventory(memory_total=8 << 30, cpus=2)))
    assert answer(bare).lacking == {"fake": ("docker is not installed", "no registered ECS agent runs")}


def test_a_described_instance_has_what_is_listed_and_nothing_else() -> None:
    attributes = [{"name": "ecs.capability.external"}, {"name": "ecs.os-type", "value": "linux"}]
    item = {
        "ec2InstanceId": "mi-1",
        "remainingResources": [{"name": "CPU", "integerValue": 2048}],
        "attributes": attributes,
    }
    item["remainingResources"].append({"name": "MEMORY", "integerValue": 4096})
    (plain,) = parse_instances(json.dumps({"containerInstances": [item]}))
    assert answer(plain).placed == {"mi-1": 1}
    assert answer(plain, {"privileged": True}).lacking["mi-1"]
    (drained,) = parse_instances(json.dumps({"containerInstances": [{**item, "status": "DRAINING"}]}))
    assert answer(drained).lacking == {"mi-1": ("the instance is DRAINING",)}


VALUES = {"rack": "r2", "ecs.instance-type": "t3.micro", "size": "10"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("attribute:rack == r2", True),
        ("attribute:rack equals 'r2'", True),
        ("attribute:rack != r1", True),
        ("attribute:rack in [r1, r2]", True),
        ("attribute:rack not_in [r1,r2]", False),
        ("attribute:rack exists and attribute:zone !exists", True),
        ("attribute:ecs.instance-type =~ t3.*", True),
        ("attribute:ecs.instance-type !~ (t2|t3).*", False),
        ("attribute:size > 9", True),
        ("attribute:size <= 9", False),
        ("not (attribute:rack == r2)", False),
        ("attribute:zone == a or attribute:rack == r2", True),
        ("attribute:open == a", None),
        ("attribute:open == a and attribute:rack == r1", False),
        ("attribute:open == a || attribute:rack == r2", True),
        ("!(attribute:open exists)", None),
    ],
)
def test_constraints_hold_as_ecs_reads_them(text: str, holds: bool | None) -> None:
    found = evaluate(parse(text), lambda test: compare(test, VALUES, lambda name: name != "open"))
    assert found is holds


@pytest.mark.parametrize(
    "text",
    ["", "rack == r1", "attribute:rack = r1", "attribute:rack", "attribute:rack ==", "attribute:rack in (a)",
     "(agentConnected == true",
     "attribute:rack == r1 r2", "attribute:rack in [a,]", "and", "attribute:a == b and", "not", "x" * 2001],
)  # fmt: skip
def test_other_text_is_no_expression(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)
