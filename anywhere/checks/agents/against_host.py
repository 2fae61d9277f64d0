"""Settings of ecs.config against this host: memory, ports, names of log drivers and runtimes.

Sources: amazon-ecs-agent agent/api/ecsclient/client.go (getResources), agent/config/parse.go,
agent/dockerclient/logging_drivers.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from anywhere.catalogue.daemon_lines.base import RELOAD
from anywhere.catalogue.ecs_settings import complaint
from anywhere.checks.remedies import Command, line_out
from anywhere.errors import did_you_mean
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.docker import docker, docker_info
from anywhere.facts.agents.ecs_config import EcsConfig, is_true
from anywhere.facts.agents.own_endpoints import BACKEND, LOOPBACK, urls
from anywhere.facts.agents.ports import listeners
from anywhere.facts.files import list_folder, read_text
from anywhere.facts.system.gpu import gpus
from anywhere.facts.system.machine import apparmor_profiles, has_apparmor, without_ipv6
from anywhere.facts.system.quoting import parse_section
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

MIB = 2**20
SOCKET, UNIX = "DOCKER_HOST", "unix://"
LOCAL = re.compile(r"tcp://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})/?")
PROFILE = "ECS_AGENT_APPARMOR_PROFILE"
OWN_PROFILES = ("ecs-agent-default", "docker-default", "unconfined")  # loaded by ecs-init and docker, or none
RUNTIME, GPU, NVIDIA = "ECS_NVIDIA_RUNTIME", "ECS_ENABLE_GPU_SUPPORT", "nvidia"
IP = "ECS_INSTANCE_IP_COMPATIBILITY"
TAGS = "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM"
RESERVED, PORTS = "ECS_RESERVED_MEMORY", "ECS_RESERVED_PORTS"
DRIVERS, DRIVER = "ECS_AVAILABLE_LOGGING_DRIVERS", "ECS_LOG_DRIVER"
# What the agent knows by name; another name in the list ends it ("Invalid logging drivers").
AGENT_DRIVERS = (
    "awsfirelens", "awslogs", "fluentd", "gelf", "journald", "json-file", "logentries", "none", "splunk", "sumologiclogs",
    "syslog",
)  # fmt: skip


@frozen
class Misfit:
    """A setting that does not fit this host. `fails` is whether the agent does not work with it."""

    name: str
    says: str
    fix: str
    fails: bool = True
    commands: tuple[Command, ...] = ()
    place: str = ""


def misfits(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """What the settings ask for and this host does not have."""
    yield from _memory(host, config)
    yield from _ports(config)
    yield from _drivers(host, config)
    yield from _runtime(host, config)
    yield from _confinement(host, config)
    yield from _ipv6(host, config)
    yield from _of_ec2(config)
    yield from _socket(host, config)
    yield from _profile(host, config)
    yield from _endpoint(host, config)


def _memory(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    value = config.agent.get(RESERVED, "").strip()
    total = (docker_info(host).memory or host.inventory().memory_total) // MIB
    if not total or complaint(RESERVED, value) or not value or int(value) < total:
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
            yield Misfit(
                DRIVERS,
                f"names the log driver {one}, at which the agent ends; {hint}",
                "Correct the list, or take it out: the agent then offers what it supports by itself.",
                commands=(_take_out(config, DRIVERS),),
            )
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
    elif not name and known and NVIDIA not in known and is_true(config.agent.get(GPU, "")) and _has_gpus(host):
        # The agent's default (agent/config/config.go, DefaultNvidiaRuntime).
        says = f"is on, and docker has no runtime {NVIDIA} ({', '.join(sorted(known))}): GPU tasks fail to start here"
        fix = "Install nvidia-container-toolkit, let it register its runtime (`nvidia-ctk runtime configure "
        fix += "--runtime=docker`), and restart docker (containers stop, unless live-restore is set)."
        yield Misfit(GPU, says, fix, fails=False)


def _has_gpus(host: Host) -> bool:
    found = gpus(host)
    return bool(found.devices) and found.driver is not False and found.info is not False


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


def _socket(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """ecs-init asks the Unix socket that DOCKER_HOST names and gives it to the agent; any other kind is the agent's alone
    (ecs-init/config/common.go DockerUnixSocket, ecs-init/docker/docker.go getDockerSocketBind)."""
    if docker(host).state != "answers":
        return
    named, agents_own = _of_init(host, config, SOCKET), config.agent.get(SOCKET, "")
    place = place_of(host, config, SOCKET)
    fix = "Name a socket that docker listens on, or take the line out: the agents then use /var/run/docker.sock."
    if named.startswith(UNIX):
        folder, _, name = named.removeprefix(UNIX).rpartition("/")
        if (seen := list_folder(host, folder or "/")) is not None and name not in seen:
            says = f"is {named}, and there is no such socket, though docker answers on its own: the agent never starts"
            yield Misfit(SOCKET, says, fix, commands=_out(place), place=place)
    elif (found := LOCAL.fullmatch(agents_own)) and not listeners(host, int(found[1])):
        says = f"is {agents_own}, where nobody listens: the agent does not reach docker, and ends"
        yield Misfit(SOCKET, says, fix, commands=_out(place), place=place)


def _endpoint(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """A stand-in for AWS on this host (LocalStack, a recorder) that a developer left behind."""
    for name in urls(config):
        value = config.agent.get(name, "").strip()
        found = LOOPBACK.match(value) if name != BACKEND else None
        port = int(found[1] or (443 if value.startswith("https") else 80)) if found else 0
        if port and not listeners(host, port):
            says = f"is {value}, where nothing listens: the agent sends its requests for AWS there"
            yield Misfit(name, says, "Take the line out.", commands=(_take_out(config, name),))


def _of_init(host: Host, config: EcsConfig, name: str) -> str:
    """What ecs-init gets: from the two files, else from its unit."""
    return (config.init.get(name) or agents(host).ecs.environment.get(name, "")).strip()


def place_of(host: Host, config: EcsConfig, name: str) -> str:
    """File and line of a setting: in the two files, else the line of ecs's unit that sets it alone."""
    if place := config.sources.get(name):
        return place
    unit = agents(host).ecs
    for path in reversed(tuple(filter(None, (unit.fragment, *unit.drop_ins)))):
        for number, key, value in parse_section(read_text(host, path).content, "[Service]"):
            if key == "Environment" and re.fullmatch(rf"[\"']?{name}=\S+", value):
                return f"{path}:{number}"
    return ""


