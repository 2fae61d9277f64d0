"""Task-definition rules: every case file, exactly; and every patch fixes what it is offered for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anywhere.documents.patch import apply
from anywhere.model import Finding
from anywhere.taskdef import RULES
from anywhere.taskdef.judge import Options, judge
from anywhere.taskdef.source.load import Document, link, load
from anywhere.taskdef.source.parse import parse

CASES = Path(__file__).parent.parent / "cases" / "taskdef"
RULE_CASES = sorted(path for path in CASES.glob("*/*.json") if path.parent.name != "documents")
RULE_NAMES = sorted({path.parent.name for path in RULE_CASES})
DOCUMENTS = sorted(path for path in (CASES / "documents").iterdir() if not path.name.endswith(".expected.json"))
RANK = ("pass", "skip", "warn", "error", "fail")


def cases_of(rule: str) -> list[Path]:
    return [path for path in RULE_CASES if path.parent.name == rule]


def judged(value: Any, options: Options) -> list[Finding]:
    """The findings on a value as a file would hold it."""
    documents = link([load(json.dumps(value).encode(), "case.json")])
    return [finding for target in judge(documents, options) for finding in target.findings]


def options_of(case: dict[str, Any]) -> Options:
    return Options(case["launch"], case.get("os", ""), case.get("hosts", 0))


def troubles(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.status != "pass"]


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_each_case_gives_exactly_its_findings_and_patches_that_fix_them(rule: str) -> None:
    for path in cases_of(rule):
        case = json.loads(path.read_text())
        findings = judged(case["document"], options_of(case))
        rows = [[f.check, str(f.status), f.evidence["pointer"], f.summary] for f in troubles(findings)]
        assert rows == case["findings"], path
        own = [str(f.status) for f in findings if f.check == rule]
        assert max(own, key=RANK.index) == case["status"], path
        for finding in troubles(findings):
            if "patch" in finding.evidence:
                _fixes(case, findings, finding)


def _fixes(case: dict[str, Any], before: list[Finding], finding: Finding) -> None:
    """The patch takes this finding away, and brings no other of its rule."""
    after = judged(apply(case["document"], finding.evidence["patch"]), options_of(case))
    same = (finding.check, finding.subject, finding.summary)
    count = [(f.check, f.subject, f.summary) for f in troubles(before)].count(same)
    assert [(f.check, f.subject, f.summary) for f in troubles(after)].count(same) == count - 1, finding
    more = [f for f in after if f.check == finding.check and RANK.index(f.status) >= RANK.index("warn")]
    less = [f for f in before if f.check == finding.check and RANK.index(f.status) >= RANK.index("warn")]
    assert len(more) < len(less), finding


def as_template(value: Any) -> Any:
    """A case of the API's notation as a CloudFormation template."""
    from anywhere.taskdef.source.cloudformation import template_name
    from anywhere.taskdef.source.content import Place

    place = Place(encode=template_name)
    resources: dict[str, Any] = {}
    for item in value if isinstance(value, list) else [value]:
        if "containerDefinitions" in item:
            resources["Task"] = {"Type": "AWS::ECS::TaskDefinition", "Properties": place.value(item)}
        else:
            properties = place.value(item) | {"TaskDefinition": {"Ref": "Task"}}
            resources["Service"] = {"Type": "AWS::ECS::Service", "Properties": properties}
    return {"Resources": resources}


def is_template(case: dict[str, Any]) -> bool:
    return isinstance(case["document"], dict) and "Resources" in case["document"]


def is_request(case: dict[str, Any]) -> bool:
    """Templates have no run requests and no updates."""
    own = {"count", "containerInstances", "service", "overrides"}
    return any(own & set(item) for item in case["document"] if isinstance(item, dict))


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_templates_give_the_same_findings_and_patches_that_fix_them(rule: str) -> None:
    for path in cases_of(rule):
        case = json.loads(path.read_text())
        if not is_template(case) and not is_request(case):
            _as_template_too(case, path)


