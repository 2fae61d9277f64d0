"""Registration as one plan: what is there is observed first, and only what is missing is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anywhere.catalogue.distros import judge_release
from anywhere.catalogue.signing_keys import ECS as ECS_PACKAGE
from anywhere.catalogue.signing_keys import SSM as SSM_PACKAGE
from anywhere.changes.agents.config import config_steps
from anywhere.changes.agents.ecs import stale_state_steps
from anywhere.changes.agents.exec import PACKAGE as EXEC_PACKAGE
from anywhere.changes.agents.exec import binaries_steps, bundle_steps
from anywhere.changes.agents.ssm import dualstack_steps, register_steps
from anywhere.changes.agents.wanted import Activation, Wanted
from anywhere.changes.base import Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.install.docker import Found, docker_steps
from anywhere.changes.install.packages import LocalPackage, package_step
from anywhere.changes.install.units import restart_step, start_step
from anywhere.changes.proxy.drop_ins import variables
from anywhere.changes.proxy.plan import without_restart
from anywhere.changes.proxy.profile import Profile
from anywhere.facts.agents.agents import Agents, agents
from anywhere.facts.agents.components import components
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.agents.ssm_log import ssm_log
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.units import DOCKER, DOCKER_SNAP, ECS, SSM, units
from anywhere.hosts.base import Host

JOURNAL = "register"
AGENT_CONTAINER = "ecs-agent"
DROP_IN = "/etc/systemd/system/ecs.service.d/50-anywhere-restart.conf"
# The deb's unit restarts after exit 5 (a terminal error) for ever, and neither unit comes back when ecs-init ends with
# success because Docker was not there yet (aws/amazon-ecs-agent issue 4270).
_DROP_IN = "# Written by `anywhere register`.\n[Service]\nRestart=always\nRestartPreventExitStatus=5\n"


def needed_packages(host: Host) -> tuple[str, ...]:
    """The agents' packages that are not installed yet."""
    here = agents(host)
    missing = {SSM_PACKAGE: not here.has_ssm, ECS_PACKAGE: not here.has_ecs}
    return tuple(name for name, is_missing in missing.items() if is_missing)


def install_plan(
    host: Host,
    wanted: Wanted,
    packages: Sequence[LocalPackage],
    activation: Activation | None,
    profile: Profile | None = None,
) -> tuple[Step, ...]:
    """Docker, both agents, the registration, the settings: all before the ECS agent starts; downloads and the registration
    go through the proxy of the profile. Raises ChangeFailed."""
    return tuple(_install(host, wanted, {one.package: one for one in packages}, activation, profile))


def _install(
    host: Host,
    wanted: Wanted,
    packages: dict[str, LocalPackage],
    activation: Activation | None,
    profile: Profile | None,
) -> Iterator[Step]:
    here, os = agents(host), os_release(host)
    judged = judge_release(os)
    manager = judged.family.manager if judged.family else ""
    found = Found(units(host), here.installed)
    needed = needed_packages(host)
    proxy = _proxy(here, profile)
    yield from docker_steps(host, os, judged, found, wanted.docker, wanted.start, proxy)
    if SSM_PACKAGE in needed and SSM_PACKAGE in packages:
        yield from package_step(manager, packages[SSM_PACKAGE], here.installed)
    yield from stale_state_steps(host, here)
    yield from dualstack_steps(host, wanted)
    yield from register_steps(here, wanted, activation, proxy)
    if ECS_PACKAGE in needed and ECS_PACKAGE in packages:
        yield from package_step(manager, packages[ECS_PACKAGE], here.installed)
    yield from config_steps(host, wanted)
    yield from bundle_steps(host, wanted)
    yield from binaries_steps(host, packages.get(EXEC_PACKAGE), here.ecs.is_running)
    yield from _drop_in(host, here)


def _proxy(here: Agents, profile: Profile | None) -> dict[str, str]:
    """The proxy's variables in lower case, which every program reads that is called here: of the profile, else those that
    the SSM agent's unit has."""
    unit = here.ssm_unit
    if profile and profile.address:
        return variables(SSM, profile, unit)
    names = ("http_proxy", "https_proxy", "no_proxy")
    found = {name: unit.environment.get(name) or unit.environment.get(name.upper(), "") for name in names}
    return {name: value for name, value in found.items() if value}


def _drop_in(host: Host, here: Agents) -> Iterator[Step]:
    for step in file_step(host, DROP_IN, _DROP_IN.encode(), f"write {DROP_IN}: restart, but not after a final error"):
        yield step
        yield Step(
            "reload",
            "reload the configuration of systemd (systemctl daemon-reload)",
            Command(("systemctl", "daemon-reload")),
        )
    if here.ecs.stale:
        yield Step(
            "reload",
            "reload the configuration of systemd (systemctl daemon-reload)",
            Command(("systemctl", "daemon-reload")),
        )


def late_plan(host: Host, profile: Profile) -> tuple[Step, ...]:
    """Restarts of what runs without the proxy of the profile; not of a Docker that runs somebody else's containers."""
    late = without_restart(host, profile)
    kept = (DOCKER, DOCKER_SNAP) if late and _has_containers(host) else ()
    return tuple(restart_step(name, "it runs without the proxy") for name in late if name not in kept)


def start_plan(host: Host, wanted: Wanted) -> tuple[Step, ...]:
    """Both agents enabled and running, with the settings that are in the files. Raises ChangeFailed."""
    return tuple(_start(host, wanted))


def _start(host: Host, wanted: Wanted) -> Iterator[Step]:
    here = agents(host)
    ssm = here.ssm_unit
    yield from start_step(ssm.name, ssm, "it renews the credentials", start=wanted.start)
    log = ssm_log(host) if ssm.is_running and wanted.start else None
    if log and (log.hibernates or log.refused):
        yield restart_step(ssm.name, "it waits up to half an hour before it asks AWS again")
    yield from start_step(ECS, here.ecs, "the ECS agent", start=wanted.start, seconds=120)
    if here.ecs.is_enabled and here.ecs.is_running and wanted.start and _is_stale(host):
        yield restart_step(ECS, "it runs with the settings from before", 300)


def _has_containers(host: Host) -> bool:
    """Whether Docker runs containers of somebody else's, which a restart of it could end."""
    done = host.run(("docker", "ps", "--format", "{{.Names}}"), timeout=10)
    return not done.ok or any(name != AGENT_CONTAINER for name in done.stdout.split())


def _is_stale(host: Host) -> bool:
    """Whether the running agent was started with other settings than those that stand in its files now."""
    agent = next(one for one in components(host) if one.name == "ecs-agent")
    if not agent.source.startswith("process"):
        return False
    config = ecs_config(host).agent
    return any(
        agent.effective.get(name, "") != config.get(name, "") for name in ("AWS_DEFAULT_REGION", "ECS_BACKEND_HOST")
    )
