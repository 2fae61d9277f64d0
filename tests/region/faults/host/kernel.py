"""The kernel: limits that are used up, modules gone, kills and denials; and file systems that do not suit."""

from __future__ import annotations

import time

from tests.region.faults import fault, variation
from tests.region.host import MEMINFO
from tests.region.software import (
    AGENT,
    DOCKER,
    DOCKERD,
    ECS,
    ECS_INIT,
    SSM,
    SSM_AGENT,
    docker_of,
    register,
    ssm_log,
    stop,
)
from tests.region.world import World

RUNNING, NEWER = "6.1.0-31-amd64", "6.1.0-33-amd64"
DMESG = "/usr/bin/dmesg"
SSM_LOG = "/var/log/amazon/ssm/amazon-ssm-agent.log"
INOTIFY = "/proc/sys/fs/inotify/max_user_"
CONNTRACK = "/proc/sys/net/netfilter/nf_conntrack_"


def says(world: World, *lines: str) -> None:
    """The kernel's log."""
    text = "\n".join(f"[{4000 + number}.000000] {line}" for number, line in enumerate(lines))
    world.host.files["/run/region/kernel.log"] = text + "\n"
    world.host.programs[DMESG] = "#!/bin/sh\nexec cat /run/region/kernel.log\n"


def docker_down(world: World) -> None:
    """Docker failed at its start, and the agent went with it."""
    for name in (DOCKERD, AGENT, ECS_INIT):
        stop(world, name)
    for unit in (DOCKER, ECS):
        world.host.units[unit].active = False
    world.host.units[DOCKER].properties |= {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}


def kernels(world: World, *on_disk: str) -> None:
    """The running kernel's release, and those whose modules are there."""
    world.host.overmounts["/proc/sys/kernel/osrelease"] = RUNNING + "\n"
    for version in on_disk:
        world.host.files[f"/lib/modules/{version}/modules.dep"] = "kernel/net/bridge/bridge.ko:\n"


@fault("modules-gone", "an upgrade took the running kernel's modules, and docker does not start", "kernel.modules-gone")
def modules_gone(world: World) -> None:
    register(world)
    docker_down(world)
    kernels(world, NEWER)


@fault("modules-gone-dkms", "of the old kernel's modules a driver's alone are left", "kernel.modules-gone")
def modules_gone_dkms(world: World) -> None:
    kernels(world, NEWER)
    world.host.files[f"/lib/modules/{RUNNING}/updates/dkms/raid.ko"] = ""


@fault("modules-gone-docker-runs", "the same, and docker still runs", "kernel.modules-gone")
def modules_gone_runs(world: World) -> None:
    register(world)
    kernels(world, NEWER)


@fault("connection-table-full", "the connection table is full", "kernel.limit")
def conntrack_full(world: World) -> None:
    register(world)
    world.host.overmounts |= {f"{CONNTRACK}count": "65530\n", f"{CONNTRACK}max": "65536\n"}


@fault(
    "connection-table-drops",
    "the connection table is full, and the first packet of each connection is dropped",
    "kernel.limit",
)
def conntrack_drops(world: World) -> None:
    conntrack_full(world)
    world.router.forward.append("drop")


@fault("connection-table-near", "the connection table is nearly full", "kernel.limit")
def conntrack_near(world: World) -> None:
    register(world)
    world.host.overmounts |= {f"{CONNTRACK}count": "61000\n", f"{CONNTRACK}max": "65536\n"}


@fault("file-handles-used-up", "the host has no file handle left", "kernel.limit")
def file_handles(world: World) -> None:
    register(world)
    world.host.overmounts["/proc/sys/fs/file-nr"] = "99990\t0\t100000\n"


@fault("processes-used-up", "there are as many processes as there may be", "kernel.limit")
def processes_used_up(world: World) -> None:
    register(world)
    world.host.overmounts |= {"/proc/loadavg": "9.1 8.2 7.0 3/32760 32101\n", "/proc/sys/kernel/pid_max": "32768\n"}


def _complains(world: World, words: str) -> None:
    register(world)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 300))
    row = f"{at}.1204 ERROR [ssm-agent-worker] filewatcher listener encountered error when start watcher: {words}\n"
    world.host.files[SSM_LOG] = ssm_log() + row