def _as_template_too(case: dict[str, Any], path: Path) -> None:
    template = as_template(case["document"])
    findings = judged(template, options_of(case))
    # Shapes are another table's there: names in another case, text for numbers, other required fields.
    rows = [[f.check, str(f.status), f.summary] for f in troubles(findings) if not f.check.endswith(".shape")]
    expected = [
        [check, status, summary] for check, status, _, summary in case["findings"] if not check.endswith(".shape")
    ]
    assert rows == expected or path.stem.endswith("definition-not-here"), path
    for finding in troubles(findings):
        if "patch" in finding.evidence:
            after = judged(apply(template, finding.evidence["patch"]), options_of(case))
            wanted = (finding.check, finding.summary, finding.evidence["pointer"])
            left = [(f.check, f.summary, f.evidence["pointer"]) for f in troubles(after)]
            assert wanted not in left or len(left) < len(troubles(findings)), (path, finding)


def test_corpus_has_a_pass_a_trouble_and_an_edge_for_each_rule() -> None:
    assert len(RULE_CASES) >= 150
    for rule in RULES:
        cases = {path.stem: json.loads(path.read_text()) for path in RULE_CASES if path.parent.name == rule.id}
        statuses = {case["status"] for case in cases.values()}
        assert "pass" in statuses and statuses & {"warn", "fail"}, rule.id
        assert any("edge" in name for name in cases), rule.id


def test_rules_have_unique_ids_and_tell_their_source() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.meaning and rule.source and rule.title and rule.fine and rule.launch


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    loaded = [load(path.read_bytes(), path.name) for path in DOCUMENTS]
    return {document.name: document for document in link(loaded)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_gives_findings_at_their_lines(path: Path, documents: dict[str, Document]) -> None:
    target = next(judge([documents[path.name]], Options()))
    rows = [
        [f.check, str(f.status), f.subject, f.evidence["pointer"], f.evidence["line"], f.evidence["column"], f.summary]
        for f in troubles(list(target.findings))
    ]
    assert rows == json.loads(path.with_name(path.name + ".expected.json").read_text())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_line_and_column_show_the_named_member(path: Path, documents: dict[str, Document]) -> None:
    """What stands at a finding's place is the last name of its pointer, or its element, or its parent when absent."""
    lines = path.read_text().splitlines()
    for finding in next(judge([documents[path.name]], Options())).findings:
        pointer = str(finding.evidence["pointer"])
        text = lines[finding.evidence["line"] - 1][finding.evidence["column"] - 1 :].lstrip("-& ")
        while pointer and not _has(parse(path.read_bytes(), path.name).value, pointer):
            pointer = pointer.rpartition("/")[0]
        last = pointer.rpartition("/")[2]
        if last and not last.isdecimal() and not last.startswith("Fn::"):
            assert text.lstrip('"').startswith(last), (finding.check, pointer)


def _has(value: Any, pointer: str) -> bool:
    try:
        apply(value, [{"op": "test", "path": pointer, "value": object()}])
    except Exception as error:
        return "no member" not in str(error)
    return True


def test_windows_definition_never_meets_a_linux_mode_rule() -> None:
    for mode in (None, "default", "bridge"):
        definition = {
            "family": "w",
            "requiresCompatibilities": ["EXTERNAL"],
            "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
            "containerDefinitions": [{"name": "w", "image": "i", "memory": 512}],
        } | ({"networkMode": mode} if mode else {})
        for system in ("", "linux", "windows"):
            assert not [f for f in judged(definition, Options(os=system)) if f.status == "fail"]


def test_unknown_system_is_a_skip_for_what_depends_on_it() -> None:
    template = {
        "Resources": {
            "T": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {
                    "NetworkMode": "host",
                    "RequiresCompatibilities": ["EXTERNAL"],
                    "RuntimePlatform": {"OperatingSystemFamily": {"Ref": "Os"}},
                    "ContainerDefinitions": [{"Name": "a", "Image": "i", "Memory": 64}],
                },
            }
        }
    }
    mode = [f for f in judged(template, Options()) if f.check == "taskdef.network-mode"]
    assert [(str(f.status), f.summary) for f in mode] == [("skip", "not known before deployment: Ref Os")]
    assert [str(f.status) for f in judged(template, Options(os="linux")) if f.check == "taskdef.network-mode"] == [
        "pass"
    ]


