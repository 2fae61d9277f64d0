"""What containerd writes before it ends, and runc of one container. Sources: containerd, runc; the issues in the rows."""

from __future__ import annotations

from anywhere.catalogue.daemon_lines.base import DaemonLine

CONTAINERD_LINES: tuple[DaemonLine, ...] = (
    DaemonLine(
        "containerd-config",
        r"containerd: (?P<why>(?:failed to load TOML|toml: |invalid (?:plugin|disabled|required|config)|unsupported "
        r"(?:config )?version|"
        r"expected (?:major )?version|strict mode|failed to decode|unknown).*)",
        "/etc/containerd/config.toml cannot be read: {why}",
        "Correct the file, or go back to containerd's own settings: `containerd config default > "
        "/etc/containerd/config.toml`. containerd 2 reads versions 2 and 3 of the format.",
        "containerd cmd/containerd/server/config",
    ),
    DaemonLine(
        "containerd-plugin",
        r"failed to load plugin (?P<plugin>io\.containerd\.(?:metadata|content|snapshotter)\S*).*error=\"?(?P<why>[^\"]*)",
        "its plugin {plugin} does not load: {why}",
        "Fix what the quoted line names.",
        "containerd cmd/containerd/server/server.go",
    ),
)

# What runc says of one container, by way of ecs-init, docker or the agent.
RUNC_LINES: tuple[DaemonLine, ...] = (
    DaemonLine(
        "procfs",
        r"open sysctl \S+ file: (?:reopen fd \d+|unsafe procfs detected).*|unsafe procfs detected",
        "runc 1.2.8, 1.3.3 and 1.4.0-rc.3 (November 2025) reopen files below /proc, which an LXC container's AppArmor "
        "profile or an old kernel forbids",
        "On the hypervisor, update LXC's AppArmor profile (Proxmox: lxc-pve 6.0.5-2 or later), or hold containerd.io "
        "at the last release before (1.7.28-1) on this host.",
        "runc#4972, moby#51405",
    ),
    DaemonLine(
        "proc-mount",
        r"error mounting \"(?P<what>proc|sysfs|cgroup|mqueue)\" to rootfs.*(?:operation not permitted|permission denied)",
        "this host is a container that may not mount {what}",
        "Allow nesting on the hypervisor (LXC: features nesting=1,keyctl=1), or use a virtual machine.",
        "runc libcontainer/rootfs_linux.go",
    ),
    DaemonLine(
        "bpf",
        r"bpf_prog_query\(BPF_CGROUP_DEVICE\) failed: (?P<why>.*?)(?:\"|:|\Z)|BPF_PROG_TYPE_CGROUP_DEVICE.*",
        "the kernel refuses the device rules of a container ({why})",
        "The kernel needs CONFIG_CGROUP_BPF (4.15 or later); in a container, allow nesting on the hypervisor.",
        "runc libcontainer/cgroups/devices",
    ),
    DaemonLine(
        "caps",
        r"unable to apply caps: operation not permitted",
        "the runtime may not give a container its capabilities",
        "Where this host is a container (LXC), let the hypervisor leave it the usual capabilities (no lxc.cap.drop of its own, "
        "nesting=1), or use a virtual machine. On a server CapabilityBoundingSet= in a drop-in of docker or containerd takes "
        "them.",
        "archlinux_lxc#5; runc libcontainer/capabilities",
    ),
    DaemonLine(
        "apparmor-confined",
        r"attempted to load a profile while confined",
        "this host is a container that may not load AppArmor profiles",
        "On the hypervisor, let it load them (LXC: features nesting=1), or remove the package apparmor from this host: docker "
        "then starts containers without a profile. Then restart docker and ecs.",
        "tteck/Proxmox#28; apparmor_parser(8)",
    ),
    DaemonLine(
        "apparmor-denied",
        r"apparmor failed to apply profile: write \S+: permission denied",
        "AppArmor keeps dockerd or containerd from giving a container its profile",
        "The profile that dockerd or containerd runs under (`aa-status` names it) has to allow `change_profile -> "
        "docker-default` and the agent's own. Correct it and load it again, or disable it (`aa-disable`).",
        "docker/for-linux#1129",
    ),
    DaemonLine(
        "apparmor-profile",
        r"AppArmor enabled on system but the docker-default profile could not be loaded.*|apparmor failed to apply "
        r"profile.*|"
        r"apparmor_parser.{0,80}(?:not found|no such file|failed)",
        "AppArmor is on, and docker's profile cannot be loaded",
        "Install the package apparmor (it has apparmor_parser), then restart docker; containers stop unless "
        "live-restore is set.",
        "moby profiles/apparmor; runc libcontainer/apparmor",
    ),
    DaemonLine(
        "nvidia",
        r"nvidia-container-cli: (?P<why>.*?)(?:\"|\Z)|exec: \"(?P<name>nvidia-container-\w+)\": executable file not found",
        "NVIDIA's runtime cannot start containers {why}{name}",
        "Install driver and nvidia-container-toolkit of matching versions (a reboot ends a driver/library mismatch), "
        "or make runc the default runtime.",
        "NVIDIA/nvidia-container-toolkit",
    ),
    DaemonLine(
        "runtime-missing",
        r"(?:exec: \"?(?P<program>[\w./+-]*(?:runc|crun|runtime|kata|runsc|youki)[\w./+-]*)\"?|fork/exec (?P<path>/\S+?)): "
        r"(?P<why>executable file not found|no such file|permission denied|exec format error)|"
        r"unknown or invalid runtime name: (?P<name>[^\s\"]+)|runtime \"(?P<shim>\S+)\" binary not installed",
        "docker cannot run its runtime {program}{path}{name}{shim}: {why}",
        "Where it is missing, install it (runc and containerd-shim-runc-v2 are in the package containerd.io, or runc and "
        "containerd), or correct `default-runtime` and `runtimes` in /etc/docker/daemon.json. Where permission is denied, it "
        "is not executable, its file system is mounted noexec, or SELinux or AppArmor refuses it. A format error means another "
        "architecture.",
        "containerd runtime/v2; moby daemon/runtime_unix.go",
    ),
    DaemonLine(
        "image-format",
        r"exec \"?/agent\"?: exec format error",
        "the agent's image is of another architecture than this host",
        "Install the package amazon-ecs-init of this host's own architecture: the image lies in it.",
        "execve(2) ENOEXEC; packaging/generic-deb-integrated",
    ),
    DaemonLine(
        "mount-kind",
        r"error mounting \"(?P<what>/[^\"]+)\" to rootfs.*not a directory",
        "{what} is a folder on this host where the container has a file, or the other way round",
        "Remove the folder, which docker makes where a file to mount is missing, and install the file. Then restart ecs.",
        "runc libcontainer/rootfs_linux.go; amazon-ecs-agent ecs-init/docker (binds)",
    ),
    DaemonLine(
        "keyring",
        r"(?:session key|keyring).{0,80}disk quota exceeded",
        "root holds as many keys as the kernel allows, and each container needs one",
        "Raise kernel.keys.root_maxkeys and kernel.keys.root_maxbytes (sysctl, and a file in /etc/sysctl.d); /proc/key-users "
        "shows what is in use. Then restart ecs.",
        "runc#726, containers/crun#981",
    ),
    DaemonLine(
        "cgroups-full",
        r"/sys/fs/cgroup/\S+: no space left on device",
        "the kernel takes no process into a new control group",
        "Reboot, which ends groups that old containers left, and update the kernel (older ones keep them). On version 1 a "
        "group whose cpuset.cpus or cpuset.mems is empty answers the same: fill both from the group above it.",
        "moby#29638, runc#133",
    ),
    DaemonLine(
        "namespaces",
        r"(?:unshare|clone|namespace).{0,60}no space left on device",
        "the kernel's limit of namespaces is used up",
        "Raise user.max_net_namespaces and the other user.max_*_namespaces (sysctl, and a file in /etc/sysctl.d), then restart "
        "ecs.",
        "namespaces(7), ENOSPC of unshare(2)",
    ),
    DaemonLine(
        "seccomp-room",
        r"seccomp filter.{0,40}errno 524",
        "the kernel has no room for a further seccomp filter (net.core.bpf_jit_limit)",
        "Raise net.core.bpf_jit_limit (sysctl, and a file in /etc/sysctl.d) and update the kernel; a reboot frees the room for "
        "a while. Then restart ecs.",
        "moby#45498, concourse#8739",
    ),
    DaemonLine(
        "containerd-away",
        r"containerd\.sock.{0,120}(?:connection refused|no such file|timeout)",
        "containerd does not answer docker",
        "Start containerd; where it ends again, `journalctl -u containerd` tells why. Docker connects to it again by itself: "
        "then restart ecs. Running containers stay.",
        "moby libcontainerd/remote (client.go, reconnect); containerd-shim outlives containerd",
        (("systemctl", "restart", "containerd"), ("systemctl", "restart", "ecs")),
    ),
    DaemonLine(
        "seccomp",
        r"(?:seccomp|libseccomp).{0,120}(?:not supported|invalid|failed|requires)",
        "docker's seccomp profile does not load",
        "Update libseccomp2 with runc and containerd; name no profile of an older Docker in daemon.json.",
        "runc libcontainer/seccomp",
    ),
    DaemonLine(
        "cgroup-unit",
        r"unable to apply cgroup configuration: (?P<why>.*?)(?:\"|\Z)|unable to start unit \S+.*|cgroupsPath to be "
        r"of format.*|"
        r"cannot enter cgroupv2.*|failed to create (?:cgroup|systemd).*",
        "no control group can be made for a container ({why})",
        "Use one cgroup driver: `native.cgroupdriver=systemd` on a host that runs systemd, and do not remount "
        "/sys/fs/cgroup.",
        "runc libcontainer/cgroups/systemd",
    ),
    DaemonLine(
        "limit",
        r"too many open files|inotify.{0,40}(?:limit|no space)|resource temporarily unavailable|cannot allocate memory",
        "a limit of the kernel or of the unit is used up",
        "Raise the limit that the line names (LimitNOFILE=, TasksMax=, fs.inotify.max_user_instances, memory).",
        "errno EMFILE, EAGAIN, ENOMEM",
    ),
    DaemonLine(
        "veth",
        r"failed to add the host .*pair interfaces: (?P<why>[\w ]+)|adding interface \S+ to bridge \S+ failed: "
        r"(?P<bridge>.*?)(?:\"|\Z)",
        "a container gets no card: {why}{bridge}",
        "Where the kernel was upgraded, reboot (its modules are gone); otherwise load the modules veth and bridge.",
        "moby libnetwork/drivers/bridge",
    ),
    DaemonLine(
        "chains",
        r"No chain/target/match by that name",
        "docker's own chains are gone from the packet filter",
        "Restart docker, which writes them again; containers stop unless live-restore is set.",
        "moby libnetwork/iptables",
        (("systemctl", "restart", "docker"),),
        ready=True,
    ),
    DaemonLine(
        "ramfs",
        r"pivot_root.{0,80}invalid argument",
        "the root file system is in memory, where a container's root cannot be changed",
        "Set DOCKER_RAMDISK=true in docker's unit, or boot from a disk.",
        "runc libcontainer/rootfs_linux.go",
    ),
)
