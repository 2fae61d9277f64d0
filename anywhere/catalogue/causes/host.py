"""The causes that lie in the host itself: system, Docker, ports, credentials, registration, agents."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_PAGE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html"
_AGENT = "https://github.com/aws/amazon-ecs-agent"

SYSTEM_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "os.unsupported",
        "fail",
        "The operating system cannot run the agents",
        "AWS's installer knows apt, dnf, yum and zypper on hosts with systemd; for this system there are no packages.",
        "ID of /etc/os-release against the dated table of releases.",
        "Use a release from AWS's list, for example Ubuntu 24.04, Debian 12, RHEL 9 or Amazon Linux 2023.",
        f"{_AGENT} scripts/ecs-anywhere-install.sh",
    ),
    CauseText(
        "os.end-of-life",
        "warn",
        "The operating system gets no more free updates",
        "The agents still run, but the release has had its last free security update, and package mirrors may go away.",
        "The release's last day in the dated table against the host's own clock, without paid extensions.",
        "Plan the upgrade to a newer release; register the new installation as a new host.",
        "The vendors' life-cycle pages; for Debian and Ubuntu the distro-info-data package.",
    ),
    CauseText(
        "os.unlisted",
        "warn",
        "The operating system is not on AWS's list",
        "It belongs to a family whose packages the agents have, so it may work, but AWS does not support it.",
        "ID and VERSION_ID of /etc/os-release, and ID_LIKE for derivatives, against the dated table.",
        "Try one host first; for support by AWS move to a listed release. Install Docker first where the note says so.",
        f"{_PAGE}; https://github.com/aws/containers-roadmap/issues/2418 and /2777",
    ),
    CauseText(
        "os.known-broken",
        "fail",
        "This edition of the operating system is known not to work",
        "It looks like a listed release, but its root is read-only or its build is refused by the installer.",
        "ID and VARIANT_ID of /etc/os-release against the dated table.",
        "Use the ordinary server edition of the same release.",
        "https://github.com/aws/amazon-ecs-init/issues/425; AWS's PowerShell installer (build numbers)",
    ),
    CauseText(
        "os.unknown",
        "warn",
        "The operating system is not known to this tool",
        "Neither its ID nor its ID_LIKE is in the table, so nothing can be said about its packages.",
        "/etc/os-release and /usr/lib/os-release; a missing or unreadable file counts as unknown too.",
        "Compare the system with AWS's list; installation needs systemd and apt, dnf, yum or zypper.",
        _PAGE,
    ),
    CauseText(
        "arch.unsupported",
        "fail",
        "The processor architecture is not supported",
        "The agents are built for x86_64 and aarch64 only; the installer stops on anything else.",
        "uname -m.",
        "Use a 64-bit x86 or Arm machine. Many Arm boards have a 64-bit processor and only need the 64-bit image.",
        f"{_AGENT} scripts/ecs-anywhere-install.sh",
    ),
    CauseText(
        "arch.userland-mismatch",
        "fail",
        "The kernel is 64-bit, the programs on the host are not",
        "The installer asks the kernel only and then fetches 64-bit packages, which this system cannot run.",
        "The ELF header of /bin/sh and the architecture that Docker's engine reports, against uname -m.",
        "Install a wholly 64-bit system image.",
        "ELF(5); https://github.com/aws/amazon-ssm-agent/issues/73",
    ),
    CauseText(
        "init.not-systemd",
        "fail",
        "The host does not run systemd",
        "Both agents and Docker are systemd services; AWS's installer stops without it.",
        "The folder /run/systemd/system, which is systemd's own test (sd_booted(3)) and the installer's.",
        "Use a system that boots with systemd. In WSL: systemd=true under [boot] of /etc/wsl.conf, wsl --shutdown.",
        f"{_AGENT} scripts/ecs-anywhere-install.sh",
    ),
    CauseText(
        "kernel.too-old",
        "fail",
        "The kernel is too old",
        "ECS needs Linux 3.10 or newer, the SSM agent 3.2.",
        "/proc/sys/kernel/osrelease.",
        "Upgrade to a release with a newer kernel.",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-linux.html; amazon-ssm-agent README",
    ),
    CauseText(
        "cgroup.controller-missing",
        "fail or warn",
        "A control-group controller is off",
        "Without cpu and memory controllers the agent silently drops the limits of tasks. It fails only where "
        "ECS_ENABLE_TASK_CPU_MEM_LIMIT=true is set, and is then not started.",
        "Mount table, cgroup.controllers (version 2) or /proc/cgroups (version 1), and the kernel's command line.",
        "Take cgroup_disable=memory off the kernel's command line (Raspberry Pi: add cgroup_enable=memory to the one "
        "line of /boot/firmware/cmdline.txt) and reboot.",
        f"{_AGENT} agent/app/agent_unix.go, agent/taskresource/cgroup/control",
    ),
    CauseText(
        "selinux.enforcing",
        "warn",
        "SELinux is enforcing",
        "AWS does not support SELinux on external instances; the agent's own support for it is limited.",
        "/sys/fs/selinux/enforce.",
        "Install container-selinux, set ECS_SELINUX_CAPABLE=true in /etc/ecs/ecs.config, and label what denials name.",
        f"{_PAGE}; https://github.com/aws/containers-roadmap/issues/1888",
    ),
    CauseText(
        "disk.low",
        "fail or warn",
        "Little disk space is left",
        "Images cannot be pulled and containers hang when Docker's data root or the agent's state folder runs full.",
        "Free bytes and inodes of the file systems under Docker's data root and /var/lib/ecs. Warned below a fifth and "
        "10 GiB; failed below a twentieth and 2 GiB, below 0.5 GiB, or below 1 % of the inodes.",
        "Remove images that no container uses (docker image prune), rotate logs in daemon.json, or grow the file system.",
        f"{_AGENT}/issues/803; the limits are this tool's own (docs/decisions/031)",
    ),
    CauseText(
        "memory.low",
        "warn",
        "The machine has little memory",
        "Docker and the two agents leave little of it for tasks.",
        "The size of the memory, warned below 448 MiB: ECS's smallest EC2 instance has 512 MiB in all.",
        "Give the machine at least 1 GiB.",
        "The limit is this tool's own (docs/decisions/031)",
    ),
    CauseText(
        "identity.volatile",
        "warn",
        "The machine-id will not survive a reboot",
        "The SSM agent takes another machine-id for another machine: after a reboot the registration is refused.",
        "/etc/machine-id missing, empty, uninitialized or malformed, or on a file system in memory.",
        "systemd-machine-id-setup (with --commit where the id lies in memory) before registering.",
        "machine-id(5); https://github.com/aws/amazon-ssm-agent/issues/73",
    ),
    CauseText(
        "clock.unsynchronised",
        "warn",
        "No time service keeps the clock",
        "The clock may be right today; it will drift, and AWS refuses signatures that are more than 5 minutes off.",
        "chronyc, ntpq, systemd-timesyncd's marker file, or timedatectl's kernel flag; skipped in containers. Times that go "
        "back again and again in the ECS agent's log show that two sources set the clock.",
        "Run chrony or systemd-timesyncd, one of them, with time servers that this network can reach.",
        "https://github.com/aws/amazon-ssm-agent/issues/616",
    ),
)

DOCKER_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "docker.missing",
        "fail",
        "Docker is not installed",
        "The ECS agent is a container. Before registration this is a fault only where registration brings no Docker.",
        "No command named docker, and no running Docker daemon.",
        "Install Docker from the distribution or from Docker's repository. On RHEL do so before AWS's installer runs.",
        _PAGE,
    ),
    CauseText(
        "docker.not-running",
        "fail",
        "Docker does not run or does not answer",
        "The ECS agent cannot be started, or loses its containers.",
        "docker version within 5 s; state, job, conditions and drop-ins of docker.service; the last error line of "
        "dockerd and containerd in the journal, the unit's log file or the system's log, against a dated table of "
        "their lines.",
        "Fix what the quoted line names (a setting given twice, a removed option, a zone of firewalld, missing "
        "modules, a full disk), then start docker and ecs. A start before the fix fails again.",
        f"{_AGENT} ecs-init/docker/docker.go; moby daemon/config; docker/cli docs/deprecated.md",
    ),
    CauseText(
        "unit.waiting",
        "fail",
        "A unit's start waits for another unit",
        "systemd has queued the start behind a unit that has not ended (often cloud-final.service, whose commands "
        "hang). A start by hand waits behind it too.",
        "The unit has a job in systemctl show, and a unit of its After= is still starting.",
        "See what that unit works on; stop it if it hangs, and the queued start runs by itself. Take it out of After=.",
        f"systemd.unit(5); {_AGENT}/issues/4130, /issues/4792",
    ),
    CauseText(
        "docker.api-window",
        "fail",
        "Docker's API versions and the agent's do not meet",
        "The agent knows API 1.21 to 1.44; a daemon whose lowest version is above, or whose highest is below, is "
        "refused. The agent then says no more than that Docker is not running.",
        "ApiVersion and MinAPIVersion of docker version.",
        "Install a Docker engine whose range reaches into the agent's, and hold its package.",
        f"{_AGENT} agent/dockerclient/versions.go; tried with the real agent",
    ),
    CauseText(
        "docker.podman",
        "fail",
        "Podman answers in Docker's place",
        "The ECS agent does not work with Podman, and AWS's installer mistakes the command for Docker.",
        "The shim's own notice, the components that the server names, and what the command links to.",
        "Remove podman-docker and install Docker.",
        f"{_AGENT}/issues/2927",
    ),
    CauseText(
        "docker.snap",
        "fail",
        "Docker is installed as a snap",
        "The agent's service needs docker.service, which the snap lacks, and its deb package installs a second Docker.",
        "The command's path and the unit snap.docker.dockerd.service.",
        "Remove the snap and install the packaged engine; move images and volumes yourself.",
        f"{_AGENT} packaging/generic-deb-integrated/debian (ecs.service, control)",
    ),
    CauseText(
        "docker.agent-incompatible",
        "fail or warn",
        "This agent does not work with this Docker",
        "The pair of versions (or of settings) is in the table of those that are known to fail.",
        "Engine, agent, control groups, daemon.json and Docker's environment against catalogue/data/compatibility.json.",
        "Update the one that the finding names; hold both packages against unattended upgrades.",
        f"{_AGENT}/issues/4074, /issues/4129, /pull/3127, /pull/4785",
    ),
    CauseText(
        "docker.rules-missing",
        "fail",
        "Docker's own packet filter rules are gone",
        "A flush of the complete ruleset (nftables.service, a firewall's restart) took docker's chains. Bridge containers "
        "have no network, and published ports do not answer, while docker seems well.",
        "The chains DOCKER, DOCKER-USER and DOCKER-FORWARD in each backend, while docker answers and may keep rules.",
        "Restart docker, then ecs; narrow the flush to the firewall's own tables.",
        "https://github.com/docker/for-linux/issues/1472",
    ),
    CauseText(
        "containers.no-egress",
        "fail",
        "Bridge containers cannot reach the network, although the host can",
        "A container's packets are forwarded: other rules decide than for the host's own. Tasks start and reach neither "
        "nameservers nor AWS.",
        "The FORWARD chains of each backend and of nftables, followed for what the host reaches, out and back; address "
        "translation; net.ipv4.ip_forward; the bridge's own address.",
        "Remove the rule that the finding quotes, or accept docker's bridge before it.",
        "https://github.com/tailscale/tailscale/issues/12225; https://github.com/moby/moby/issues/47966",
    ),
    CauseText(
        "ports.taken",
        "fail",
        "Another process holds a port of the agent",
        "51678 is the agent's introspection, 51679 serves task credentials; the agent stays up without them, silently.",
        "The listening sockets and their owners.",
        "Stop the holder or move it to another port, then restart the ECS agent.",
        f"{_AGENT}/issues/2331",
    ),
    CauseText(
        "ports.not-reserved",
        "warn",
        "The kernel may give the agent's ports away",
        "Both ports lie in the range for outgoing connections; one that gets them keeps the agent from listening. "
        "`anywhere check` warns, `anywhere rules verify` fails on it.",
        "net.ipv4.ip_local_port_range and ip_local_reserved_ports.",
        "Add 51678 and 51679 to the reserved ports, keeping those that are there: `sudo anywhere rules apply`.",
        f"{_AGENT}/issues/2331; https://github.com/aws/containers-roadmap/issues/681",
    ),
)

HOST_CAUSES: tuple[CauseText, ...] = (*SYSTEM_CAUSES, *DOCKER_CAUSES)