def _out(place: str) -> tuple[Command, ...]:
    """The commands that take a line out, of a settings file or of a unit."""
    if not place:
        return ()
    return (line_out(place), RELOAD) if "/systemd/" in place else (line_out(place),)


def _profile(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """ecs-init loads ecs-agent-default alone, whatever profile it asks docker for (ecs-init/engine/engine.go,
    ecs-init/docker/docker_config.go); the kernel then refuses the start (runc libcontainer/apparmor)."""
    name = _of_init(host, config, PROFILE)
    is_asked = name and name not in OWN_PROFILES and (docker_info(host).apparmor or has_apparmor(host))
    known = apparmor_profiles(host) if is_asked else None
    if known and name not in known:
        says = f"is {name}, and AppArmor has loaded no profile of that name: the agent's container does not start"
        fix = f"Load the profile, now and at boot (`apparmor_parser -r /etc/apparmor.d/{name}`), or take the line out: "
        fix += "the agent then gets ecs-agent-default, which ecs-init loads."
        place = place_of(host, config, PROFILE)
        yield Misfit(PROFILE, says, fix, commands=_out(place), place=place)


def _list(config: EcsConfig, name: str) -> list[object]:
    try:
        found = json.loads(config.agent.get(name, "") or "[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _take_out(config: EcsConfig, name: str) -> Command:
    return line_out(config.sources[name])
