"""What one task of a definition needs of a host, as far as the document says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anywhere.catalogue.endpoints import endpoints
from anywhere.documents.numbers import whole
from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.taskdef.fit import requirements
from anywhere.taskdef.fit.pack import DEFAULT, Port, Strategy
from anywhere.taskdef.ports import claims
from anywhere.taskdef.quantity import cpu_units, memory_mib
from anywhere.taskdef.query import Comparison, Query, QueryError, parse
from anywhere.taskdef.rule import EXTERNAL, Case
from anywhere.taskdef.rules.environment import PROXIES
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.node import Node, NotKnown

# Attributes that agents with ECS_EXTERNAL take out. Source: amazon-ecs-agent, agent/app/agent_capability.go.
NEVER_EXTERNAL = frozenset(
    {
        "ecs.capability.task-eni",
        "ecs.capability.cni-plugin-version",
        "ecs.capability.task-eni.ipv6",
        "ecs.capability.task-eni-block-instance-metadata",
        "ecs.capability.task-eni-trunking",
        "ecs.capability.aws-appmesh",
        "ecs.capability.task-eia",
        "ecs.capability.task-eia.optimized-cpu",
        "ecs.capability.service-connect-v1",
        "ecs.capability.storage.ebs-task-volume-attach",
        "ecs.capability.storage.ebsta-non-root-user",
        "ecs.capability.fault-injection",
    }
)
_ECR = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+/")
# What makes an agent report an attribute, for those that a host may lack. Source: agent_capability.go, the same.
_CAPABILITY = "com.amazonaws.ecs.capability."
BROUGHT_BY = {
    f"{_CAPABILITY}logging-driver.": "ECS_AVAILABLE_LOGGING_DRIVERS",
    f"{_CAPABILITY}task-iam-role-network-host": "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST",
    f"{_CAPABILITY}task-iam-role": "ECS_ENABLE_TASK_IAM_ROLE",
    f"{_CAPABILITY}privileged-container": "ECS_DISABLE_PRIVILEGED not being true",
    f"{_CAPABILITY}selinux": "ECS_SELINUX_CAPABLE",
    f"{_CAPABILITY}apparmor": "ECS_APPARMOR_CAPABLE",
    f"{_CAPABILITY}docker-remote-api.": "the docker engine's API version",
    f"{_CAPABILITY}ecr-auth": "the docker engine's API version",
    "ecs.capability.task-cpu-mem-limit": "ECS_ENABLE_TASK_CPU_MEM_LIMIT and the cpu and memory cgroup controllers",
    "ecs.capability.execution-role-awslogs": "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE",
    "ecs.capability.execute-command": "the ECS Exec files under /var/lib/ecs/deps",
    "ecs.capability.docker-plugin.": "a docker plugin of that name",
    "ecs.capability.gmsa": "ECS_GMSA_SUPPORTED",
    "ecs.capability.container-health-check": "ECS_DISABLE_DOCKER_HEALTH_CHECK not being true",
    "ecs.capability.external": "registration as an external instance",
}
WORLDWIDE = "us-east-1"  # any region: these names have none in them


@frozen
class Need:
    """Memory in MiB, CPU units, GPUs; `ports` fixed host ports; `arch` x86_64, arm64 or empty; `attributes` required
    by name, with a value or empty; `hosts` the names to reach, with why; `proxied` whether a container has a proxy of its own;
    `alone` at most one a host; `strategy` in the order of its parts; `unknown` what the document leaves open, `undecided`
    the part of it without which nothing can be placed; `constraints` the expressions of its placement constraints."""

    name: str
    memory: int = 0
    cpu: int = 0
    gpus: int = 0
    ports: frozenset[Port] = frozenset()
    arch: str = ""
    windows: bool = False
    drivers: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str], ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    proxied: bool = False
    alone: bool = False
    strategy: tuple[Strategy, ...] = DEFAULT
    unknown: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    constraints: tuple[Query | Comparison, ...] = ()


def need(definition: Definition, os: str = "", region: str = "") -> Need:
    """What a task of this definition needs. `region` completes names of AWS endpoints where the document does not."""
    case = Case(EXTERNAL, definition, None, os)
    undecided: list[str] = []
    memory, cpu = _size(case, "memory", undecided), _size(case, "cpu", undecided)
    gpus, ports, windows = _gpus(case, undecided), _ports(case, undecided), _is_windows(case, undecided)
    required = tuple(dict.fromkeys(_attributes(case, definition.services, undecided)))
    constraints = tuple(_constraints(case, definition.services, undecided))
    unknown: list[str] = []
    hosts = tuple(dict.fromkeys(_hosts(case, region, unknown)))
    strategy = _strategy(definition.services, unknown)
    return Need(
        name=definition.name,
        memory=memory,
        cpu=cpu,
        gpus=gpus,
        ports=ports,
        arch={"X86_64": "x86_64", "ARM64": "arm64"}.get(
            _text(definition.node.at("runtimePlatform", "cpuArchitecture")), ""
        ),
        windows=windows,
        drivers=frozenset(driver for driver in _each(case, ("logConfiguration", "logDriver"), []) if driver),
        attributes=required,
        hosts=hosts,
        proxied=_has_proxy(case),
        strategy=strategy,
        unknown=tuple(dict.fromkeys((*undecided, *unknown))),
        undecided=tuple(dict.fromkeys(undecided)),
        constraints=constraints,
    )


def _text(node: Node) -> str:
    try:
        return node.text()
    except NotKnown:
        return ""


def _is_windows(case: Case, unknown: list[str]) -> bool:
    try:
        return case.windows
    except NotKnown:
        unknown.append("operating system")
        return False


def _has_proxy(case: Case) -> bool:
    """Whether a container sets a proxy, or may do so by a file or a value that is not known."""
    for container in case.containers:
        names = [item.at("name") for item in container.at("environment").each()]
        if container.at("environmentFiles").raw or any(not n.known or n.text().upper() in PROXIES for n in names):
            return True
    return False


def _size(case: Case, field: str, unknown: list[str]) -> int:
    """The task's size, or what its containers reserve together; Windows ignores the task's."""
    try:
        whole = case.node.at(field)
        parse = memory_mib if field == "memory" else cpu_units
        if whole.present and not case.windows:
            return parse(whole.text()) or 0
        if field == "cpu":
            return sum(container.at("cpu").number() or 0 for container in case.containers)
        return sum(
            container.at("memoryReservation").number() or container.at("memory").number() or 0
            for container in case.containers
        )
    except NotKnown as missing:
        unknown.append(f"{field} ({missing.why})")
        return 0


def _gpus(case: Case, unknown: list[str]) -> int:
    total = 0
    for container in case.containers:
        for item in container.at("resourceRequirements").each():
            try:
                value = item.at("value").text() if item.at("type").text() == "GPU" else "0"
                number = whole(value)
                total += 1 if number is None else number
            except NotKnown as missing:
                unknown.append(f"GPUs ({missing.why})")
    return total


def _ports(case: Case, unknown: list[str]) -> frozenset[Port]:
    try:
        return frozenset((port, spoken) for port, spoken, _ in claims(case))
    except NotKnown as missing:
        unknown.append(f"host ports ({missing.why})")
        return frozenset()


def _each(case: Case, keys: tuple[str, ...], unknown: list[str]) -> Iterator[str]:
    for container in case.containers:
        try:
            yield container.at(*keys).text()
        except NotKnown as missing:
            unknown.append(f"{keys[-1]} ({missing.why})")


def _attributes(case: Case, services: Sequence[Service], unknown: list[str]) -> Iterator[tuple[str, str]]:
    """Attributes that ECS listed for this revision, and those that follow from its fields."""
    for item in case.node.at("requiresAttributes").each():
        yield _text(item.at("name")), _text(item.at("value"))
    yield from requirements.attributes(case, services, unknown)


def _constraints(case: Case, services: Sequence[Service], unknown: list[str]) -> Iterator[Query | Comparison]:
    for node in (case.node, *(service.node for service in services)):
        for constraint in node.at("placementConstraints").each():
            expression = constraint.at("expression")
            try:
                if expression.text():
                    yield parse(expression.text())
            except QueryError as error:
                unknown.append(f"placement constraint: the expression {error}")
            except NotKnown as missing:
                unknown.append(f"placement constraint ({missing.why})")


def _strategy(services: Sequence[Service], unknown: list[str]) -> tuple[Strategy, ...]:
    """That of the first service that names one. The API, CloudFormation and Terraform spell the field differently."""
    for service in services:
        for key in ("placementStrategy", "placementStrategies", "orderedPlacementStrategy"):
            if found := tuple(_strategies(service.node.at(key), unknown)):
                return found
    return DEFAULT


def _strategies(node: Node, unknown: list[str]) -> Iterator[Strategy]:
    for item in node.each():
        kind, name = _text(item.at("type")).lower(), _text(item.at("field"))
        if kind in ("spread", "binpack", "random"):
            yield Strategy(kind, name.lower() if kind == "binpack" else name)
        else:
            unknown.append("placement strategy")


def _hosts(case: Case, region: str, unknown: list[str]) -> Iterator[tuple[str, str]]:
    """Names that images, logs and secrets need, and why."""
    for container in case.containers:
        yield from _registry(container.at("image"), unknown)
        log = container.at("logConfiguration")
        if _text(log.at("logDriver")) == "awslogs":
            where = _text(log.at("options", "awslogs-region")) or region
            yield from _feature("logs", where, "awslogs", unknown)
        for secret in container.at("secrets").each():
            parts = _text(secret.at("valueFrom")).split(":")
            service = "secretsmanager" if len(parts) > 3 and parts[2] == "secretsmanager" else "ssm"
            for name, why in _feature("secrets", parts[3] if len(parts) > 3 else region, "secrets", unknown):
                if name.startswith(service):
                    yield name, why


def _feature(feature: str, region: str, why: str, unknown: list[str]) -> Iterator[tuple[str, str]]:
    """The names of a feature that must be reached in a region, from the endpoint catalogue."""
    if not region:
        unknown.append(f"region of {why}")
        return
    try:
        found = endpoints(region, features=[feature])
    except BadInput:
        unknown.append(f"{why}: there is no region {region}")
        return
    yield from ((row.host, why) for row in found if row.feature == feature and row.probe and row.required)


def _registry(image: Node, unknown: list[str]) -> Iterator[tuple[str, str]]:
    literal = image.literal()
    if not literal or "${}" in literal.split("/")[0]:
        unknown.append("image registry")
        return
    first = literal.split("/")[0]
    if match := _ECR.match(literal):
        yield first, "image"
        yield from _feature("ecr", match[1], "image", unknown)
    elif first == "public.ecr.aws":
        yield from _feature("ecr-public", WORLDWIDE, "image", unknown)
    elif "/" in literal and ("." in first or ":" in first or first == "localhost"):
        yield first, "image"
    else:
        yield from _feature("docker-hub", WORLDWIDE, "image", unknown)