@fault("inotify-instances-used-up", "the SSM agent gets no inotify instance", "kernel.limit")
def inotify_instances(world: World) -> None:
    _complains(world, "too many open files")
    world.host.overmounts[f"{INOTIFY}instances"] = "128\n"


@fault("inotify-watches-used-up", "the SSM agent gets no inotify watch", "kernel.limit")
def inotify_watches(world: World) -> None:
    _complains(world, "no space left on device")
    world.host.overmounts[f"{INOTIFY}watches"] = "65536\n"


@fault("ssm-agent-killed", "the kernel killed the SSM agent for want of memory, and it is down", "memory.low")
def ssm_killed(world: World) -> None:
    register(world)
    stop(world, SSM_AGENT, SSM)
    says(
        world,
        "Out of memory: Killed process 912 (amazon-ssm-agen) total-vm:1821204kB, anon-rss:9120kB, oom_score_adj:0",
    )


@fault("dockerd-killed-once", "the kernel killed dockerd for want of memory, and it runs again", "memory.low")
def dockerd_killed(world: World) -> None:
    register(world)
    says(world, "Out of memory: Killed process 700 (dockerd) total-vm:2421204kB, anon-rss:89120kB, UID:0")


def said_ago(world: World, seconds: float, line: str) -> None:
    """A line of the kernel's log, so long ago; before it others of the boot."""
    register(world)
    at = time.clock_gettime(time.CLOCK_BOOTTIME) - seconds
    text = f"[    0.000000] Linux version 6.1.0-31-amd64\n[{at:12.6f}] {line}\n"
    world.host.files["/run/region/kernel.log"] = text
    world.host.programs[DMESG] = "#!/bin/sh\nexec cat /run/region/kernel.log\n"


FULL_TABLE = "nf_conntrack: nf_conntrack: table full, dropping packet"


@fault("connection-table-was-full", "the connection table was full a minute ago", "kernel.limit")
def conntrack_was_full(world: World) -> None:
    said_ago(world, 60, FULL_TABLE)


@fault("docker-tasks-max", "docker's unit may have no more processes", "kernel.limit")
def docker_tasks_max(world: World) -> None:
    said_ago(world, 60, "cgroup: fork rejected by pids controller in /system.slice/docker.service")


@variation("tasks-max-raised-since", "docker's unit had too few processes, and has had a higher TasksMax= since")
def tasks_max_raised(world: World) -> None:
    said_ago(world, 60, "cgroup: fork rejected by pids controller in /system.slice/docker.service")
    path = "/etc/systemd/system/docker.service.d/50-TasksMax.conf"
    world.host.files[path] = "[Service]\nTasksMax=infinity\n"


@variation("connection-table-full-long-ago", "the connection table was full once, some hours ago")
def conntrack_long_ago(world: World) -> None:
    said_ago(world, -7200 if time.clock_gettime(time.CLOCK_BOOTTIME) < 7200 else 7200, FULL_TABLE)


@fault("apparmor-denies-agent", "an AppArmor profile denies the SSM agent its own folder", "kernel.denied")
def apparmor_denies(world: World) -> None:
    register(world)
    says(world, 'audit: type=1400 audit(1764406000.1:77): apparmor="DENIED" operation="open" profile="site-agents" '
                'name="/var/lib/amazon/ssm/x" pid=912 comm="amazon-ssm-agen" requested_mask="w" denied_mask="w"')  # fmt: skip


def audit(world: World, ago: float) -> None:
    """A line of auditd about the SSM agent, so long ago."""
    register(world)
    row = 'avc:  denied  { write } for  pid=912 comm="amazon-ssm-agen" name="ssm" scontext=system_u:system_r:init_t:s0'
    text = f"type=AVC msg=audit({time.time() - ago:.3f}:456): {row} permissive=0\n"
    world.host.files["/var/log/audit/audit.log"] = text
    world.host.modes["/var/log/audit/audit.log"] = 0o600


@fault("selinux-denies-audited", "auditd keeps what SELinux denies the SSM agent, which is down", "kernel.denied")
def selinux_denies_audited(world: World) -> None:
    audit(world, 5400)
    stop(world, SSM_AGENT, SSM)


@variation("denied-in-the-past", "auditd has a denial to the SSM agent that is hours old; the agent runs")
def denied_in_the_past(world: World) -> None:
    audit(world, 5400)


