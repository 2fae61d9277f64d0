"""What a host has to give to tasks: memory, CPU, GPUs, ports, log drivers, attributes, and what it can reach."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from anywhere.catalogue.ecs_settings import complaint
from anywhere.documents.numbers import whole
from anywhere.errors import NotRecorded, ParseError
from anywhere.facts.agents.agents import metadata
from anywhere.facts.agents.components import components
from anywhere.facts.agents.docker import INFO, TIMEOUT, docker
from anywhere.facts.agents.ecs_config import EcsConfig, ecs_config
from anywhere.facts.agents.ports import client_ports
from anywhere.facts.capabilities import attributes, is_open
from anywhere.facts.network.proxy_environment import ProxyEnvironment
from anywhere.frozen import frozen
from anywhere.hosts.base import Host, ProbeSpec, Query

MIB = 2**20
# The driver names that ecs-init enables when nothing else is set. Source: ecs-init/docker/docker.go.
DEFAULT_DRIVERS = frozenset({"json-file", "syslog", "awslogs", "fluentd", "none"})
FIRELENS = "awsfirelens"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def _closed(name: str) -> bool:
    return False


@frozen
class HostCapacity:
    """A host's room for tasks; None where it is not known.

    `memory` is MiB, as docker sees it less ECS_RESERVED_MEMORY; `cpu` units of 1/1024; `arch` x86_64 or arm64; `ports`
    listening now; `dynamic` the range of ports that the kernel hands out; `drivers` those the agent will offer;
    `attributes` those that the agent registers, `open` whether another one may be there all the same; `reachable` whether
    a name was reached; `notes` what limits the answer; `lacks` what keeps every task away (no docker, agent or
    registration), `unseen` what of that is not known.
    """

    name: str
    memory: int | None = None
    cpu: int | None = None
    gpus: int | None = None
    arch: str = ""
    os: str = "linux"
    ports: frozenset[tuple[int, str]] = frozenset()
    dynamic: tuple[int, int] | None = None
    drivers: frozenset[str] | None = None
    attributes: Mapping[str, str] | None = None
    reachable: Mapping[str, bool | None] = field(default_factory=dict)
    proxied: bool | None = None
    notes: tuple[str, ...] = ()
    open: Callable[[str], bool] = _closed
    lacks: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def capacity(host: Host, names: Iterable[str] = ()) -> HostCapacity:
    """The room that a host has, and which of these names it reaches over HTTPS as docker would."""
    inventory = host.inventory()
    info = parse_docker(host.run(INFO, timeout=TIMEOUT).stdout)
    config = ecs_config(host)
    proxy = _proxy(host)
    dynamic = client_ports(host)
    notes = ["tasks that run already are not counted"] if info.get("ContainersRunning") else []
    arch = _ARCHITECTURES.get(str(info.get("Architecture") or _machine(host)), "")
    lacks, unseen, api = _readiness(host)
    drivers = _drivers(info, config)
    return HostCapacity(
        name=host.name,
        memory=_memory(info, config, inventory.memory_total),
        cpu=(_whole(info.get("NCPU")) or inventory.cpus) * 1024 or None,
        gpus=_gpus(info, config),
        arch=arch,
        os=str(info.get("OSType") or "linux"),
        ports=frozenset((listener.port, "tcp") for listener in inventory.listeners),
        dynamic=(dynamic.first, dynamic.last) if dynamic else None,
        drivers=drivers,
        attributes=attributes(config, api, arch, drivers),
        open=lambda name: is_open(name, config),
        lacks=lacks,
        unseen=unseen,
        reachable={name: reaches(host, name, proxy) for name in dict.fromkeys(names)},
        proxied=bool(proxy.https or proxy.http) if proxy else None,
        notes=tuple(notes),
    )


def _readiness(host: Host) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """What a host lacks to get any task, what of it is not known, and docker's API version."""
    lacks, unseen, api = [], [], ""
    try:
        found = docker(host)
        api = found.version.api if found.state == "answers" else ""
        if found.state == "forbidden":
            unseen.append("whether docker runs is not known: reading it needs root")
        elif found.state != "answers":
            lacks.append("docker is not installed" if not found.path else "docker does not answer")
    except NotRecorded:
        unseen.append("whether docker runs is not known")
    try:
        agent = metadata(host)
        if agent.answers and not agent.instance_arn:
            lacks.append("the ECS agent is not registered with a cluster")
        elif not agent.answers:
            lacks.append("no registered ECS agent runs")
    except NotRecorded:
        running = any(daemon.name == "ecs-agent" and daemon.sure for daemon in host.inventory().daemons)
        (unseen if running else lacks).append(
            "whether the ECS agent is registered is not known" if running else "no registered ECS agent runs"
        )
    return tuple(lacks), tuple(unseen), api


