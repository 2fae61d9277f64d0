"""The launch types that a document names: nothing is guessed, and what cannot be known is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anywhere.model import Finding, Status
from anywhere.taskdef.judge import DECLARED, Options, judge
from anywhere.taskdef.source.load import link, load
from tests.taskdef.test_rules import RULE_CASES

PLAIN = {"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx:1.27", "memory": 128}]}
NETWORK = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}


def judged(*values: Any) -> list[Finding]:
    documents = link([load(json.dumps(value).encode(), f"{at}.json") for at, value in enumerate(values)])
    return [finding for target in judge(documents, Options(DECLARED)) for finding in target.findings]


def launches(*values: Any, prefix: str = "service.") -> set[str]:
    return {str(f.evidence["launch_type"]) for f in judged(*values) if f.check.startswith(prefix)}


def service(**kept: Any) -> dict[str, Any]:
    return {"serviceName": "web", "taskDefinition": "web", **NETWORK, **kept}


def strategy(*names: Any) -> dict[str, Any]:
    return {"capacityProviderStrategy": [{"capacityProvider": name} for name in names]}


@pytest.mark.parametrize(
    ("kept", "launch"),
    [
        ({"launchType": "FARGATE"}, {"fargate"}),
        ({"launchType": "EXTERNAL"}, {"external"}),
        ({"launchType": "MANAGED_INSTANCES"}, {"managed-instances"}),
        (strategy("FARGATE", "FARGATE_SPOT"), {"fargate"}),
        (strategy("our-hosts"), {"ec2"}),
        ({}, {"not known"}),
    ],
)
def test_service_names_its_launch_type(kept: dict[str, Any], launch: set[str]) -> None:
    assert launches(service(**kept)) == launch


def test_definition_decides_where_the_service_does_not() -> None:
    definition = {
        **PLAIN,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
    }
    assert launches(definition, service()) == {"fargate"}
    managed = {**PLAIN, "requiresCompatibilities": ["MANAGED_INSTANCES"]}
    assert launches(managed, service(**strategy("ours"))) == {"managed-instances"}


def template(**properties: Any) -> dict[str, Any]:
    resources = {
        "S": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": "web", **properties}},
        "Own": {"Type": "AWS::ECS::CapacityProvider", "Properties": {"ManagedInstancesProvider": {}}},
    }
    return {"Parameters": {"P": {"Type": "String", "Default": "FARGATE"}}, "Resources": resources}


def test_a_parameter_with_a_default_is_not_known() -> None:
    assert launches(template(LaunchType={"Ref": "P"})) == {"not known"}
    assert launches(template(CapacityProviderStrategy=[{"CapacityProvider": {"Ref": "P"}}])) == {"not known"}
    assert launches(template(CapacityProviderStrategy=[{"CapacityProvider": {"Ref": "Own"}}])) == {"managed-instances"}


def test_without_a_launch_type_only_what_no_launch_type_takes_fails() -> None:
    found = judged({**PLAIN, "networkMode": "awsvpc"})
    assert not [f for f in found if f.status is Status.FAIL]
    (decides,) = [f for f in found if f.status is Status.SKIP]
    assert decides.check == "taskdef.compatibility" and "--launch-type" in decides.summary
    twice = {**PLAIN, "containerDefinitions": PLAIN["containerDefinitions"] * 2}
    assert [f.summary for f in judged(twice) if f.status is Status.FAIL] == ["a second container is named web"]


def test_a_finding_that_holds_for_two_launch_types_is_one() -> None:
    both = {**PLAIN, "requiresCompatibilities": ["EC2", "EXTERNAL"], "executionRoleArn": "no role"}
    (finding,) = [f for f in judged(both) if f.check == "taskdef.role-arn" and f.status is Status.FAIL]
    assert finding.evidence["launch_type"] == "external, ec2"


def test_a_task_set_spells_its_network_in_its_own_way() -> None:
    def task_set(name: str) -> dict[str, Any]:
        network = {name: {"Subnets": ["subnet-1"]}}
        properties = {"Cluster": "c", "Service": "s", "TaskDefinition": "w", "LaunchType": "FARGATE"}
        resource = {"Type": "AWS::ECS::TaskSet", "Properties": {**properties, "NetworkConfiguration": network}}
        return {"Resources": {"T": resource}}

    assert not [f for f in judged(task_set("AwsVpcConfiguration")) if f.status is Status.FAIL]
    fails = [f.summary for f in judged(task_set("AwsvpcConfiguration")) if f.status is Status.FAIL]
    assert fails == ['"AwsvpcConfiguration" is not a field of NetworkConfiguration: did you mean AwsVpcConfiguration?']


@pytest.mark.parametrize("name", ["Fn::Ref", "Fn::ref"])
def test_a_function_that_there_is_not_is_reported(name: str) -> None:
    properties = {"Family": {name: "X"}, "ContainerDefinitions": [{"Name": "a", "Image": "b", "Memory": 64}]}
    found = judged({"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}})
    assert [f.summary for f in found if f.status is Status.FAIL] == [
        f"{name} is not a function of CloudFormation: write Ref"
    ]


def test_no_legal_example_fails_for_the_launch_type_that_it_declares() -> None:
    """Every case of the corpus without a fail for its own launch type."""
    legal = 0
    for path in RULE_CASES:
        case = json.loads(path.read_text())
        if any(row[1] == "fail" for row in case["findings"]):
            continue
        legal += 1
        options = Options(DECLARED, case.get("os", ""), case.get("hosts", 0))
        documents = link([load(json.dumps(case["document"]).encode(), path.name)])
        fails = [f for target in judge(documents, options) for f in target.findings if f.status is Status.FAIL]
        assert not fails, (path, fails)
    assert legal >= 250


def test_launch_types_that_are_judged_themselves_are_not_judged_by_the_others_too() -> None:
    container = {"name": "a", "image": "i", "memory": 64}
    definition = {"family": "a", "requiresCompatibilities": ["EC2", "FARGATE"], "containerDefinitions": [container]}
    definition |= {"networkMode": "bridge", "cpu": "256", "memory": "512"}
    documents = link([load(json.dumps(definition).encode(), "a.json")])
    fails = [f for target in judge(documents, Options(DECLARED)) for f in target.findings if f.status is Status.FAIL]
    assert [f.check for f in fails] == ["taskdef.network-mode"]
