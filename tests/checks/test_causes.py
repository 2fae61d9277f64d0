"""Each fault of a host gives exactly its own cause: a case for every code, and variations that must stay silent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from anywhere.catalogue.causes.agents import AGENTS_CAUSES
from anywhere.catalogue.causes.host import HOST_CAUSES
from anywhere.facts.agents.credentials import SHARED
from anywhere.facts.agents.docker import VERSION, WHERE
from anywhere.facts.agents.registration import GREP, IDENTITY, LEFTOVER, VAULT
from anywhere.facts.system.machine import CGROUPS, CMDLINE, CONTAINER, ELF, ENFORCE, KERNEL, MACHINE_ID, MOUNTS, UNAME
from anywhere.facts.system.packages import DPKG
from anywhere.facts.system.time_sync import CHRONY, TIMEDATECTL
from anywhere.facts.system.units import SHOW
from anywhere.hosts.base import Completed, Daemon, Disk, HttpFacts, Listener, Probe, ProbeSpec
from anywhere.model import Stage
from tests.support.fakehost import FakeHost
from tests.support.judging import (
    ACS_FAILED,
    ECS_LOG,
    NO_DOCKER,
    NO_VAULT,
    REGISTRATION,
    RHEL,
    SSM_LOG,
    START,
    UNITS,
    UP,
    bare,
    config,
    ecs_unit,
    log,
    registered,
    release,
    troubles,
)

ROCKY = 'ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel centos fedora"\n'
ARM32 = " 7f 45 4c 46 01 01 01 00 00 00 00 00 00 00 00 00\n 02 00 28 00\n"
DOWN = Completed(VERSION, 1, '{"Client":{"Version":"28.2.2"},"Server":null}', "Cannot connect to the Docker daemon")
GIB = 2**30


def engine(version: str, api: str, lowest: str, arch: str = "amd64") -> dict[tuple[str, ...], Completed | str]:
    server = {"Version": version, "ApiVersion": api, "MinAPIVersion": lowest, "Arch": arch}
    return {VERSION: json.dumps({"Client": {"Version": version}, "Server": server})}


def metadata(status: int, server: str, roles: int = 404) -> FakeHost:
    host, url = bare(), "http://169.254.169.254:80/latest/meta-data/"
    spec = ProbeSpec("169.254.169.254")
    facts = {url: (status, server), url + "iam/security-credentials/": (roles, server)}
    host.probes = {
        key: Probe(spec, Stage.DONE, http=HttpFacts(code, 0.0, {"server": name})) for key, (code, name) in facts.items()
    }
    return host


def disk(total: int, free: int, inodes: int = 1000, left: int = 900) -> FakeHost:
    return bare(disks=(Disk("/", total, free, inodes, left),))


SNAP_SSM = UNITS + "\nId=snap.amazon-ssm-agent.amazon-ssm-agent.service\nLoadState=loaded\nActiveState=active\n"
MISMATCH = "level=critical msg=\"Data mismatch; saved cluster 'a' does not match configured cluster 'b'.\""

FAULTS: dict[str, tuple[FakeHost, set[tuple[str, str, str]]]] = {
    "alpine": (bare(release("ID=alpine\nVERSION_ID=3.20\n")), {("system.os", "fail", "os.unsupported")}),
    "debian 10": (bare(release("ID=debian\nVERSION_ID=10\n")), {("system.os", "warn", "os.end-of-life")}),
    "rocky": (bare(release(ROCKY)), {("system.os", "warn", "os.unlisted")}),
    "ubuntu core": (bare(release("ID=ubuntu-core\nVERSION_ID=22\n")), {("system.os", "fail", "os.known-broken")}),
    "no os-release": (bare({"/etc/os-release": None}), {("system.os", "warn", "os.unknown")}),
    "32-bit board": (bare(commands={UNAME: "armv7l\n", ELF: ARM32}), {("system.arch", "fail", "arch.unsupported")}),
    "32-bit programs": (
        bare(commands={UNAME: "aarch64\n", ELF: ARM32}),
        {("system.arch", "fail", "arch.userland-mismatch")},
    ),
    "docker of another architecture": (
        registered(commands=engine("24.0.7", "1.43", "1.12", "arm64")),
        {("system.arch", "fail", "arch.userland-mismatch")},
    ),
    "old kernel": (bare({KERNEL: "2.6.32-754.el6\n"}), {("system.kernel", "fail", "kernel.too-old")}),
    "no systemd": (replace(bare(), folders={}), {("system.init", "fail", "init.not-systemd")}),
    "no memory controller": (
        bare({MOUNTS: "/dev/sda1 / ext4 rw\ncgroup2 /sys/fs/cgroup cgroup2 rw\n", CMDLINE: "cgroup_disable=memory",
              "/sys/fs/cgroup/cgroup.controllers": "cpu io\n"}),
        {("system.cgroup", "warn", "cgroup.controller-missing")},
    ),
    "no memory controller where limits are required": (
        registered({"/sys/fs/cgroup/cgroup.controllers": "cpu io\n",
                    "/etc/ecs/ecs.config": "ECS_CLUSTER=prod\nECS_ENABLE_TASK_CPU_MEM_LIMIT=true\n"}),
        {("system.cgroup", "fail", "cgroup.controller-missing")},
    ),
    "memory off in version 1": (
        bare({MOUNTS: "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu\ncgroup /sys/fs/cgroup/memory cgroup rw,memory\n",
              CGROUPS: "cpu 1 1 1\nmemory 0 1 0\n"}),
        {("system.cgroup", "warn", "cgroup.controller-missing")},
    ),
    "selinux": (bare({ENFORCE: "1"}), {("system.selinux", "warn", "selinux.enforcing")}),
    "little memory": (bare(memory_total=256 * 2**20), {("system.memory", "warn", "memory.low")}),
    "disk nearly full": (disk(40 * GIB, GIB), {("system.disk", "fail", "disk.low")}),
    "disk filling": (disk(40 * GIB, 6 * GIB), {("system.disk", "warn", "disk.low")}),
    "no room for the agent": (disk(GIB, GIB // 4), {("system.disk", "fail", "disk.low")}),
    "no inodes": (disk(40 * GIB, 30 * GIB, 1000, 5), {("system.disk", "fail", "disk.low")}),
    "machine-id in memory": (
        bare({MOUNTS: "/dev/sda1 / ext4 rw\ntmpfs /etc/machine-id tmpfs rw\ncgroup2 /sys/fs/cgroup cgroup2 rw\n"}),
        {("system.machine-id", "warn", "identity.volatile")},
    ),
    "machine-id empty": (bare({MACHINE_ID: ""}), {("system.machine-id", "warn", "identity.volatile")}),
    "no time service": (
        bare(commands={CHRONY: "506 Cannot talk to daemon", TIMEDATECTL: "System clock synchronized: no\n"}),
        {("system.time-sync", "warn", "clock.unsynchronised")},
    ),
    "time service without servers": (
        bare(commands={CHRONY: "Leap status     : Not synchronised\n"}),
        {("system.time-sync", "warn", "clock.unsynchronised")},
    ),
    "no docker on rhel": (bare(release(RHEL)), {("containers.docker", "fail", "docker.missing")}),
    "docker removed": (
        registered(commands=NO_DOCKER), {("containers.docker", "fail", "docker.missing")},
    ),
    "docker stopped": (registered(commands={VERSION: DOWN}), {("containers.docker", "fail", "docker.not-running")}),
    "docker masked": (
        bare(commands={VERSION: DOWN, SHOW: "Id=docker.service\nLoadState=masked\nActiveState=inactive\n"}),
        {("containers.docker", "fail", "docker.not-running")},
    ),
    "docker failed": (
        bare(commands={VERSION: DOWN, SHOW: "Id=docker.service\nLoadState=loaded\nActiveState=failed\n"}),
        {("containers.docker", "fail", "docker.not-running")},
    ),
    "docker hangs": (
        registered(commands={VERSION: Completed(VERSION, 124, "", "timed out")}),
        {("containers.docker", "fail", "docker.not-running")},
    ),
    "daemon.json broken": (
        bare({"/etc/docker/daemon.json": "{\n"}, {VERSION: DOWN}), {("containers.docker", "fail", "docker.not-running")},
    ),
    "podman": (
        bare(commands={VERSION: Completed(VERSION, 0, "{}", "Emulate Docker CLI using podman.")}),
        {("containers.docker", "fail", "docker.podman")},
    ),
    "docker snap": (
        bare(commands={VERSION: DOWN, WHERE: "/snap/bin/docker\n/usr/bin/snap\n"}),
        {("containers.docker", "fail", "docker.snap")},
    ),
    "docker too new": (
        registered(commands=engine("30.0.0", "1.55", "1.45")), {("containers.api", "fail", "docker.api-window")},
    ),
    "docker too old": (
        registered(commands=engine("1.8.3", "1.20", "1.12")), {("containers.api", "fail", "docker.api-window")},
    ),
    "old agent, engine 25": (
        replace(
            registered({ECS_LOG: UP.replace("1.98.0", "1.80.0")},
                       {**engine("25.0.3", "1.44", "1.24"), DPKG: "amazon-ecs-init 1.80.0-1 install ok installed\n"},
                       daemons=(Daemon("ecs-agent", 7),)),
            probes={},
        ),
        {("containers.compatibility", "fail", "docker.agent-incompatible")},
    ),
    "leftover minimum, engine 26": (
        bare({"/etc/default/docker": "DOCKER_MIN_API_VERSION=1.12\n"},
             {VERSION: DOWN, SHOW: "Id=docker.service\nLoadState=loaded\nActiveState=inactive\n"
              "EnvironmentFiles=/etc/default/docker (ignore_errors=yes)\n"}),
        {("containers.compatibility", "fail", "docker.agent-incompatible")},
    ),
    "no bridge": (
        registered({"/etc/docker/daemon.json": '{"bridge": "none"}'}),
        {("containers.compatibility", "warn", "docker.agent-incompatible")},
    ),
    "port taken": (
        bare(listeners=(Listener("0.0.0.0", 51678, 7, "nginx"),)), {("network.agent-ports", "fail", "ports.taken")},
    ),
    "port taken beside the agent": (
        registered(listeners=(Listener("::", 51678, 9, "agent"), Listener("127.0.0.1", 51679, 7, "java"))),
        {("network.agent-ports", "fail", "ports.taken")},
    ),
    "ports not reserved": (
        registered({"/proc/sys/net/ipv4/ip_local_reserved_ports": "6000\n"}),
        {("network.reserved-ports", "warn", "ports.not-reserved")},
    ),
    "keys in ecs.config": (
        config("ECS_CLUSTER=prod\nAWS_ACCESS_KEY_ID=AKIAX\nAWS_SECRET_ACCESS_KEY=y\n"),
        {("agents.credentials", "fail", "credentials.static")},
    ),
    "keys of root": (
        bare(commands={SHARED: "[default]\naws_access_key_id =\naws_secret_access_key =\n"}),
        {("agents.credentials", "fail", "credentials.static")},
    ),
    "ec2 with a role": (metadata(200, "EC2ws", 200), {("agents.metadata-service", "fail", "credentials.ec2-role")}),
    "ec2 with tokens": (metadata(401, "EC2ws"), {("agents.metadata-service", "warn", "credentials.ec2-role")}),
    "google cloud": (
        metadata(403, "Metadata Server for VM"), {("agents.metadata-service", "warn", "credentials.foreign-metadata")},
    ),
    "registered elsewhere": (
        registered({"/var/lib/ecs/ecs.config": "AWS_DEFAULT_REGION=eu-west-1\nECS_EXTERNAL=true\n"},
                   {GREP: REGISTRATION.replace("us-east-1", "eu-west-1")}),
        {("agents.registration", "fail", "registration.other")},
    ),
    "agents of two regions": (
        registered({"/var/lib/ecs/ecs.config": "AWS_DEFAULT_REGION=eu-west-1\nECS_EXTERNAL=true\n"}),
        {("agents.registration", "fail", "registration.other")},
    ),
    "failed registration": (
        bare(commands={GREP: f'{VAULT}:"instanceID":""\n{VAULT}:"region":""\n'}),
        {("agents.registration", "warn", "registration.broken")},
    ),
    "vault without instance": (
        bare(commands={GREP: Completed(GREP, 1)}), {("agents.registration", "fail", "registration.broken")},
    ),
    "leftover of a cleared one": (
        bare(commands={GREP: Completed(GREP, 2, f'{LEFTOVER}:"ManagedInstanceID":"mi-0123456789abcdef0"\n',
                                       NO_VAULT.stderr)}),
        {("agents.registration", "warn", "registration.broken")},
    ),
    "half installed": (
        registered({"/var/lib/ecs/ecs.config": "AWS_DEFAULT_REGION=us-east-1\n"}),
        {("agents.registration", "fail", "registration.broken")},
    ),
    "deregistered": (
        log('msg="Container instance is deregistered"'),
        {("agents.registration", "fail", "registration.broken"), ("agents.ecs", "fail", "agent.disconnected")},
    ),
    "fingerprint": (
        registered({SSM_LOG: "ERROR [CredentialRefresher] Retrieve credentials produced aws error: "
                    "MachineFingerprintDoesNotMatch: x\n"}),
        {("agents.registration", "fail", "registration.broken"), ("agents.ssm", "fail", "registration.broken")},
    ),
    "two ssm agents": (registered(commands={SHOW: SNAP_SSM}), {("agents.ssm", "fail", "agent.duplicate-ssm")}),
    "ssm stopped": (
        registered(commands={SHOW: UNITS.replace("amazon-ssm-agent.service\nLoadState=loaded\nActiveState=active",
                                                 "amazon-ssm-agent.service\nLoadState=loaded\nActiveState=inactive")}),
        {("agents.ssm", "fail", "agent.disconnected")},
    ),
    "ssm hibernates": (
        registered({SSM_LOG: "INFO [ssm-agent-worker] Entering SSM Agent hibernate - ThrottlingException: x\n"}),
        {("agents.ssm", "fail", "agent.disconnected")},
    ),
    "credentials ran out": (
        registered(commands={GREP: f'{REGISTRATION}{IDENTITY}:"CredentialsExpiresAt":"2026-09-20T10:00:00Z"\n'}),
        {("agents.ssm", "fail", "agent.disconnected")},
    ),
    "channel lost": (log(ACS_FAILED), {("agents.ecs", "fail", "agent.disconnected")}),
    "telemetry lost": (
        log('msg="Error connecting to TCS" error="x509: unknown"'), {("agents.ecs", "warn", "agent.disconnected")},
    ),
    "ecs stopped": (
        registered(commands=ecs_unit(ActiveState="failed", SubState="failed", ExecMainStatus=5)),
        {("agents.ecs", "fail", "agent.disconnected")},
    ),
    "ecs not enabled": (
        registered(commands=ecs_unit(UnitFileState="disabled")), {("agents.ecs", "warn", "agent.disconnected")},
    ),
    "restart loop by systemd": (
        registered(commands=ecs_unit(ActiveState="activating", SubState="auto-restart", ExecMainStatus=5, NRestarts=9)),
        {("agents.restarts", "fail", "agent.restart-loop")},
    ),
    "restart loop by the log": (
        log(START, MISMATCH, START, MISMATCH, START, MISMATCH),
        {("agents.restarts", "fail", "agent.restart-loop"), ("agents.registration", "fail", "registration.other"),
         ("agents.ecs", "fail", "agent.disconnected")},
    ),
    "quoted setting": (config('ECS_CLUSTER="prod"\n'), {("agents.config", "fail", "config.invalid")}),
    "line without =": (config("ECS_CLUSTER=prod\nwords\n"), {("agents.config", "warn", "config.invalid")}),
    "setting given twice": (config("ECS_CLUSTER=old\nECS_CLUSTER=prod\n"), {("agents.config", "warn", "config.duplicate")}),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_gives_its_own_cause_and_no_other(name: str) -> None:
    host, expected = FAULTS[name]
    assert troubles(host) == expected


# What rules, processes and logs show together has its faults in the region.
IN_THE_REGION = {
    *(
        "unit.waiting",
        "agent.state-damaged",
        "agent.not-authorized",
        "agent.no-credentials",
        "agent.stale-environment",
        "gpu.not-found",
        "agent.feature-lost",
        "exec.not-ready",
    ),
    *("docker.rules-missing", "containers.no-egress"),
}


def test_every_cause_has_a_fault_and_the_severity_that_its_text_says() -> None:
    seen: dict[str, set[str]] = {}
    for _, expected in FAULTS.values():
        for _, status, cause in expected:
            seen.setdefault(cause, set()).add(status)
    texts = {text.code: text for text in (*HOST_CAUSES, *AGENTS_CAUSES)}
    assert set(seen) == set(texts) - IN_THE_REGION
    for code in seen:
        assert seen[code] == set(texts[code].severity.split(" or ")), code


SILENT: dict[str, FakeHost] = {
    "a big disk, mostly used": disk(4000 * GIB, 300 * GIB),
    "btrfs without inodes": disk(40 * GIB, 30 * GIB, 0, 0),
    "a later start of the port range": bare({"/proc/sys/net/ipv4/ip_local_port_range": "60000\t60999\n"}),
    "a container host's clock": bare({CONTAINER: "systemd-nspawn\n"},
                                     {CHRONY: "", TIMEDATECTL: "System clock synchronized: no\n"}),
    "nothing tells the time": bare(commands={CHRONY: ""}),
    "a stopped docker before registration": bare(commands={VERSION: DOWN}),
    "no docker on debian before registration": bare(),
    "selinux permissive": bare({ENFORCE: "0"}),
    "engine 29": registered(commands=engine("29.0.1", "1.52", "1.44")),
    "an old engine that is still spoken to": registered(commands=engine("1.9.1", "1.21", "1.12")),
    "windows line ends": config("ECS_CLUSTER=prod\r\nECS_LOGLEVEL=info\r\n"),
    "the same setting in both files": config("ECS_CLUSTER=prod\nAWS_DEFAULT_REGION=us-east-1\n"),
    "an image that cannot be pulled": log('msg="Failed to pull" error="lookup reg on 10.0.0.2:53: no such host"'),
    "the agent's own ports": registered(
        listeners=(Listener("::", 51678, 9, "agent"), Listener("127.0.0.1", 51679, 9, "agent"))
    ),
    "the agent's port, its owner unseen": registered(listeners=(Listener("::", 51678),), is_root=False),
    "credentials that the ssm agent wrote": registered(
        commands={SHARED: "[default]\naws_access_key_id =\naws_secret_access_key =\naws_session_token =\n"}
    ),
    "credentials in time": registered(
        commands={GREP: f'{REGISTRATION}{IDENTITY}:"CredentialsExpiresAt":"2026-09-21T23:00:00Z"\n'}
    ),
    "an ec2 instance without a role": metadata(200, "EC2ws"),
    "a restart long ago": registered(commands=ecs_unit(NRestarts=4)),
    "ssm alone": bare(commands={GREP: REGISTRATION}),
    "testing without a version": bare(release('ID=debian\nVERSION_ID=12\nNAME="x\n')),
}  # fmt: skip


@pytest.mark.parametrize("name", SILENT)
def test_what_is_no_fault_stays_silent(name: str) -> None:
    assert troubles(SILENT[name]) == set()
