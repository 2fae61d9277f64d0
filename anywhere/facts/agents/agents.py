"""The two agents: whether they are here, which versions, and what they say of themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field

from anywhere.facts.agents import ecs_log, init_log, registration
from anywhere.facts.agents import ssm_log as ssmlog
from anywhere.facts.agents.ecs_log import agent_log
from anywhere.facts.agents.registration import Registration
from anywhere.facts.agents.registration import registration as read_registration
from anywhere.facts.agents.ssm_log import ssm_log
from anywhere.facts.system import packages
from anywhere.facts.system.packages import packages as installed_packages
from anywhere.facts.system.units import ECS, SSM, SSM_SNAP, Unit, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Host, ProbeSpec
from anywhere.hosts.recording import once_a_run

INTROSPECTION = ProbeSpec("localhost", 51678, "http", "/v1/metadata", "127.0.0.1")

COMMANDS: tuple[tuple[str, ...], ...] = (*registration.COMMANDS, *packages.COMMANDS)
FILES: tuple[str, ...] = (*ecs_log.FILES, *init_log.FILES, *ssmlog.FILES)
FOLDERS: tuple[str, ...] = ()


@frozen
class Metadata:
    """What the ECS agent's introspection says (`answers`: whether it did at all); no instance before registration."""

    answers: bool = False
    cluster: str = ""
    instance_arn: str = ""
    version: str = ""


@frozen
class Agents:
    """Presence and state of both agents."""

    ssm: Unit
    ssm_snap: Unit
    ecs: Unit
    registration: Registration
    installed: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def has_ecs(self) -> bool:
        """Whether the ECS agent is installed, whether it runs or not."""
        return self.ecs.exists or "amazon-ecs-init" in self.installed or "ecs-init" in self.installed

    @property
    def has_ssm(self) -> bool:
        """Whether an SSM agent is installed, package or snap."""
        return self.ssm.exists or self.ssm_snap.exists or "amazon-ssm-agent" in self.installed

    @property
    def ssm_unit(self) -> Unit:
        """The unit of the SSM agent in use: as the official installer does, the snap's where it is enabled."""
        return self.ssm_snap if self.ssm_snap.exists and (self.ssm_snap.is_enabled or not self.ssm.exists) else self.ssm

    @property
    def keeps_snap(self) -> bool:
        """Whether of two SSM agents the snap is the one that works here: then the package is the one to remove."""
        return self.registration.is_registered is True and self.ssm_snap.is_running is True and not self.ssm.is_running

    @property
    def package_version(self) -> str:
        """The ECS agent's version as its package says; the package carries the agent of its own version."""
        version = self.installed.get("amazon-ecs-init", self.installed.get("ecs-init", ("", "")))[0]
        return version.partition("-")[0]


@once_a_run
def agents(host: Host) -> Agents:
    """Both agents of a host."""
    found = units(host)
    return Agents(found[SSM], found[SSM_SNAP], found[ECS], read_registration(host), installed_packages(host) or {})


def ssm_service(host: Host) -> str:
    """The SSM agent's service as systemctl takes it: the package's, or the snap's where that is the one in use."""
    return agents(host).ssm_unit.service


def is_bare(host: Host) -> bool:
    """Whether the ECS agent is not here yet: what registration brings is then no fault."""
    return not agents(host).has_ecs


def metadata(host: Host) -> Metadata:
    """Ask the ECS agent's introspection on the loopback."""
    probe = host.probe(INTROSPECTION)
    return parse_metadata(probe.http.body) if probe.http else Metadata()


def parse_metadata(text: str) -> Metadata:
    """The answer of `/v1/metadata`; something else that listens there gives an empty one.

    ```
    {"Cluster":"prod","ContainerInstanceArn":"arn:aws:ecs:...","Version":"Amazon ECS Agent - v1.98.0 (a1b2c3d4)"}
    ```
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Metadata()
    if not isinstance(found, dict) or "Version" not in found:
        return Metadata()
    version = re.search(r"v(\d+\.\d+\.\d+)", str(found["Version"]))
    arn = found.get("ContainerInstanceArn")
    cluster = found.get("Cluster")
    return Metadata(
        answers=True,
        cluster=cluster if isinstance(cluster, str) else "",
        instance_arn=arn if isinstance(arn, str) else "",
        version=version[1] if version else "",
    )


def ecs_version(host: Host, here: Agents) -> str:
    """The ECS agent's version: of the running one, else of the last start in its log, else of the package."""
    if not here.has_ecs:
        return ""
    log = agent_log(host)
    return metadata(host).version or (log.version if log else "") or here.package_version


def ssm_version(host: Host, here: Agents) -> str:
    """The SSM agent's version by its package, else by its log (the snap has no package)."""
    version = here.installed.get("amazon-ssm-agent", ("", ""))[0].partition("-")[0]
    log = ssm_log(host) if here.has_ssm and not version else None
    return version or (log.version if log else "")


def shard_names(host: Host) -> tuple[str, ...]:
    """The `ecs-a-N` and `ecs-t-N` names that this host's agent last received, by its log."""
    log = agent_log(host)
    return log.shards if log else ()
