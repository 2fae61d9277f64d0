"""The attributes that a host's ECS agent registers, or would register, by its settings: what ECS's placement goes by.

Source: amazon-ecs-agent, agent/app/agent_capability.go and agent_capability_unix.go; defaults of ecs-init,
ecs-init/docker/docker.go (getContainerConfig).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from anywhere.documents.numbers import whole
from anywhere.facts.agents.ecs_config import EcsConfig, is_true

OLD, NEW = "com.amazonaws.ecs.capability.", "ecs.capability."
PORT_RANGE = "ecs.capability.network.container-port-range"
ALWAYS = (
    "private-registry-authentication.secretsmanager",
    "secrets.ssm.environment-variables",
    "secrets.ssm.bootstrap.log-driver",
    "ecr-endpoint",
    "secrets.asm.environment-variables",
    "secrets.asm.bootstrap.log-driver",
    "container-ordering",
    "full-sync",
    "env-files.s3",
    "container-restart-policy",
    "docker-plugin.local",
    "pid-ipc-namespace-sharing",
    "firelens.fluentd",
    "firelens.fluentbit",
    "firelens.non-root-user",
    "firelens.options.config.file",
    "firelens.options.config.s3",
    "logging-driver.awsfirelens.log-driver-buffer-limit",
    "efs",
    "s3-files",
    "execution-role-ecr-pull",
    "ipv6-only",
)
# What ecs-init sets unless the settings files say otherwise.
DEFAULTS = {
    "ECS_ENABLE_TASK_IAM_ROLE": "true",
    "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST": "true",
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",
    "ECS_ENABLE_TASK_CPU_MEM_LIMIT": "true",
    "ECS_VOLUME_PLUGIN_CAPABILITIES": '["efsAuth"]',
}
SWITCHES = {
    "ECS_ENABLE_TASK_IAM_ROLE": (OLD + "task-iam-role",),
    "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST": (OLD + "task-iam-role-network-host",),
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": (NEW + "execution-role-awslogs",),
    "ECS_ENABLE_TASK_CPU_MEM_LIMIT": (NEW + "task-cpu-mem-limit", NEW + "increased-task-cpu-limit"),
    "ECS_SELINUX_CAPABLE": (OLD + "selinux",),
    "ECS_APPARMOR_CAPABLE": (OLD + "apparmor",),
    "ECS_GMSA_SUPPORTED": (NEW + "gmsa", NEW + "gmsa-domainless"),
}
PREVENTED = {
    "ECS_DISABLE_PRIVILEGED": OLD + "privileged-container",
    "ECS_DISABLE_DOCKER_HEALTH_CHECK": NEW + "container-health-check",
}
_UNREPORTED = frozenset({"1.26", "1.27", "1.31"})
LAST_REPORTED = 32
# Registered or not by what no setting says: files of ECS Exec, plugins of docker, a GPU's driver.
OPEN = (NEW + "execute-command", NEW + "docker-plugin.", NEW + "nvidia-driver-version.", NEW + "gpu-driver-version")
OPEN_DETAIL = "ecs.os-type-detailed"
ARCHITECTURE, SYSTEM, FAMILY = "ecs.cpu-architecture", "ecs.os-type", "ecs.os-family"


def attributes(config: EcsConfig, api: str, arch: str, drivers: frozenset[str]) -> dict[str, str]:
    """What an agent on external Linux registers. `api` is docker's API version, empty where it is not known."""
    found = dict.fromkeys(_names(config, api, drivers), "")
    found |= {SYSTEM: "linux", FAMILY: "LINUX", OPEN_DETAIL: ""}
    found |= {ARCHITECTURE: arch} if arch else {}
    return found | custom(config)


def custom(config: EcsConfig) -> dict[str, str]:
    """The attributes of ECS_INSTANCE_ATTRIBUTES; none where it is no JSON object."""
    try:
        named = json.loads(config.agent.get("ECS_INSTANCE_ATTRIBUTES", "") or "{}")
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in named.items()} if isinstance(named, dict) else {}


def is_open(name: str, config: EcsConfig) -> bool:
    """Whether an attribute that is not among the derived ones may be registered all the same: the agent's files are not
    read, the name is a custom one that the API can set too, or nothing here tells."""
    if not config.known:
        return True
    if name.startswith(OPEN) or name == OPEN_DETAIL:
        return True
    return not name.startswith((OLD, "ecs."))


def _names(config: EcsConfig, api: str, drivers: frozenset[str]) -> Iterator[str]:
    yield from (NEW + name for name in ALWAYS)
    yield from (OLD + "ecr-auth", NEW + "external", PORT_RANGE)
    minor = whole(api.partition(".")[2])
    for number in range(17, LAST_REPORTED + 1 if minor is None else min(minor, LAST_REPORTED) + 1):
        if f"1.{number}" not in _UNREPORTED:
            yield f"{OLD}docker-remote-api.1.{number}"
    yield from (f"{OLD}logging-driver.{driver}" for driver in drivers)
    settings = {**DEFAULTS, **config.agent}
    for setting, names in SWITCHES.items():
        if is_true(settings.get(setting, "")):
            yield from names
    for setting, name in PREVENTED.items():
        if not is_true(settings.get(setting, "")):
            yield name
    yield from (NEW + name for name in _plugins(settings))


def _plugins(settings: Mapping[str, str]) -> list[str]:
    try:
        named = json.loads(settings["ECS_VOLUME_PLUGIN_CAPABILITIES"])
    except (ValueError, RecursionError):
        return []
    return [str(name) for name in named] if isinstance(named, list) else []