def test_findings_never_show_values_of_variables() -> None:
    secret = "do-not-show-this-value"
    environment = [
        {"name": "AWS_SECRET_ACCESS_KEY", "value": secret},
        {"name": "HTTPS_PROXY", "value": f"http://user:{secret}@proxy:3128"},
    ]
    definition = {
        "family": "s",
        "containerDefinitions": [{"name": "a", "image": "i", "memory": 64, "environment": environment}],
    }
    findings = judged(definition, Options())
    assert {f.check for f in findings if f.status == "warn"} == {"taskdef.aws-keys", "taskdef.proxy-environment"}
    assert secret not in repr(findings)


def test_what_registers_for_another_launch_type_and_never_starts_there_is_a_warning() -> None:
    definition = {
        "family": "a",
        "requiresCompatibilities": ["EC2", "EXTERNAL"],
        "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}],
        "volumes": [{"name": "d", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
    }
    found = troubles(judged(definition, Options("ec2")))
    text = "registered for EXTERNAL too, where it does not work: external instances have no EFS volumes"
    assert [(f.check, str(f.status), f.summary) for f in found] == [("taskdef.compatibility", "warn", text)]


@pytest.mark.parametrize("name", ["containerdefinitions", "container_definitions"])
def test_containers_under_a_misspelled_name_are_a_definition_all_the_same(name: str) -> None:
    found = troubles(judged({"family": "a", name: [{"name": "a", "image": "i", "memory": 64}]}, Options()))
    assert {f.check for f in found} == {"taskdef.shape"}
    assert any("did you mean containerDefinitions?" in f.summary for f in found)


def test_a_definition_with_the_verdict_of_ecs_has_been_registered() -> None:
    definition = {
        "family": "a",
        "requiresCompatibilities": ["EC2", "FARGATE"],
        "networkMode": "bridge",
        "containerDefinitions": [{"name": "a", "image": "i", "memory": 64}],
    }
    described = {"taskDefinition": definition | {"compatibilities": ["EC2", "FARGATE"]}}
    assert [f.check for f in troubles(judged(definition, Options("ec2")))] == ["taskdef.compatibility"]
    assert troubles(judged(described, Options("ec2"))) == []


def test_a_service_of_another_controller_whose_task_sets_come_later_is_right() -> None:
    service = {"serviceName": "a", "deploymentController": {"type": "EXTERNAL"}, "desiredCount": 2}
    found = judged(service, Options("ec2"))
    assert [str(f.status) for f in found if f.check == "service.deployment-controller"] == ["pass"]


def test_what_terraform_leaves_out_for_daemons_by_itself_is_no_fault() -> None:
    """The provider sends neither the count nor the upper limit of a DAEMON service."""
    values = {
        "name": "a",
        "launch_type": "EC2",
        "scheduling_strategy": "DAEMON",
        "desired_count": 0,
        "deployment_minimum_healthy_percent": 100,
        "deployment_maximum_percent": 200,
    }
    state = terraform_service(values)
    assert [f.summary for f in troubles(judged(state, Options("ec2"))) if f.status in ("fail", "warn")] == []


def test_limits_of_a_deployment_are_read_from_terraform_too() -> None:
    limits = {"deployment_minimum_healthy_percent": 100, "deployment_maximum_percent": 100}
    state = terraform_service({"name": "a", "launch_type": "EXTERNAL", "desired_count": 2} | limits)
    found = [f for f in troubles(judged(state, Options())) if f.status == "fail"]
    assert [f.check for f in found] == ["service.deployment"]


def terraform_service(values: dict[str, Any]) -> dict[str, Any]:
    """What `terraform show -json` prints of a state with one service."""
    resource = {"address": "aws_ecs_service.a", "mode": "managed", "type": "aws_ecs_service", "values": values}
    return {"format_version": "1.0", "values": {"root_module": {"resources": [resource]}}}


def test_service_connect_of_terraform_names_port_mappings_too() -> None:
    containers = [{"name": "a", "image": "i", "portMappings": [{"containerPort": 80, "name": "http"}]}]
    task = {"family": "a", "network_mode": "awsvpc", "cpu": "256", "memory": "512"}
    state = terraform_service(
        {
            "name": "a",
            "launch_type": "FARGATE",
            "desired_count": 2,
            "task_definition": "a:1",
            "network_configuration": [{"subnets": ["subnet-1"]}],
            "service_connect_configuration": [{"enabled": True, "service": [{"port_name": "api"}]}],
        }
    )
    resources = state["values"]["root_module"]["resources"]
    kind = "aws_ecs_task_definition"
    values = task | {"container_definitions": json.dumps(containers), "requires_compatibilities": ["FARGATE"]}
    resources.append({"address": f"{kind}.a", "mode": "managed", "type": kind, "values": values})
    found = [f for f in troubles(judged(state, Options("fargate"))) if f.status == "fail"]
    assert [(f.check, f.summary) for f in found] == [
        ("service.references", 'the service names the port mapping "api", which its task definition does not have')
    ]


def test_a_request_to_create_a_service_names_what_it_runs_and_how_often() -> None:
    def limits(value: Any) -> list[str]:
        return [f.summary for f in troubles(judged(value, Options())) if f.check == "service.limits"]

    create = {"serviceName": "a", "launchType": "EXTERNAL", "cluster": "c"}
    assert [text.partition(",")[0] for text in limits(create)] == [
        "the service names no task definition",
        "the service has no desiredCount",
    ]
    assert limits(create | {"taskDefinition": "a", "desiredCount": 0}) == []
    assert limits(create | {"taskDefinition": "a", "schedulingStrategy": "DAEMON"}) == []
    assert limits({"service": "a", "taskDefinition": "a", "forceNewDeployment": True}) == []
    assert limits({"Resources": {"S": {"Type": "AWS::ECS::Service", "Properties": {"LaunchType": "EXTERNAL"}}}}) == []


@pytest.mark.parametrize("transit", ["ENABLED", "DISABLED"])
def test_zeros_that_terraform_shows_for_nothing_are_no_ports(transit: str) -> None:
    state = terraform_service(
        {
            "name": "a",
            "launch_type": "FARGATE",
            "desired_count": 2,
            "network_configuration": [{"subnets": ["subnet-1"]}],
            "service_registries": [{"registry_arn": "r", "container_name": "", "container_port": 0, "port": 0}],
        }
    )
    efs = {"file_system_id": "fs-12345678", "transit_encryption": transit, "transit_encryption_port": 0}
    kind = "aws_ecs_task_definition"
    task = {"family": "a", "network_mode": "awsvpc", "cpu": "256", "memory": "512", "container_definitions": "[]"}
    values = task | {
        "requires_compatibilities": ["FARGATE"],
        "volume": [{"name": "v", "efs_volume_configuration": [efs]}],
    }
    resource = {"address": f"{kind}.a", "mode": "managed", "type": kind, "values": values}
    state["values"]["root_module"]["resources"].append(resource)
    found = {f.check for f in troubles(judged(state, Options("fargate"))) if f.status in ("fail", "warn")}
    assert found & {"taskdef.efs", "taskdef.volumes", "service.references", "service.discovery"} == set()


def test_options_of_firelens_that_a_condition_decides_may_name_the_output() -> None:
    secret = {"Name": "apikey", "ValueFrom": "/datadog"}
    log = {"LogDriver": "awsfirelens", "SecretOptions": [secret]}
    chosen = {"Fn::If": ["C", {"Name": "datadog"}, {"Name": "es"}]}

    def found(options: Any) -> list[str]:
        sender = {"Name": "a", "Image": "i", "Memory": 64, "LogConfiguration": log | options}
        router = {"Name": "r", "Image": "i", "Memory": 64, "FirelensConfiguration": {"Type": "fluentbit"}}
        task = {"ExecutionRoleArn": {"Ref": "R"}, "ContainerDefinitions": [sender, router]}
        template = {"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": task}}}
        return [str(f.status) for f in judged(template, Options()) if f.check == "taskdef.firelens"]

    assert found({"Options": chosen}) == ["pass"]
    assert found({"Options": {"Host": "h"}}) == ["fail"]
    assert found({}) == ["fail"]
