"""Modules, limits, mounts and the kernel's log, read from tables."""

from __future__ import annotations

import pytest

from anywhere.facts.kernel.folders import mount_of
from anywhere.facts.kernel.limits import inotify_complaint, uses
from anywhere.facts.kernel.log import denials, exceeded, kills, read_only_reason
from anywhere.facts.kernel.modules import BARRED, forbidden, other_kernels
from anywhere.facts.system.machine import parse_mounts
from tests.support.fakehost import FakeHost

RELEASE = {"/proc/sys/kernel/osrelease": "6.1.0-31-amd64\n"}
LISTED = (
    "/etc/modprobe.d/cis.conf:2:install cramfs /bin/true\n/etc/modprobe.d/cis.conf:3:install overlay /usr/bin/false\n"
)


@pytest.mark.parametrize(
    ("files", "gone"),
    [
        ({"/lib/modules/6.1.0-33-amd64/modules.dep": ""}, ("6.1.0-33-amd64",)),
        ({"/lib/modules/6.1.0-31-amd64/kernel/x.ko": "", "/lib/modules/6.1.0-33-amd64/modules.dep": ""}, ()),
        ({}, ()),
        ({"/lib/modules/6.1.0-33-amd64/modules.dep": "", "/run/systemd/container": "lxc\n"}, ()),
    ],
    ids=["gone", "there", "all built in", "a container, whose kernel is another's"],
)
def test_modules_are_gone_where_others_have_theirs(files: dict[str, str], gone: tuple[str, ...]) -> None:
    assert other_kernels(FakeHost(files=RELEASE | files)) == gone


@pytest.mark.parametrize(
    ("files", "modules"),
    [
        ({"/proc/modules": "loop 1 0 - Live 0x0\n"}, ["overlay"]),
        ({"/proc/modules": "overlay 1 0 - Live 0x0\n"}, []),
        ({}, []),
        ({"/proc/modules": "", "/lib/modules/6.1.0-31-amd64/modules.builtin": "kernel/fs/overlayfs/overlay.ko\n"}, []),
    ],
    ids=["barred", "loaded already", "a kernel without modules", "built in"],
)
def test_a_barred_module_counts_where_it_is_needed(files: dict[str, str], modules: list[str]) -> None:
    found = list(forbidden(FakeHost(files=RELEASE | files, commands={BARRED: LISTED})))
    assert [one.module for one in found] == modules
    assert all(one.place == "/etc/modprobe.d/cis.conf:3" for one in found)


def test_limits_are_read_beside_their_use() -> None:
    host = FakeHost(
        files={
            "/proc/sys/fs/file-nr": "1500\t500\t2000\n",
            "/proc/net/arp": "IP address HW type\n" + "10.0.0.1 x\n" * 1020,
            "/proc/sys/net/ipv4/neigh/default/gc_thresh3": "1024\n",
            "/proc/loadavg": "0.1 0.1 0.1 1/300 4711\n",
            "/proc/sys/kernel/threads-max": "63000\n",
            "/proc/sys/kernel/pid_max": "4194304\n",
        }
    )
    assert [(one.used, one.most, one.setting) for one in uses(host)] == [
        (1000, 2000, "fs.file-max"),
        (300, 63000, "kernel.threads-max"),
        (1020, 1024, "net.ipv4.neigh.default.gc_thresh3"),
    ]


def test_a_complaint_of_an_earlier_run_does_not_count() -> None:
    path = "/var/log/amazon/ssm/amazon-ssm-agent.log"
    complaint = "2026-09-21 10:00:00 ERROR encountered error when start watcher: too many open files\n"
    start = "2026-09-21 10:05:00 INFO amazon-ssm-agent - v3.3.4108.0\n"
    assert inotify_complaint(FakeHost(files={path: complaint + start})) is None
    found = inotify_complaint(FakeHost(files={path: start + complaint}))
    assert found is not None and found.kind == "instances"


def test_the_last_mount_over_a_place_counts() -> None:
    table = parse_mounts("/dev/a / ext4 rw 0 0\n/dev/b /var ext4 rw 0 0\n/dev/b /var ext4 ro,noexec 0 0\n")
    found = mount_of(table, "/var/lib/ecs")
    assert found is not None and found.options == ("ro", "noexec")
    assert mount_of(table, "/variable") == table[0]


