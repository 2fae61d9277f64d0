"""docker's settings against each other, and against what the kernel allows: by daemon.json or by flags.

Sources: moby daemon/daemon_unix.go (verifyDaemonSettings, verifyPlatformContainerSettings), daemon/config/config_linux.go
(validatePlatformConfig for swarm mode); setrlimit(2) for limits above fs.nr_open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anywhere.checks.containers.settings_edit import Edit, with_value, without_entry, without_flag
from anywhere.checks.containers.settings_host import Refused
from anywhere.documents.numbers import whole
from anywhere.facts.agents.docker import docker_info
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.announced.named import NR_OPEN
from anywhere.facts.files import read_text
from anywhere.facts.system.docker_flags import docker_flags
from anywhere.facts.system.units import DOCKER, units
from anywhere.hosts.base import Host

PARENT = "cgroup-parent"
SLICE = ".slice"
TASK_LIMITS, DRIVER = "ECS_ENABLE_TASK_CPU_MEM_LIMIT", "native.cgroupdriver=systemd"
FALSE = ("false", "False", "FALSE", "0", "f", "F")  # strconv.ParseBool
NO_MEMBER = ("", "inactive")


def refused_pairs(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """What dockerd refuses at its next start of settings that do not go together."""
    yield from _parent(host, raw)
    yield from _between_containers(host, raw)
    yield from _swarm(host, raw)


def _set(host: Host, raw: Mapping[str, object], name: str) -> object:
    """A setting from the file, else the last flag of the unit; None where neither gives it. A bare switch is on."""
    if name in raw:
        return raw[name]
    given = [value for flag, value in docker_flags(host, units(host)[DOCKER]).set if flag == name]
    switches = {"": True, "true": True, "1": True, "false": False, "0": False}
    return switches.get(given[-1].lower(), given[-1]) if given else None


def _without(host: Host, raw: Mapping[str, object], name: str) -> Edit | None:
    return without_entry(host, name) if name in raw else without_flag(host, units(host)[DOCKER], name)


def _parent(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """With systemd's driver a control group is a slice, by its name."""
    parent = _set(host, raw, PARENT)
    if not isinstance(parent, str) or not parent or docker_info(host).cgroup_driver != "systemd":
        return
    if len(parent) <= len(SLICE) or not parent.endswith(SLICE):
        wanted = f"{parent.strip('/').replace('/', '-') or 'containers'}{SLICE}"
        edit = with_value(host, wanted, PARENT) if PARENT in raw else None
        yield Refused(
            f"{PARENT} {parent} is no slice, and docker uses systemd's control groups",
            f"Write it as {wanted}, or take it out.",
            edit or _without(host, raw, PARENT),
        )


def _between_containers(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    if _set(host, raw, "icc") is False and _set(host, raw, "iptables") is False:
        yield Refused(
            "icc is false, which docker does by iptables, and iptables is false",
            "Take one of the two out: icc, where the site's own rules keep containers from each other.",
            _without(host, raw, "icc"),
        )


def _swarm(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    if docker_info(host).swarm in NO_MEMBER:
        return
    if _set(host, raw, "live-restore") is True:
        yield Refused(
            "live-restore is on, and this engine is a member of a swarm, which excludes it",
            "Leave the swarm (`docker swarm leave --force`) where it is not used, or take live-restore out.",
            _without(host, raw, "live-restore"),
        )


def refused_groups(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """With control groups of version 1 the agent gives each task the parent /ecs/ID, which docker takes with its driver
    cgroupfs alone (amazon-ecs-agent agent/api/task/task_linux.go, its README; amazon-ecs-agent#2670)."""
    info = docker_info(host)
    if info.cgroup_driver != "systemd" or info.cgroup_version != "1":
        return
    limits = ecs_config(host).agent.get(TASK_LIMITS)
    if limits is not None and limits.strip() in FALSE:
        return
    alone = raw.get("exec-opts") == [DRIVER]
    yield Refused(
        "docker uses control groups of version 1 by systemd's driver, and the ECS agent gives tasks a group that is no slice: "
        "docker refuses every container of a task",
        f"Use docker's driver cgroupfs (take {DRIVER} out of exec-opts), boot with version 2 "
        f"(`systemd.unified_cgroup_hierarchy=1`, agent 1.61.0 or newer), or set {TASK_LIMITS}=false in ecs.config: tasks "
        "then have no limits of their own.",
        _without(host, raw, "exec-opts") if alone or "exec-opts" not in raw else None,
    )


def refused_limits(host: Host, raw: Mapping[str, object]) -> Iterator[Refused]:
    """Limits of daemon.json that no container can get: each ends as it starts, the ECS agent too."""
    limits = raw.get("default-ulimits")
    for name, limit in limits.items() if isinstance(limits, dict) else ():
        soft, hard = (_number(limit.get(key)) for key in ("Soft", "Hard")) if isinstance(limit, dict) else (None, None)
        if isinstance(limit, dict) and limit.get("Name") != name:
            yield Refused(
                f'default-ulimits lacks "Name": "{name}" within {name}: no container starts, the ECS agent neither',
                f'Write "Name": "{name}" beside Soft and Hard.',
            )
            continue
        if soft is None or hard is None:
            continue
        largest = _number(read_text(host, NR_OPEN).content.strip()) if name == "nofile" else None
        if largest is not None and (hard < 0 or hard > largest):
            yield Refused(
                f"the limit nofile of default-ulimits is {'unlimited' if hard < 0 else hard}, and this kernel allows {largest} "
                "(fs.nr_open): no container starts, the ECS agent neither",
                f"Write {largest} or less, or raise fs.nr_open.",
                with_value(host, largest, "default-ulimits", name, "Hard"),
            )
        elif 0 <= hard < soft or (soft < 0 <= hard):
            yield Refused(
                f"the soft limit {name} of default-ulimits ({soft}) is above the hard one ({hard}): no container starts, the "
                "ECS agent neither",
                "Write a soft limit that is not above the hard one.",
                with_value(host, hard, "default-ulimits", name, "Soft"),
            )


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    return value if isinstance(value, int) else whole(value) if isinstance(value, str) else None
