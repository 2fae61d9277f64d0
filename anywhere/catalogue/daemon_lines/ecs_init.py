"""What ecs-init itself reports before the agent runs: it finds no image, no program, no GPU, or may not set the kernel.

Sources: amazon-ecs-agent 1.105.1 ecs-init/engine/engine.go (PreStart, load, StartSupervised, PostStop), ecs-init/apparmor,
ecs-init/cache (downloads are anonymous: dependencies.go), ecs-init/config, ecs-init/exec,
ecs-init/gpu/nvidia_gpu_manager.go; packaging/generic-deb-integrated (the image lies in the package, which depends neither on
iptables nor on procps).
"""

from __future__ import annotations

import re
from functools import cache

from anywhere.catalogue.log_lines import ECS_LINES, LogLine, by_kind

LOOP = "agent.restart-loop"
PACKAGE = {
    "iptables": "iptables",
    "sysctl": "procps",
}  # of a program; EL's iptables-nft and procps-ng provide these names

# Lines of level error after which ecs-init goes on: they are never the reason. At each stop it deletes rules that a start
# without success never set; the rest are names and folders that it does without.
GOES_ON = re.compile(
    r"Error performing action 'delete'|os-release|could not create EBS mount directory|Failed to parse value for ECS_|"
    r"Failed to decode the container labels|could not upgrade agent|realmd is not installed|\brealm\b|"
    r"Detecting Nvidia GPU devices failed|agent exited with terminal exit code"
)

