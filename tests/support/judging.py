"""Hosts to judge and the shape of what was found, for the tests of checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from anywhere.checks.agents import agents, credentials, registration
from anywhere.checks.base import Check
from anywhere.checks.containers import docker
from anywhere.checks.network import ports
from anywhere.checks.system import capacity, identity, isolation, machine
from anywhere.facts.agents.docker import VERSION
from anywhere.facts.agents.registration import GREP, VAULT
from anywhere.facts.system.machine import CONTROLLERS, ELF, KERNEL, MACHINE_ID, MOUNTS, UNAME
from anywhere.facts.system.packages import DPKG
from anywhere.facts.system.time_sync import CHRONY
from anywhere.facts.system.units import SHOW
from anywhere.hosts.base import Completed, Disk, HttpFacts, Inventory, Probe, ProbeSpec
from anywhere.model import Finding, Remedy, Stage
from anywhere.settings import Settings
from tests.support.fakehost import NOW, FakeHost

X86 = " 7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00\n 03 00 3e 00\n"
NO_VAULT = Completed(GREP, 2, "", f"grep: {VAULT}: No such file or directory\n")
FILES: dict[str, str | bytes | None] = {
    "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    KERNEL: "6.1.0-28-amd64\n",
    MOUNTS: "/dev/sda1 / ext4 rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
    CONTROLLERS: "cpuset cpu io memory pids\n",
    MACHINE_ID: "3d1219c7c4c5404aaa1f6d2a48adfda4\n",
    "/proc/1/comm": "systemd\n",
    "/proc/sys/net/ipv4/ip_local_reserved_ports": "\n",
    "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
}
COMMANDS: dict[tuple[str, ...], Completed | str] = {
    UNAME: "x86_64\n",
    ELF: X86,
    CHRONY: "Leap status     : Normal\n",
    GREP: NO_VAULT,
    SHOW: "Id=docker.service\nLoadState=not-found\nActiveState=inactive\n",
}
DISKS = (Disk("/", 100 * 2**30, 60 * 2**30, 1000, 900),)
BARE_INVENTORY: dict[str, Any] = {"memory_total": 2**33, "disks": DISKS, "now": NOW, "is_root": True}

ENGINE = json.dumps(
    {
        "Client": {"Version": "24.0.7"},
        "Server": {"Version": "24.0.7", "ApiVersion": "1.43", "MinAPIVersion": "1.12", "Arch": "amd64"},
    }
)
UNITS = """Id=docker.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled

Id=ecs.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
NRestarts=0
ExecMainStatus=0

Id=amazon-ssm-agent.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
NRestarts=0
"""
START = 'msg="Starting Amazon ECS Agent" version="1.98.0"'
REGISTERED = 'msg="Registered container instance with cluster!"'
UP = f'{START}\n{REGISTERED}\nmsg="Connected to ACS endpoint"\nmsg="Connected to TCS endpoint"\n'
INSTANCE = "mi-0123456789abcdef0"
REGISTRATION = f'{VAULT}:"instanceID":"{INSTANCE}"\n{VAULT}:"region":"us-east-1"\n'
ECS_LOG, SSM_LOG = "/var/log/ecs/ecs-agent.log", "/var/log/amazon/ssm/amazon-ssm-agent.log"
WANTED = Settings(regions=("us-east-1",))
INTROSPECTION = "http://127.0.0.1:51678/v1/metadata"


def bare(
    files: Mapping[str, str | bytes | None] = {},
    commands: Mapping[tuple[str, ...], Completed | str] = {},
    **inventory: Any,
) -> FakeHost:
    """A supported server with nothing of ECS Anywhere on it, with changes."""
    return FakeHost(
        {**FILES, **files},
        {**COMMANDS, **commands},
        {"/run/systemd/system": ()},
        Inventory(**{**BARE_INVENTORY, **inventory}),
    )


def registered(
    files: Mapping[str, str | bytes | None] = {},
    commands: Mapping[tuple[str, ...], Completed | str] = {},
    **inventory: Any,
) -> FakeHost:
    """A healthy external instance of cluster prod in us-east-1, with changes."""
    own = {
        "/etc/ecs/ecs.config": "ECS_CLUSTER=prod\n",
        "/var/lib/ecs/ecs.config": "AWS_DEFAULT_REGION=us-east-1\nECS_EXTERNAL=true\n",
        ECS_LOG: UP,
        SSM_LOG: "INFO [amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0\nINFO [CredentialRefresher] Credentials ready\n",
        "/proc/sys/net/ipv4/ip_local_reserved_ports": "51678-51679\n",
    }
    said: dict[tuple[str, ...], Completed | str] = {
        SHOW: UNITS,
        VERSION: ENGINE,
        GREP: REGISTRATION,
        DPKG: "amazon-ecs-init 1.98.0-1 install ok installed\namazon-ssm-agent 3.3.987.0-1 install ok installed\n",
    }
    host = bare({**own, **files}, {**said, **commands}, **inventory)
    body = '{"Cluster":"prod","ContainerInstanceArn":"arn:aws:ecs:x","Version":"Amazon ECS Agent - v1.98.0 (a)"}'
    host.probes = {INTROSPECTION: Probe(ProbeSpec("localhost"), Stage.DONE, http=HttpFacts(200, body=body))}
    return host


def judge(check: Check, host: FakeHost, settings: Settings = WANTED) -> list[Finding]:
    """All findings of a check."""
    return list(check.judge(host, settings))


def shape(findings: list[Finding]) -> list[tuple[str, str]]:
    """Status and cause of each."""
    return [(str(finding.status), finding.cause) for finding in findings]


def release(text: str) -> dict[str, str | bytes | None]:
    return {"/etc/os-release": text}


def config(user: str) -> FakeHost:
    return registered({"/etc/ecs/ecs.config": user})


def log(*lines: str) -> FakeHost:
    return registered({ECS_LOG: UP + "\n".join(lines)})


def ecs_unit(**said: Any) -> dict[tuple[str, ...], Completed | str]:
    """UNITS with other properties of ecs.service."""
    blocks = UNITS.split("\n\n")
    for key, value in said.items():
        lines = [line for line in blocks[1].splitlines() if not line.startswith(f"{key}=")]
        blocks[1] = "\n".join((*lines, f"{key}={value}"))
    return {SHOW: "\n\n".join(blocks)}


NO_DOCKER: dict[tuple[str, ...], Completed | str] = {
    VERSION: Completed(VERSION, 127),
    SHOW: UNITS.replace(
        "Id=docker.service\nLoadState=loaded\nActiveState=active", "Id=docker.service\nLoadState=not-found"
    ),
}


ACS_FAILED = 'level=error msg="Failed to connect to ACS" error="dial tcp 10.1.1.1:443: i/o timeout"'


def remedy_of(check: Check, host: FakeHost) -> Remedy:
    found = next(one.remedy for one in judge(check, host) if one.remedy)
    assert found is not None
    return found


RHEL = 'ID="rhel"\nVERSION_ID="9.4"\nPRETTY_NAME="Red Hat Enterprise Linux 9.4"\n'


MODULES = (machine, isolation, identity, capacity, docker, ports, agents, registration, credentials)
CHECKS: tuple[Check, ...] = tuple(check for module in MODULES for check in module.CHECKS)


def troubles(host: FakeHost, settings: Settings = Settings(regions=("us-east-1",))) -> set[tuple[str, str, str]]:  # noqa: B008
    found = [one for check in CHECKS for one in judge(check, host, settings)]
    return {(one.check, str(one.status), one.cause) for one in found if one.is_trouble}
