"""Docker: there, real, running, and of a version that the agents speak to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.catalogue.compatibility import Pair, Situation, table
from anywhere.catalogue.distros import DockerSource, is_immutable, judge_release
from anywhere.checks.base import Check, check, needs_root, passed, skipped, trouble
from anywhere.checks.containers.down import down, later, without_containerd
from anywhere.checks.containers.since import stale_trust
from anywhere.checks.remedies import beside_podman, docker_commands, remedy, remove
from anywhere.facts.agents.agents import agents, ecs_version, is_bare
from anywhere.facts.agents.components import components
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.agents.docker import Docker, docker, docker_info
from anywhere.facts.system.machine import (
    architecture,
    cgroups,
    is_container,
    parse_version,
    virtualization,
    without_ipv6,
)
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.packages import containerd_package
from anywhere.facts.system.units import DOCKER, DOCKER_SNAP, units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

ID = "containers.docker"
GROUP = "membership of the docker group"


@check(ID)
def docker_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    found = docker(host)
    if found.is_podman:
        yield _podman(host, found)
    elif found.is_snap or _has_only_snap(host):
        yield _snap(host)
    elif found.state == "absent":
        yield _absent(host)
    elif found.state == "forbidden":
        yield needs_root(ID, "docker", "Docker may not be asked by this user", or_else=GROUP)
    elif found.state == "answers":
        answers = passed(ID, "docker", f"Docker {found.version.server} answers", api=found.version.api)
        yield stale_trust(host, settings, ID) or without_containerd(host) or later(host) or answers
    elif _has_client_alone(host):
        yield _missing(host, "Docker's client is installed, and its engine is not: there is no docker.service")
    else:
        yield down(host, found)


def _has_only_snap(host: Host) -> bool:
    found = units(host)
    return found[DOCKER_SNAP].exists and not found[DOCKER].exists


def _has_client_alone(host: Host) -> bool:
    """docker-ce-cli without docker-ce, as a removal of the engine leaves it. Before registration that is no fault."""
    runs = any(one.name == "docker" and one.running for one in components(host))
    return units(host)[DOCKER].load == "not-found" and not runs and not is_bare(host)


def _podman(host: Host, found: Docker) -> Finding:
    return trouble(
        ID,
        Status.FAIL,
        "docker",
        "The command docker is Podman's; the agent needs Docker, and AWS's installer mistakes Podman for it",
        cause="docker.podman",
        remedy=remedy(
            host,
            f"Remove the shim, then install Docker.{beside_podman(host)}",
            *remove(host, "podman-docker"),
            *docker_commands(host),
        ),
        evidence={"path": found.path, "target": found.target, "components": list(found.version.components)},
    )


def _snap(host: Host) -> Finding:
    return trouble(
        ID,
        Status.FAIL,
        "docker",
        "Docker is the snap; the agent needs docker.service, and its package installs a second Docker",
        cause="docker.snap",
        remedy=remedy(
            host,
            "Replace the snap by the packaged engine. Its images and volumes (/var/snap/docker) do not move along.",
            ("snap", "remove", "docker"),
            *docker_commands(host),
        ),
    )


def _absent(host: Host) -> Finding:
    running = next((one for one in components(host) if one.name == "docker" and one.running), None)
    if running:
        return skipped(ID, "docker", "a Docker daemon runs, but there is no docker command to ask it with")
    if not is_bare(host):
        return _missing(host, "Docker is not installed, and the ECS agent cannot run without it")
    source = judge_release(os_release(host)).docker
    if is_immutable(os_release(host)):
        return skipped(ID, "docker", "Docker is not installed", because="system.os")
    if source is DockerSource.BRING_YOUR_OWN:
        return _missing(host, "Docker is not installed, and on Red Hat Enterprise Linux registration cannot install it")
    if source is None:
        return skipped(ID, "docker", "Docker is not installed", because="the operating system is not known here")
    return skipped(ID, "docker", AFTER_REGISTRATION, source=source)


def _missing(host: Host, said: str) -> Finding:
    text = f"Install Docker and start it.{beside_podman(host)}"
    fix = remedy(host, text + _of_module(host), *docker_commands(host))
    return trouble(ID, Status.FAIL, "docker", said, cause="docker.missing", remedy=fix)


def _of_module(host: Host) -> str:
    """SUSE Linux Enterprise 15 has Docker in a module of its own (SLES Container Guide, "Installing Docker")."""
    release, machine = os_release(host), architecture(host).kernel or "x86_64"
    if release.id != "sles" or not release.version.startswith("15"):
        return ""
    module = f"sle-module-containers/{release.version}/{machine}"
    return f" It is in the Containers Module: where zypper does not find it, run `SUSEConnect -p {module}` first."


@check("containers.api")
def api_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    version = docker(host).version
    lowest, highest = parse_version(version.min_api), parse_version(version.api)
    if not version.server or not highest:
        absent = docker(host).state == "absent"
        said = AFTER_REGISTRATION if absent else "Docker did not report its API versions"
        yield skipped("containers.api", "docker", said, because=ID)
        return
    said = f"{version.min_api or '?'} to {version.api}"
    window = table()
    too_new, too_old = lowest > window.lowest_at_most, highest < window.highest_at_least
    if not too_new and not too_old:
        yield passed("containers.api", said, f"Docker speaks API {said}")
        return
    fault = "no longer speaks 1.44, the newest" if too_new else "does not yet speak 1.21, the oldest"
    which = "older" if too_new else "newer"
    yield trouble(
        "containers.api",
        Status.FAIL,
        said,
        f"Docker {version.server} speaks API {said}: it {fault} that the ECS agent knows",
        cause="docker.api-window",
        remedy=remedy(host, f"Install a{'n' if which == 'older' else ''} {which} Docker engine and hold its package."),
        evidence={"engine": version.server, "min_api": version.min_api, "api": version.api, "source": window.source},
    )


@check("containers.compatibility")
def compatibility_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    here = agents(host)
    situation = situation_of(host, ecs_version(host, here))
    found = [pair for pair in table().pairs if pair.applies(situation)]
    yield from (_pair_trouble(host, pair, situation) for pair in found)
    if not found and not here.has_ecs:
        yield skipped("containers.compatibility", "ecs-agent", AFTER_REGISTRATION)
    elif not found and not (situation.engine and situation.agent):
        yield skipped("containers.compatibility", "ecs-agent", "the versions of Docker and agent are not both known")
    elif not found:
        said = f"agent {_dotted(situation.agent)} with Docker {_dotted(situation.engine)}"
        yield passed("containers.compatibility", said, f"{said}: no known incompatibility", dated=table().dated)


def situation_of(host: Host, agent: str) -> Situation:
    """This host's Docker with an ECS agent of a version."""
    component = next(one for one in components(host) if one.name == "docker")
    variable = component.effective.get("DOCKER_MIN_API_VERSION", "") if component.exists else ""
    client = docker(host).version
    return Situation(
        engine=parse_version(client.server or client.client),
        agent=parse_version(agent),
        cgroup=cgroups(host).version,
        bridge=daemon_json(host).bridge,
        min_api_variable=parse_version(variable),
        apparmor=docker_info(host).apparmor,
        without_ipv6=without_ipv6(host),
        **_of_a_dead_agent(host),
    )