@fault("state-read-only", "the file system of the agent's state is mounted read-only", "mount.unsuitable")
def state_read_only(world: World) -> None:
    register(world)
    world.host.remounts["/var/lib/ecs"] = "ro"
    world.host.files["/etc/fstab"] = "/dev/mapper/vg-ecs /var/lib/ecs xfs ro,defaults 0 0\n"


@fault(
    "credentials-read-only",
    "root's home is mounted read-only: the SSM agent cannot renew its credentials",
    "mount.unsuitable",
)
def credentials_read_only(world: World) -> None:
    register(world)
    world.host.remounts["/root"] = "ro"


@fault(
    "data-read-only-after-error", "the kernel made docker's file system read-only after an error", "mount.unsuitable"
)
def data_read_only(world: World) -> None:
    register(world)
    world.host.remounts["/var/lib/docker"] = "ro"
    says(world, "EXT4-fs error (device sdb1): ext4_journal_check_start:83: comm dockerd: Detected aborted journal",
         "EXT4-fs (sdb1): Remounting filesystem read-only")  # fmt: skip


@fault("exec-noexec", "the file system of the exec programs is mounted noexec", "mount.unsuitable",
       arguments=("--with", "exec"))  # fmt: skip
def exec_noexec(world: World) -> None:
    register(world)
    world.host.remounts["/var/lib"] = "noexec,nosuid,nodev"


@fault("overlay-without-d-type", "docker's overlay lies on XFS without d_type", "mount.unsuitable")
def without_d_type(world: World) -> None:
    register(world)
    info = docker_of(world).state["/info"]
    assert isinstance(info, dict)
    info["DriverStatus"] = [["Backing Filesystem", "xfs"], ["Supports d_type", "false"]]


@variation("reboot-pending", "a newer kernel waits for the reboot, the running one's modules are there")
def reboot_pending(world: World) -> None:
    register(world)
    kernels(world, RUNNING, NEWER)
    world.host.files["/run/reboot-required"] = "*** System restart required ***\n"


@variation("modules-barred-harmless", "a benchmark's file bars modules that docker does not need, or has already")
def modules_barred_harmless(world: World) -> None:
    register(world)
    world.host.files["/etc/modprobe.d/cis.conf"] = (
        "install cramfs /bin/false\ninstall overlay /bin/true\nblacklist floppy\n"
    )


@variation("connection-table-busy", "the connection table is half full")
def conntrack_busy(world: World) -> None:
    register(world)
    world.host.overmounts |= {f"{CONNTRACK}count": "131072\n", f"{CONNTRACK}max": "262144\n"}


@variation("task-killed", "the kernel killed a task's process, and denied another something")
def task_killed(world: World) -> None:
    register(world)
    says(world, "Memory cgroup out of memory: Killed process 4120 (java) total-vm:4821204kB, anon-rss:2089120kB",
         'audit: type=1400 audit(1764406000.1:78): apparmor="DENIED" operation="ptrace" profile="docker-default" '
         'pid=4130 comm="ps" requested_mask="read" denied_mask="read" peer="unconfined"',
         "clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable")  # fmt: skip


@variation(
    "task-called-agent", "a task's monitoring program is called agent too: it met its limit, and was denied a trace"
)
def task_called_agent(world: World) -> None:
    register(world)
    group = "/ecstasks.slice/ecstasks-9c1e.slice/docker-3f1a9c5b7d2e.scope"
    says(world, f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-3f1a9c5b7d2e.scope,mems_allowed=0,"
         f"oom_memcg={group},task_memcg={group},task=agent,pid=4120,uid=0",
         "Memory cgroup out of memory: Killed process 4120 (agent) total-vm:821204kB, anon-rss:289120kB, UID:0",
         'audit: type=1400 audit(1764406000.1:78): apparmor="DENIED" operation="ptrace" class="ptrace" '
         'profile="docker-default" pid=4130 comm="agent" requested_mask="read" denied_mask="read" peer="unconfined"',
         )  # fmt: skip


@variation("log-noexec", "the file systems of logs and of tmp are noexec", arguments=("--with", "exec"))
def log_noexec(world: World) -> None:
    register(world)
    world.host.remounts["/var/log"] = "noexec,nosuid,nodev"


