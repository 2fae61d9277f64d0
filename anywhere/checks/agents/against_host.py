"""Settings of ecs.config against this host: memory, ports, names of log drivers and runtimes.

Sources: amazon-ecs-agent agent/api/ecsclient/client.go (getResources), agent/config/parse.go,
agent/dockerclient/logging_drivers.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from anywhere.checks.remedies import Command
from anywhere.errors import did_you_mean
from anywhere.facts.agents.docker import docker_info
from anywhere.facts.agents.ecs_config import EcsConfig, is_true
from anywhere.facts.system.machine import without_ipv6
from anywhere.hosts.base import Host

MIB = 2**20
RUNTIME = "ECS_NVIDIA_RUNTIME"
IP = "ECS_INSTANCE_IP_COMPATIBILITY"
TAGS = "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM"
RESERVED, PORTS, DRIVERS, DRIVER = (
    "ECS_RESERVED_MEMORY",
    "ECS_RESERVED_PORTS",
    "ECS_AVAILABLE_LOGGING_DRIVERS",
    "ECS_LOG_DRIVER",
)
# What the agent knows by name; another name in the list ends it ("Invalid logging drivers").
AGENT_DRIVERS = (
    *(
        "awsfirelens",
        "awslogs",
        "fluentd",
        "gelf",
        "journald",
        "json-file",
        "logentries",
        "none",
        "splunk",
        "sumologiclogs",
    ),
    "syslog",
)


@dataclass(frozen=True, slots=True)
class Misfit:
    """A setting that does not fit this host. `fails` is whether the agent does not work with it."""

    name: str
    says: str
    fix: str
    fails: bool = True
    commands: tuple[Command, ...] = ()


def misfits(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """What the settings ask for and this host does not have."""
    yield from _memory(host, config)
    yield from _ports(config)
    yield from _drivers(host, config)
    yield from _runtime(host, config)
    yield from _confinement(host, config)
    yield from _ipv6(host, config)
    yield from _of_ec2(config)


def _memory(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    value = config.agent.get(RESERVED, "").strip()
    total = (docker_info(host).memory or host.inventory().memory_total) // MIB
    if not value.isdecimal() or not total or int(value) < total:
        return
    says = f"reserves {value} MiB, and this host has {total} MiB: nothing is left for tasks, and the agent ends"
    fix = "Reserve what the host itself needs (256 or 512 are usual); the command takes the line out, which reserves nothing."
    yield Misfit(RESERVED, says, fix, commands=(_take_out(config, RESERVED),))


def _ports(config: EcsConfig) -> Iterator[Misfit]:
    for name in (PORTS, f"{PORTS}_UDP"):
        found = _list(config, name)
        bad = [one for one in found if isinstance(one, bool) or not isinstance(one, int) or not 0 < one < 65536]
        if bad:
            shown = ", ".join(map(repr, bad[:5]))
            says = f"holds {shown}: ports are numbers from 1 to 65535, and the agent ignores the complete list"
            yield Misfit(name, says, "Correct the list.", fails=False)


def _drivers(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    known = docker_info(host).log_drivers
    named = [one for one in _list(config, DRIVERS) if isinstance(one, str)]
    for one in named:
        if one not in AGENT_DRIVERS:
            hint = did_you_mean(one, AGENT_DRIVERS, f"known are {', '.join(AGENT_DRIVERS)}")
            yield Misfit(DRIVERS, f"names the log driver {one}, at which the agent ends; {hint}", "Correct the list.")
        elif known and one not in (*known, "none", "awsfirelens"):
            says = f"names the log driver {one}, which docker does not have: tasks that use it fail to start here"
            yield Misfit(DRIVERS, says, "Take it out of the list, or install it.", fails=False)
    driver = config.agent.get(DRIVER, "").strip()
    if driver and known and driver not in (*known, "none") and "/" not in driver and ":" not in driver:
        hint = did_you_mean(driver, known)
        says = f"is {driver}, which docker does not have: the agent's container cannot be made; {hint}"
        yield Misfit(DRIVER, says, "Name one that docker has.", commands=(_take_out(config, DRIVER),))


def _runtime(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """What the agent gives to docker for each GPU task (agent/engine/docker_task_engine.go)."""
    name, known = config.agent.get(RUNTIME, "").strip(), docker_info(host).runtimes
    if name and known and name not in known:
        says = f"is {name}, and docker has no runtime of that name ({', '.join(sorted(known))}): GPU tasks fail to start here"
        fix = "Install the runtime (nvidia-container-toolkit brings `nvidia`) and restart docker, or correct the name."
        yield Misfit(RUNTIME, says, fix, fails=False)


def _ipv6(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    if config.agent.get(IP, "").strip().lower() == "ipv6" and without_ipv6(host):
        says = "is ipv6, and this kernel has no IPv6: the agent asks names that it cannot reach"
        fix = "Take the line out: the agent sees by itself what this host has."
        yield Misfit(IP, says, fix, commands=(_take_out(config, IP),))


def _of_ec2(config: EcsConfig) -> Iterator[Misfit]:
    """What asks EC2's metadata, which an external agent never does: it ends before it registers (agent/app/agent.go).
    ECS_ENABLE_TASK_ENI does no harm: ecs-init gives an external agent false, whatever the file says
    (ecs-init/docker/docker.go)."""
    if not is_true(config.agent.get("ECS_EXTERNAL", "")):
        return
    if config.agent.get(TAGS, "").strip().lower() == "ec2_instance":
        says = (
            "is ec2_instance, and this host is no EC2 instance: the agent ends before it registers, and logs no reason"
        )
        fix = "Take the line out; tags of this host are set with ECS_CONTAINER_INSTANCE_TAGS."
        yield Misfit(TAGS, says, fix, commands=(_take_out(config, TAGS),))


def _confinement(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """ECS places tasks by what the agent declares; docker then has to be able to do it."""
    info = docker_info(host)
    if not info.root:
        return
    for name, what, has in (
        ("ECS_SELINUX_CAPABLE", "SELinux", info.selinux),
        ("ECS_APPARMOR_CAPABLE", "AppArmor", info.apparmor),
    ):
        if is_true(config.agent.get(name, "")) and not has:
            says = f"is on, and docker runs without {what}: tasks that ask for its options are placed here and do not get them"
            fix = f"Switch {what} on for docker (`docker info` lists it under Security Options), or take the line out."
            yield Misfit(name, says, fix, fails=False, commands=(_take_out(config, name),))


def _list(config: EcsConfig, name: str) -> list[object]:
    try:
        found = json.loads(config.agent.get(name, "") or "[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _take_out(config: EcsConfig, name: str) -> Command:
    path, _, number = config.sources[name].rpartition(":")
    return ("sed", "-i", f"{number}d", path)
