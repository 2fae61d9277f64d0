"""The report's `facts`: what the host is, in plain values and without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from anywhere.errors import AnywhereError
from anywhere.facts.agents.agents import Agents, agents, ecs_version, metadata, ssm_version
from anywhere.facts.agents.components import ecs_build
from anywhere.facts.agents.docker import docker, docker_info
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.identity import hostname, identity, network
from anywhere.facts.system.castore import ca_store
from anywhere.facts.system.machine import (
    architecture,
    cgroups,
    has_apparmor,
    init_name,
    is_systemd,
    kernel_version,
    machine_id,
    selinux_mode,
    virtualization,
)
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.time_sync import time_sync
from anywhere.hosts.base import Host


def facts_summary(host: Host) -> dict[str, object]:
    """The facts object of the report. What cannot be found out is left out."""
    found = {}
    for name, gather in _PIECES:
        try:
            value = gather(host)
        except (OSError, AnywhereError):
            continue
        if value not in ("", None, {}):
            found[name] = value
    return found


def _os(host: Host) -> dict[str, str]:
    release = os_release(host)
    return _known({"id": release.id, "version": release.version, "name": release.name})


def _arch(host: Host) -> str:
    return architecture(host).kernel


def _userland(host: Host) -> dict[str, object]:
    found = architecture(host)
    return _known({"arch": found.userland, "bits": found.bits})


def _init(host: Host) -> str:
    return "systemd" if is_systemd(host) else init_name(host)


def _cgroup(host: Host) -> dict[str, object]:
    found = cgroups(host)
    return _known({"version": found.version, "controllers": sorted(found.controllers or ())})


def _docker(host: Host) -> dict[str, object]:
    found, info = docker(host), docker_info(host)
    return _known(
        {
            "state": found.state,
            "version": found.version.server or found.version.client,
            "api": found.version.api,
            "min_api": found.version.min_api,
            "root": info.root,
            "cgroup_driver": info.cgroup_driver,
            "podman": found.is_podman,
            "snap": found.is_snap,
        }
    )


def _agents(host: Host) -> dict[str, object]:
    here = agents(host)
    return _known({"ecs": _ecs_agent(host, here), "ssm": _ssm_agent(host, here)})


def _ecs_agent(host: Host, here: Agents) -> dict[str, object]:
    if not here.has_ecs:
        return {}
    asked = metadata(host)
    return _known(
        {
            "version": ecs_version(host, here),
            "build": ecs_build(host),
            "state": here.ecs.active,
            "cluster": asked.cluster or ecs_config(host).agent.get("ECS_CLUSTER", ""),
            "instance": asked.instance_arn,
        }
    )


def _ssm_agent(host: Host, here: Agents) -> dict[str, object]:
    if not here.has_ssm:
        return {}
    return _known({"version": ssm_version(host, here), "unit": here.ssm_unit.name, "state": here.ssm_unit.active})


def _registration(host: Host) -> dict[str, str]:
    found = agents(host).registration
    return _known({"state": found.state, "id": found.instance, "region": found.region})


def _time(host: Host) -> dict[str, object]:
    found = time_sync(host)
    known = _known({"service": found.service, "said_by": found.said_by})
    return known if found.synchronised is None else {"synchronised": found.synchronised, **known}


def _ca_store(host: Host) -> dict[str, object]:
    found = ca_store(host)
    return _known({"bundle": found.bundle, "certificates": found.certificates})


def _memory(host: Host) -> dict[str, int]:
    found = host.inventory()
    return _known({"total": found.memory_total, "available": found.memory_available})


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """The values that say something."""
    return {name: value for name, value in values.items() if value not in ("", None, 0, [], {}, False)}


_PIECES: tuple[tuple[str, Callable[[Host], object]], ...] = (
    ("hostname", hostname),
    ("os", _os),
    ("arch", _arch),
    ("userland", _userland),
    ("kernel", kernel_version),
    ("init", _init),
    ("virtualization", virtualization),
    ("cgroup", _cgroup),
    ("selinux", selinux_mode),
    ("apparmor", has_apparmor),
    ("machine_id", lambda host: machine_id(host).digest),
    ("identity", identity),
    ("network", network),
    ("ca_store", _ca_store),
    ("cpus", lambda host: host.inventory().cpus),
    ("memory", _memory),
    ("time", _time),
    ("docker", _docker),
    ("agents", _agents),
    ("registration", _registration),
)


def piece_names() -> Iterator[str]:
    """The names that the facts object may have."""
    return (name for name, _ in _PIECES)
