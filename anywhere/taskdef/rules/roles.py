"""Rules on roles and credentials: who pulls, who logs, what the containers may do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.taskdef.rule import EC2, EXTERNAL, FARGATE, Case, Mark, fail, over, remove, rule, skip, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node, Unknown

_ADVICE = "set executionRoleArn to a role that ecs-tasks.amazonaws.com may assume"
_PREFIXES = ("credentialspec:", "credentialspecdomainless:")
# Where agents read a credential spec from. Source: amazon-ecs-agent, agent/taskresource/credentialspec (Linux and Windows).
_SPEC_PLACE = re.compile(r"file://.|arn:[^:]+:(?:s3:::[^/]+/.|ssm:[^:]*:[^:]*:.*parameter.)")


@rule(
    "taskdef.execution-role",
    "task execution role",
    scope="definition",
    meaning="The awslogs driver, secrets, private registry credentials, environment files, FSx volumes, FireLens files in "
    "S3 and credential specs named by an ARN need a task execution role on external instances; private ECR images do "
    "unless the instance role may pull them.",
    fine="has an execution role, or nothing needs one",
    source=f"{sources.EXTERNAL_PAGE}, considerations; {sources.GUIDE}, ecs-anywhere-iam and task_execution_IAM_role; "
    "amazon-ecs-agent, agent/taskresource (fsxwindowsfileserver, firelens, credentialspec)",
)
def execution_role(case: Case, node: Node) -> Iterator[Mark]:
    if node.at("executionRoleArn").filled:
        return
    yield from over(case.containers, lambda container: _always(container))
    yield from over(case.containers, lambda container: _by_launch(case, container))
    yield from over(case.containers, lambda container: _by_agent(case, container))
    yield from over(case.volumes, lambda volume: _share(case, volume))


def _always(container: Node) -> Iterator[Mark]:
    needs = (
        (container.at("secrets"), "secrets"),
        (container.at("logConfiguration", "secretOptions"), "secrets of the log driver"),
        (container.at("repositoryCredentials"), "private registry credentials"),
        (container.at("environmentFiles"), "environment files"),
    )
    for node, what in needs:
        if node.filled:
            yield fail(node, f"{what} need a task execution role, and there is none", _ADVICE)


def _by_launch(case: Case, container: Node) -> Iterator[Mark]:
    driver, image = container.at("logConfiguration", "logDriver"), container.at("image")
    if ".dkr.ecr" in image.literal() and case.launch == FARGATE:
        yield fail(image, "a private ECR image needs a task execution role, and there is none", _ADVICE)
    elif ".dkr.ecr" in image.literal() and case.launch == EXTERNAL:
        why = "a private ECR image: without a task execution role the instance role must have the rights to pull"
        yield warn(image, why, _ADVICE)
    elif case.launch != EC2 and isinstance(image.raw, Unknown) and image.raw.why and image.literal()[:3] in ("", "${}"):
        yield skip(image, "no task execution role, and whether the image is in a private registry is not known")
    if case.launch != EC2 and driver.text() == "awslogs":
        yield fail(driver, "awslogs needs a task execution role, and there is none", _ADVICE)


def _by_agent(case: Case, container: Node) -> Iterator[Mark]:
    kind = container.at("firelensConfiguration", "options", "config-file-type")
    if case.launch != FARGATE and kind.filled and kind.text() == "s3":
        yield fail(kind, "a FireLens file in S3 needs a task execution role, and there is none", _ADVICE)
    options = container.at("dockerSecurityOptions") if case.launch != FARGATE else Node(None)
    for spec in (*container.at("credentialSpecs").each(), *options.each()):
        prefix, _, place = spec.literal().partition(":")
        if f"{prefix}:" in _PREFIXES and place.startswith("arn:"):
            text = "a credential spec named by an ARN needs a task execution role, and there is none"
            yield fail(spec, text, _ADVICE)


def _share(case: Case, volume: Node) -> Iterator[Mark]:
    share = volume.at("fsxWindowsFileServerVolumeConfiguration")
    if case.launch != FARGATE and share.present and case.windows:
        yield fail(share, "an FSx volume needs a task execution role, and there is none", _ADVICE)


@rule(
    "taskdef.task-role-unreachable",
    "reach of the task role's credentials",
    scope="definition",
    launch=(EXTERNAL, EC2),
    meaning="Containers fetch the task role's credentials from 169.254.170.2. With network mode none, or with "
    "networking "
    "disabled, they cannot, and the role is of no use.",
    fine="the task role's credentials can be fetched, or there is no role",
    source=f"{sources.REGISTER}, fields networkMode and disableNetworking; {sources.EXTERNAL_PAGE}, considerations",
)
def task_role_unreachable(case: Case, node: Node) -> Iterator[Mark]:
    role = node.at("taskRoleArn")
    if not role.filled:
        return
    if case.mode == "none":
        why = "network mode none cannot reach 169.254.170.2: the containers never get the role's credentials"
        yield fail(role, why, "use bridge or host, or do without the role", remove(role))
        return
    for container in case.containers:
        switch = container.at("disableNetworking")
        if switch.flag():
            why = "without networking this container cannot fetch the task role's credentials"
            yield warn(switch, why, "leave networking on if it calls AWS", remove(switch))


@rule(
    "taskdef.gmsa",
    "group Managed Service Accounts",
    scope="container",
    meaning="On external hosts gMSA works with a directory in the cloud, over Direct Connect, or with the site's own "
    "directory; hosts must be joined to it unless the credential spec is domainless. A container takes one spec, which "
    "begins with credentialspec: or credentialspecdomainless:. Agents read it from a file of the host (file://), an object in "
    "S3 or a parameter of SSM, and start no task with another.",
    fine="no credential spec",
    source=f"{sources.EXTERNAL_PAGE}, gMSA with ECS Anywhere; {sources.MODEL}, ContainerDefinition.credentialSpecs; "
    "amazon-ecs-agent, agent/taskresource/credentialspec",
)
def gmsa(case: Case, node: Node) -> Iterator[Mark]:
    specs = node.at("credentialSpecs")
    if specs.sure > 1:
        yield fail(specs, f"{specs.sure} credential specs, and a container takes 1", "keep one")
    yield from over(specs.each(), lambda spec: _prefixed(case, spec))
    yield from over(node.at("dockerSecurityOptions").each(), lambda spec: _spec(case, spec))


def _prefixed(case: Case, spec: Node) -> Iterator[Mark]:
    text = spec.text()
    if text.startswith(_PREFIXES) or is_placeholder(text):
        yield from _spec(case, spec)
    else:
        why = f"{show(text)} does not begin with credentialspec: or credentialspecdomainless:"
        yield fail(spec, why, "write credentialspec:ARN or credentialspecdomainless:ARN")


def _spec(case: Case, spec: Node) -> Iterator[Mark]:
    kind, _, place = spec.text().partition(":")
    kind = kind.lower()
    is_read = _SPEC_PLACE.match(place) is not None or is_placeholder(place)
    if f"{kind}:" in _PREFIXES and case.launch in (EXTERNAL, EC2) and not is_read:
        text = f"agents cannot read a credential spec from {show(place)}: the task does not start"
        yield fail(spec, text, "write file://FILE, or the ARN of an object in S3 or of a parameter of SSM")
        return
    if kind == "credentialspecdomainless" and case.launch == EXTERNAL:
        yield skip(spec, "whether the directory can be reached from the hosts is not in this document")
    elif kind == "credentialspec" and case.launch == EXTERNAL:
        why = "hosts must be joined to a directory: the site's own, or one in AWS over Direct Connect"
        yield warn(spec, why, "join the hosts, or use credentialspecdomainless")
    elif kind == "credentialspec" and case.launch == FARGATE:
        why = "Fargate tasks cannot join a domain through their host"
        yield fail(spec, why, "use credentialspecdomainless")