def parse_docker(text: str) -> dict[str, object]:
    """The JSON of `docker info`; empty where the daemon did not answer or the text is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("NCPU") else {}


def _machine(host: Host) -> str:
    return host.run(("uname", "-m")).stdout.strip()


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _memory(info: Mapping[str, object], config: EcsConfig, total: int) -> int | None:
    size = _whole(info.get("MemTotal")) or total
    reserved = config.agent.get("ECS_RESERVED_MEMORY", "")
    less = int(reserved) if reserved and complaint("ECS_RESERVED_MEMORY", reserved) is None else 0
    return max(0, size // MIB - less) if size else None


def _gpus(info: Mapping[str, object], config: EcsConfig) -> int | None:
    """None where there may be some: the driver reports how many, not docker. None at all without the agent's
    switch once the agent is set up."""
    if config.exists and config.known and config.agent.get("ECS_ENABLE_GPU_SUPPORT", "").lower() != "true":
        return 0
    runtimes = info.get("Runtimes")
    return 0 if isinstance(runtimes, dict) and not config.exists and "nvidia" not in runtimes else None


def _drivers(info: Mapping[str, object], config: EcsConfig) -> frozenset[str]:
    """Those that the agent's settings offer, as far as docker has them; awsfirelens is the agent's own."""
    plugins = info.get("Plugins")
    has = plugins.get("Log") if isinstance(plugins, dict) else None
    offered = DEFAULT_DRIVERS
    setting = config.agent.get("ECS_AVAILABLE_LOGGING_DRIVERS", "")
    try:
        named = json.loads(setting) if setting else None
    except (ValueError, RecursionError):
        named = []
    if isinstance(named, list):
        offered = frozenset(map(str, named))
    if isinstance(has, list):
        offered &= {*map(str, has), "none"}
    return offered | {FIRELENS}


def _proxy(host: Host) -> ProxyEnvironment | None:
    """The proxy that dockerd uses, which pulls images and sends logs; None where a bundle does not hold it."""
    try:
        part = next((part for part in components(host) if part.name == "docker"), None)
    except NotRecorded:
        return None
    effective = part.effective if part and part.exists else host.inventory().environment
    return ProxyEnvironment.from_mapping(effective, "docker")


def reaches(host: Host, name: str, proxy: ProxyEnvironment | None) -> bool | None:
    """Whether HTTPS to a name answers, by docker's proxy where it has one; None where a bundle does not hold it."""
    bare, _, port = name.partition(":")
    number = whole(port) or 443
    try:
        via = proxy.for_host(bare, number) if proxy else ""
        if via:
            return host.probe(ProbeSpec(bare, number, proxy=via)).ok
        answer = host.resolve(Query(bare))
        return any(host.probe(ProbeSpec(bare, number, address=address)).ok for address in answer.addresses)
    except (NotRecorded, ParseError):
        return None


def parse_instances(text: str) -> tuple[HostCapacity, ...]:
    """The hosts in what `aws ecs describe-container-instances` prints. Raises ParseError.

    ```
    {"containerInstances": [{"ec2InstanceId": "mi-0", "remainingResources": [{"name": "CPU", "integerValue": 2048}],
      "attributes": [{"name": "ecs.capability.external"}]}]}
    ```
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not valid JSON: {error}") from None
    instances = found.get("containerInstances") if isinstance(found, dict) else None
    if not isinstance(instances, list):
        raise ParseError("holds no containerInstances")
    return tuple(_instance(item) for item in instances if isinstance(item, dict))


def _instance(item: Mapping[str, object]) -> HostCapacity:
    resources = dict(_resources(item.get("remainingResources") or item.get("registeredResources")))
    named = {str(name): str(value) for name, value in _pairs(item.get("attributes"))}
    ports = frozenset((port, "tcp") for text in resources.get("PORTS", ()) if (port := whole(str(text))) is not None)
    udp = frozenset((port, "udp") for text in resources.get("PORTS_UDP", ()) if (port := whole(str(text))) is not None)
    prefix = "com.amazonaws.ecs.capability.logging-driver."
    return HostCapacity(
        name=str(item.get("ec2InstanceId") or item.get("containerInstanceArn") or "instance"),
        memory=resources.get("MEMORY"),
        cpu=resources.get("CPU"),
        gpus=len(resources.get("GPU", ())),
        arch=_ARCHITECTURES.get(named.get("ecs.cpu-architecture", ""), ""),
        os="windows" if named.get("ecs.os-type") == "windows" else "linux",
        ports=ports | udp,
        drivers=frozenset(name.removeprefix(prefix) for name in named if name.startswith(prefix)),
        attributes=named,
        lacks=_inactive(item),
    )


def _resources(values: object) -> Iterator[tuple[str, Any]]:
    for value in values if isinstance(values, list) else ():
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            listed = value.get("stringSetValue")
            number = value.get("integerValue")
            if isinstance(listed, list):
                yield value["name"], listed
            elif isinstance(number, int):
                yield value["name"], number


def _pairs(values: object) -> Iterator[tuple[str, str]]:
    for value in values if isinstance(values, list) else ():
        if isinstance(value, dict) and value.get("name"):
            yield value["name"], value.get("value") or ""


def _inactive(item: Mapping[str, object]) -> tuple[str, ...]:
    """Why ECS places nothing on a described instance."""
    status, connected = item.get("status"), item.get("agentConnected")
    lacks = [] if status in (None, "ACTIVE") else [f"the instance is {status}"]
    return (*lacks, *(["its agent is not connected"] if connected is False else []))
