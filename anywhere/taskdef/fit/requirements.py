"""The attributes that ECS requires of an instance for a definition, by its fields.

ECS lists them as `requiresAttributes` once a definition is registered; the names are those that the agent registers
(amazon-ecs-agent, agent/app/agent_capability.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anywhere.taskdef.quantity import cpu_units
from anywhere.taskdef.rule import Case
from anywhere.taskdef.rules.security import option_kind
from anywhere.taskdef.source.content import Service
from anywhere.taskdef.source.node import Node, NotKnown

OLD, NEW = "com.amazonaws.ecs.capability.", "ecs.capability."
OLD_CPU_LIMIT = 10240
SECURITY = OLD + "selinux|" + OLD + "apparmor"
"""One of the two: the API says that options need either."""

Attribute = tuple[str, str]

# Fields that require an attribute by being there, whatever they hold.
TASK_FIELDS = {
    "pidMode": "pid-ipc-namespace-sharing",
    "ipcMode": "pid-ipc-namespace-sharing",
    "proxyConfiguration": "aws-appmesh",
    "inferenceAccelerators": "task-eia",
}
VOLUME_FIELDS = {
    "fsxWindowsFileServerVolumeConfiguration": "fsxWindowsFileServer",
    "s3filesVolumeConfiguration": "s3-files",
}
CONTAINER_FIELDS = {
    "healthCheck": "container-health-check",
    "dependsOn": "container-ordering",
    "repositoryCredentials": "private-registry-authentication.secretsmanager",
    "environmentFiles": "env-files.s3",
}


def attributes(case: Case, services: Sequence[Service], unknown: list[str]) -> Iterator[Attribute]:
    """Name and value (empty: any) of each. What the document does not say goes to `unknown`."""
    for part in (_of_task, _of_volumes, _of_containers):
        yield from part(case, unknown)
    for service in services:
        if _flag(service.node.at("enableExecuteCommand"), unknown):
            yield NEW + "execute-command", ""
        if _flag(service.node.at("serviceConnectConfiguration", "enabled"), unknown):
            yield NEW + "service-connect-v1", ""


def _text(node: Node, unknown: list[str]) -> str:
    try:
        return node.text()
    except NotKnown as missing:
        unknown.append(f"{_field(node)} ({missing.why or 'of the wrong type'})")
        return ""


def _field(node: Node) -> str:
    """The field's name with those around it, up to the element of a list that it is in: restartPolicy.enabled."""
    parts = node.pointer.rstrip("/0123456789").split("/")
    start = max((at for at, part in enumerate(parts) if part.isdecimal()), default=0)
    return ".".join(parts[start + 1 :])


def _flag(node: Node, unknown: list[str]) -> bool:
    return _text(node, unknown).lower() == "true"


def _is_there(node: Node) -> bool:
    """Whether a value is given or will be; one that may be absent is not required."""
    try:
        return node.filled
    except NotKnown:
        return False


def _by_field(node: Node, fields: Mapping[str, str]) -> Iterator[Attribute]:
    for name in dict.fromkeys(name for field, name in fields.items() if _is_there(node.at(field))):
        yield NEW + name, ""


def _of_task(case: Case, unknown: list[str]) -> Iterator[Attribute]:
    node = case.node
    mode = _text(node.at("networkMode"), unknown)
    if mode == "awsvpc":
        yield NEW + "task-eni", ""
    if _is_there(node.at("taskRoleArn")):
        yield OLD + ("task-iam-role-network-host" if mode == "host" else "task-iam-role"), ""
    if not _is_windows(case) and (_is_there(node.at("cpu")) or _is_there(node.at("memory"))):
        yield NEW + "task-cpu-mem-limit", ""
        if (cpu_units(_text(node.at("cpu"), [])) or 0) > OLD_CPU_LIMIT:
            yield NEW + "increased-task-cpu-limit", ""
    yield from _by_field(node, TASK_FIELDS)
    if _flag(node.at("enableFaultInjection"), unknown):
        yield NEW + "fault-injection", ""


def _is_windows(case: Case) -> bool:
    try:
        return case.windows
    except NotKnown:
        return False


def _of_volumes(case: Case, unknown: list[str]) -> Iterator[Attribute]:
    for volume in case.volumes:
        efs = volume.at("efsVolumeConfiguration")
        if _is_there(efs):
            yield NEW + "efs", ""
            if _is_there(efs.at("authorizationConfig")):
                yield NEW + "efsAuth", ""
        yield from _by_field(volume, VOLUME_FIELDS)
        if _flag(volume.at("configuredAtLaunch"), unknown):
            yield NEW + "storage.ebs-task-volume-attach", ""
        docker = volume.at("dockerVolumeConfiguration")
        if _is_there(docker):
            driver = _text(docker.at("driver"), unknown) or "local"
            yield NEW + "docker-plugin." + driver.replace(":", "."), ""


def _of_containers(case: Case, unknown: list[str]) -> Iterator[Attribute]:
    role = _is_there(case.node.at("executionRoleArn"))
    for container in case.containers:
        yield from _of_log(container, role, unknown)
        yield from _of_secrets(container)
        yield from _of_security(container, unknown)
        yield from _by_field(container, CONTAINER_FIELDS)
        if role and ".dkr.ecr" in container.at("image").literal():
            yield NEW + "execution-role-ecr-pull", ""
        if _flag(container.at("restartPolicy", "enabled"), unknown):
            yield NEW + "container-restart-policy", ""
        if any(_is_there(mapping.at("containerPortRange")) for mapping in container.at("portMappings").each()):
            yield "ecs.capability.network.container-port-range", ""


def _of_log(container: Node, role: bool, unknown: list[str]) -> Iterator[Attribute]:
    log, router = container.at("logConfiguration"), container.at("firelensConfiguration")
    driver = _text(log.at("logDriver"), unknown)
    if driver:
        yield f"{OLD}logging-driver.{driver}", ""
    if driver == "awslogs" and role:
        yield NEW + "execution-role-awslogs", ""
    for service in _sources(log.at("secretOptions")):
        yield f"{NEW}secrets.{service}.bootstrap.log-driver", ""
    if _is_there(router):
        yield f"{NEW}firelens.{_text(router.at('type'), unknown)}", ""
        kind = _text(router.at("options", "config-file-type"), unknown)
        if kind:
            yield f"{NEW}firelens.options.config.{kind}", ""


def _of_secrets(container: Node) -> Iterator[Attribute]:
    for service in _sources(container.at("secrets")):
        yield f"{NEW}secrets.{service}.environment-variables", ""


def _sources(listed: Node) -> set[str]:
    """`asm` and `ssm`: where secrets come from."""
    found = set()
    for item in listed.each():
        try:
            found.add("asm" if ":secretsmanager:" in item.at("valueFrom").literal() else "ssm")
        except NotKnown:
            continue
    return found


def _of_security(container: Node, unknown: list[str]) -> Iterator[Attribute]:
    if _flag(container.at("privileged"), unknown):
        yield OLD + "privileged-container", ""
    for option in container.at("dockerSecurityOptions").each():
        kind = option_kind(_text(option, unknown))
        name = {
            "apparmor": OLD + "apparmor",
            "label": OLD + "selinux",
            "no-new-privileges": SECURITY,
            "credentialspec": NEW + "gmsa",
            "credentialspecdomainless": NEW + "gmsa-domainless",
        }.get(kind)
        if name:
            yield name, ""
    for spec in container.at("credentialSpecs").each():
        if kind := option_kind(_text(spec, unknown)):
            yield NEW + ("gmsa" if kind == "credentialspec" else "gmsa-domainless"), ""