@variation("data-noexec", "docker's file system is noexec, which overlay does not mind", arguments=("--with", "exec"))
def data_noexec(world: World) -> None:
    register(world)
    world.host.remounts["/var/lib/docker"] = "noexec,nosuid"


def in_lxc(world: World, package: str) -> None:
    """The server is an LXC container, with this package of containerd."""
    world.host.packages["containerd.io"] = package
    world.host.files["/run/systemd/container"] = "lxc\n"


@fault("lxc-new-runc", "inside LXC, with a runc that starts no container there", "docker.agent-incompatible")
def lxc_new_runc(world: World) -> None:
    register(world)
    in_lxc(world, "1.7.28-2~debian.12~bookworm")
    stop(world, AGENT)
    stop(world, ECS_INIT)
    world.host.units[ECS].properties |= {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code",
                                         "ExecMainStatus": "255", "NRestarts": "12", "MainPID": "0"}  # fmt: skip


@variation("lxc-new-runc-runs", "inside LXC, with the same runc, and a hypervisor that lets it: the agent runs")
def lxc_new_runc_runs(world: World) -> None:
    register(world)
    in_lxc(world, "1.7.29-1~debian.12~bookworm")


WSL_1, WSL_2 = "4.4.0-19041-Microsoft", "5.15.153.1-microsoft-standard-WSL2"


@fault("wsl-1", "Ubuntu in WSL 1, which has no Linux kernel", "os.unsupported", "init.not-systemd")
def wsl_1(world: World) -> None:
    world.host.overmounts["/proc/sys/kernel/osrelease"] = WSL_1 + "\n"
    world.host.is_systemd = False


@fault("wsl-2", "a registered host in WSL 2 with systemd", "os.unlisted")
def wsl_2(world: World) -> None:
    register(world)
    world.host.overmounts["/proc/sys/kernel/osrelease"] = WSL_2 + "\n"


def in_openvz(world: World) -> None:
    """The kernel is the provider's."""
    world.host.overmounts["/proc/sys/kernel/osrelease"] = "3.10.0-1160.119.1.vz7.224.4\n"


@fault("openvz", "a registered host in a container of OpenVZ, where the agent runs", "os.unlisted")
def openvz(world: World) -> None:
    register(world)
    in_openvz(world)


@fault("openvz-starts-nothing", "Docker answers in a container of OpenVZ, and the agent is started again and again",
       "os.unlisted", "docker.agent-incompatible")  # fmt: skip
def openvz_starts_nothing(world: World) -> None:
    lxc_new_runc(world)
    del world.host.files["/run/systemd/container"]
    in_openvz(world)


@fault("root-keys-used-up", "root holds as many keys as it may, and each container needs one", "kernel.limit")
def root_keys(world: World) -> None:
    register(world)
    world.host.overmounts["/proc/key-users"] = "    0:   205 204/204 200/200 4100/20000\n"


@fault("namespaces-off", "a hardening guide allows no network namespace", "kernel.limit")
def namespaces_off(world: World) -> None:
    register(world)
    world.host.overmounts["/proc/sys/user/max_net_namespaces"] = "0\n"


@variation("user-namespaces-off", "user namespaces are off, which docker does not need; root holds a few keys")
def user_namespaces_off(world: World) -> None:
    register(world)
    world.host.overmounts |= {
        "/proc/sys/user/max_user_namespaces": "0\n",
        "/proc/key-users": "    0:   106 105/105 100/1000000 2100/25000000\n 1000:     2 2/2 2/200 30/20000\n",
    }


def committed(world: World, reserved: int, most: int) -> None:
    """The kernel keeps to its limit; what programs have reserved, and the most, in MiB."""
    register(world)
    world.host.overmounts["/proc/sys/vm/overcommit_memory"] = "2\n"
    said = f"CommitLimit:    {most << 10} kB\nCommitted_AS:   {reserved << 10} kB\n"
    world.host.overmounts["/proc/meminfo"] = MEMINFO.format(total=8 << 20, free=6 << 20) + said


@fault("memory-reserved", "the kernel hands out no more memory, although most of it is free", "kernel.limit")
def memory_reserved(world: World) -> None:
    committed(world, 4050, 4096)


@variation("memory-reserved-in-part", "the kernel keeps to its limit of memory, and leaves enough")
def memory_reserved_in_part(world: World) -> None:
    committed(world, 3000, 4096)