INIT_LINES: tuple[LogLine, ...] = (
    # Its container's log driver: ECS_LOG_DRIVER, else json-file, whatever daemon.json says (ecs-init/config/common.go).
    LogLine(
        "init-log-driver",
        r"could not start Agent: .*failed to initialize logging driver",
        ("logging driver",),
        "is not started: docker cannot open the log that ECS_LOG_DRIVER and ECS_LOG_OPTS name for the agent's container",
        LOOP,
        "Fix what the quoted line names, or take ECS_LOG_DRIVER and ECS_LOG_OPTS out of /etc/ecs/ecs.config (then it is "
        "json-file). It is dockerd that writes there: awslogs needs credentials of AWS in docker's own unit, since dockerd has "
        "none of the agents'. Then restart ecs.",
    ),
    # With the file that has no room: ENOSPC is an answer of control groups, namespaces and inotify too.
    LogLine(
        "init-room",
        r"could not (?:load|download) Amazon Elastic Container Service Agent.*(?:no space left on device|quota exceeded)|"
        r"could not start Agent: .*(?<![\w./-])/(?!sys/|proc/)[\w.][^\s:]*: (?:no space left on device|disk quota exceeded)",
        ("Elastic Container Service Agent", "could not start Agent"),
        "is not started: docker has no room for its image or its container, a file system is full",
        "disk.low",
        "Make room (`df -h` and `df -i` for /var/lib/docker, /var/lib/containerd, /var/cache/ecs and /tmp), then restart ecs.",
    ),
    LogLine(
        "init-image",
        r"could not (?:load|download) Amazon Elastic Container Service Agent|"
        r"Download file \S+ from bucket \S+ in region \S+ failed",
        ("Elastic Container Service Agent", "from bucket"),
        "has no image: ecs-init can neither load /var/cache/ecs/ecs-agent.tar nor download it",
        LOOP,
        "Install the package amazon-ecs-init of the same version again: the image lies in it, and settings and state stay. A "
        "download needs no role and no registration; where it is refused, AWS's bucket does not hold that file. Then restart "
        "ecs.",
    ),
    LogLine(
        "init-iptables",
        r"exec: \\?\"iptables\\?\": executable file not found|Error searching 'iptables' executable",
        ("iptables",),
        "is not started: ecs-init finds no iptables, with which it sets its rules",
        LOOP,
        "Install iptables, then restart ecs.",
    ),
    # The line after it has the exit status alone. A delete that fails is of rules that were not there.
    LogLine(
        "init-rules",
        r"Error performing action '(?:append|insert)' for .{0,40}route: .*raw output: ",
        ("Error performing action",),
        "is not started: ecs-init cannot set its rules",
        LOOP,
        "Fix what the quoted line names, then restart ecs. A table, chain or match that does not exist is a module that the "
        "kernel lacks (after an upgrade: reboot) or the wrong backend (`update-alternatives --config iptables`); a denied "
        "permission is a container without rights over its network; a held lock passes.",
    ),
    LogLine(
        "init-sysctl",
        r"exec: \\?\"sysctl\\?\": executable file not found",
        ("sysctl",),
        "is not started: ecs-init finds no sysctl, with which it sets route_localnet",
        LOOP,
        "Install procps, then restart ecs.",
    ),
    LogLine(
        "init-localnet",
        r"could not enable loopback routing|could not disable ipv6 router advertisements",
        ("loopback routing", "router advertisements"),
        "is not started: ecs-init may not set the kernel's network settings (/proc/sys/net)",
        LOOP,
        "Let root write /proc/sys/net: in a container (LXC, systemd-nspawn) that is the hypervisor's setting, on a server "
        "ProtectKernelTunables= in a drop-in of ecs keeps it from that. Then restart ecs.",
    ),
    # containerd pkg/apparmor (hostSupports): without /sbin/apparmor_parser ecs-init loads no profile and names none.
    LogLine(
        "init-apparmor-confined",
        r"You need policy admin privileges|load a profile while confined|/sys/kernel/security/apparmor/\S+: (?:permission "
        r"denied|operation not permitted)",
        ("policy admin", "while confined", "security/apparmor"),
        "is not started: ecs-init may not load AppArmor profiles, as in a container (LXC)",
        LOOP,
        "On the hypervisor, let this host load them (LXC: features nesting=1), or remove the package apparmor from this host: "
        "ecs-init and docker then start containers without a profile. Then restart docker and ecs.",
    ),
    LogLine(
        "init-apparmor",
        r"apparmor_parser -Kr|(?:open|stat|chmod) /etc/apparmor\.d/|/sys/kernel/security/apparmor/",
        ("apparmor",),
        "is not started: ecs-init cannot load its AppArmor profile, ecs-agent-default",
        LOOP,
        "Fix what the quoted line names: a file of /etc/apparmor.d that is missing or damaged comes back with its package "
        "(apparmor; on SUSE apparmor-parser and apparmor-abstractions), a profile that the parser does not understand needs a "
        "newer one. `apparmor_parser -Kr /etc/apparmor.d/ecs-agent-default` shows the error again. Then restart ecs.",
    ),
    # docker/dependencies.go: it tries every version that it knows, and reports the answer to the last.
    LogLine(
        "init-api",
        r"client version [\d.]+ is too (?:old|new)|client is newer than server",
        ("client version", "client is newer"),
        "is not started: this release of Docker and ecs-init have no API version in common",
        "docker.api-window",
        "Update the ECS agent (package amazon-ecs-init); where no newer one exists, install an older release of Docker. Then "
        "restart ecs.",
    ),
    LogLine(
        "init-gpu-version",
        r"Nvidia GPU Manager: .*[Dd]river/library version mismatch",
        ("Nvidia GPU Manager",),
        "is not started: the NVIDIA library is newer than the driver that the kernel has loaded",
        "gpu.not-found",
        "Reboot, which stops this host's containers: the kernel then loads the driver that an upgrade installed.",
    ),
    LogLine(
        "init-gpu",
        r"Nvidia GPU Manager: ",
        ("Nvidia GPU Manager",),
        "is not started: the NVIDIA library does not answer",
        "gpu.not-found",
        "Make `nvidia-smi -L` list the GPUs (driver and library of one version, the module loaded), then restart ecs. On a "
        "host whose GPUs tasks do not need, take ECS_ENABLE_GPU_SUPPORT out of /etc/ecs/ecs.config.",
    ),
    LogLine(
        "init-container",
        r"could not remove existing Agent container",
        ("existing Agent container",),
        "is not started: docker cannot remove the previous agent container",
        LOOP,
        "Restart docker, which lets go of what holds the container's file system, then ecs. Containers stop with docker, "
        "unless live-restore is set.",
    ),
)

# What docker answered to ecs-init, in its own words: none of them is AWS's, or of the way to AWS.
_REFUSED = LogLine(
    "init-refused",
    r"could not start Agent: ",
    ("could not start Agent",),
    "is not started: docker refuses its container",
    LOOP,
    "Fix what the quoted line names, then restart ecs. If it names nothing on this host, restart docker first: containers "
    "stop with it, unless live-restore is set.",
)


def rows_of(line: str) -> tuple[LogLine, ...]:
    """The rows that a line of ecs-init's can belong to."""
    known = by_kind()
    if "could not start Agent: " in line:
        own = (row for row in INIT_LINES if not row.kind.startswith("init-apparmor"))
        return (*own, known["apparmor"], known["runtime"], known["docker"], _REFUSED)
    return (*INIT_LINES, *ECS_LINES)


@cache
def rows_by_kind() -> dict[str, LogLine]:
    """All rows, the agent's and these, by their kind."""
    return by_kind() | {row.kind: row for row in (*INIT_LINES, _REFUSED)}