def test_the_kernels_words_about_others_are_left_out() -> None:
    rows = (
        "Out of memory: Killed process 1 (java) total-vm:1kB",
        "Memory cgroup out of memory: Killed process 2 (dockerd) total-vm:1kB",
        'audit: type=1400 apparmor="DENIED" operation="open" profile="x" pid=3 comm="ps"',
        'audit: type=1400 audit(1.1:2): avc:  denied  { write } for  pid=4 comm="agent" name="ecs"',
        "EXT4-fs (sda3): Remounting filesystem read-only",
    )
    assert [one.unit for one in kills(rows)] == ["docker.service"]
    assert [one.unit for one in denials(rows)] == ["ecs.service"]
    assert read_only_reason(rows) == rows[-1]


CHOSE = "oom-kill:constraint={},nodemask=(null),cpuset=x,mems_allowed=0,{}task_memcg={},task={},pid=2,uid=0"
UNDER = "docker-3f1a9c5b7d2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8.scope"


@pytest.mark.parametrize(
    ("name", "where", "group", "ours"),
    [
        ("agent", "CONSTRAINT_MEMCG", f"/ecstasks.slice/ecstasks-1f.slice/{UNDER}", False),
        ("agent", "CONSTRAINT_MEMCG", f"/system.slice/{UNDER}", False),
        ("agent", "CONSTRAINT_NONE", "/ecs/1f2e/3f1a9c5b7d2e", False),
        ("agent", "CONSTRAINT_NONE", f"/system.slice/{UNDER}", True),
        ("containerd", "CONSTRAINT_NONE", f"/system.slice/{UNDER}", False),
        ("containerd", "CONSTRAINT_MEMCG", "/docker/3f1a9c5b7d2e4f60", False),
        ("containerd", "CONSTRAINT_MEMCG", "/system.slice/containerd.service", True),
        ("dockerd", "CONSTRAINT_NONE", "/system.slice/docker.service", True),
        ("dockerd", "CONSTRAINT_NONE", "/", True),
    ],
)
def test_a_program_of_a_task_is_not_ours_for_its_name(name: str, where: str, group: str, ours: bool) -> None:
    limited = where == "CONSTRAINT_MEMCG"
    chose = CHOSE.format(where, f"oom_memcg={group}," if limited else "global_oom,", group, name)
    killed = f"{'Memory cgroup out' if limited else 'Out'} of memory: Killed process 2 ({name}) total-vm:1kB"
    assert [one.name for one in kills((chose, "Tasks state (memory values in pages):", killed))] == [name] * ours
    before = f"Task in {group} killed as a result of limit of {group}"
    if limited:
        assert [one.name for one in kills((before, killed))] == [name] * ours


def test_the_profile_of_every_container_says_nothing_of_the_agent() -> None:
    row = 'apparmor="DENIED" operation="ptrace" profile="{}" pid=4130 comm="agent" requested_mask="read"'
    assert not list(denials((row.format("docker-default"),)))
    assert [one.unit for one in denials((row.format("ecs-agent-default"),))] == ["ecs.service"]


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("[ 9000.5] nf_conntrack: table full, dropping packet", ["net.netfilter.nf_conntrack_max"]),
        ("<4>[ 9000.5] neighbour: arp_cache: neighbor table overflow!", ["net.ipv4.neigh.default.gc_thresh3"]),
        ("[ 9000.5] Neighbour table overflow.", ["net.ipv4.neigh.default.gc_thresh3"]),
        ("[ 9000.5] VFS: file-max limit 8192 reached", ["fs.file-max"]),
        ("[ 9000.5] cgroup: fork rejected by pids controller in /system.slice/ecs.service", ["ecs.service"]),
        ("[ 9000.5] cgroup: fork rejected by pids controller in /system.slice/docker.service/task", []),
        ("[ 9000.5] cgroup: fork rejected by pids controller in /system.slice/cron.service", []),
        ("[ 100.5] nf_conntrack: table full, dropping packet", []),
        ("Nov 29 10:00:00 server1 kernel: nf_conntrack: table full, dropping packet", []),
        ("[ 99999.5] nf_conntrack: table full, dropping packet", []),
    ],
)
def test_only_limits_of_the_last_hour_count(line: str, settings: list[str]) -> None:
    found = exceeded(("[    0.000000] Linux version 6.1", line), 9600.0)
    assert [one.setting or one.unit for one in found] == settings