# `AppArmor parser version 3.0.8`; 127 without the program.
PARSER = ("sh", "-c", "command -v apparmor_parser >/dev/null && apparmor_parser --version 2>/dev/null | head -n 1")


def _of_a_dead_agent(host: Host) -> Dead:
    """What is looked up only where no agent runs: a running one proves that containers start."""
    if (
        docker(host).state != "answers"
        or is_bare(host)
        or any(one.name == "ecs-agent" and one.sure for one in host.inventory().daemons)
    ):
        return {}
    parser = host.run(PARSER, timeout=2)
    found: Dead = {
        "agent_down": True,
        "apparmor_parser": not docker_info(host).apparmor or parser.rc == 0,
        "apparmor_parser_version": parse_version(parser.stdout.rpartition("version")[2]),
    }
    if is_container(host):
        versions = docker(host).version
        found |= {
            "virtualization": virtualization(host),
            "runc": parse_version(versions.runc),
            "containerd_package": () if versions.runc else containerd_package(host),
        }
    return found


class Dead(TypedDict, total=False):
    """The axes of `_of_a_dead_agent`."""

    agent_down: bool
    apparmor_parser: bool
    apparmor_parser_version: tuple[int, ...]
    virtualization: str
    runc: tuple[int, ...]
    containerd_package: tuple[int, ...]


def _pair_trouble(host: Host, pair: Pair, situation: Situation) -> Finding:
    evidence = {"row": pair.id, "source": pair.source, "dated": table().dated, "agent": _dotted(situation.agent)}
    return trouble(
        "containers.compatibility",
        Status(pair.severity),
        f"Docker {_dotted(situation.engine)}, agent {_dotted(situation.agent)}",
        pair.text + _here(pair, situation),
        cause="docker.agent-incompatible",
        remedy=remedy(host, pair.fix[0].upper() + pair.fix[1:] + "."),
        evidence={**evidence, "engine": _dotted(situation.engine)},
    )


def _here(pair: Pair, situation: Situation) -> str:
    """The versions and the place of this host, where the row is about them."""
    if not pair.virtualization:
        return ""
    versions = ("runc", situation.runc), ("containerd.io", situation.containerd_package)
    known = [f"{name} {_dotted(version)}" for name, version in versions if version]
    return f"; this host is a container of {situation.virtualization}, with {', '.join(known)}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version) or "unknown"


CHECKS: tuple[Check, ...] = (docker_check, api_check, compatibility_check)
