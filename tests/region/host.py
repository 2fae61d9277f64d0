"""The server on which commands run: its files, programs, daemons and network, as differences to this machine."""

from __future__ import annotations

from dataclasses import dataclass, field

Content = str | bytes | None

OS_RELEASE = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
"""
MACHINE_ID = "5b1c7d3f0a9e4c628f2d6e0b9a4c7d13\n"
MEMINFO = """MemTotal:        {total} kB
MemFree:         {free} kB
MemAvailable:    {free} kB
Buffers:           65536 kB
Cached:           524288 kB
SwapCached:            0 kB
Active:           262144 kB
Inactive:         262144 kB
Shmem:              4096 kB
Slab:             131072 kB
SReclaimable:      65536 kB
SwapTotal:             0 kB
SwapFree:              0 kB
"""
CGROUPS = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" + "".join(
    f"{name}\t0\t60\t1\n" for name in ("cpuset", "cpu", "cpuacct", "blkio", "memory", "devices", "freezer", "pids")
)
# What a bare server has not got, whatever this machine has.
ABSENT = (
    "/usr/bin/docker", "/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/docker", "/usr/bin/podman",
    "/snap", "/var/snap", "/etc/docker", "/etc/ecs", "/var/lib/ecs", "/var/log/ecs", "/var/cache/ecs",
    "/usr/libexec/amazon-ecs-init", "/etc/amazon", "/var/lib/amazon", "/var/log/amazon", "/usr/bin/amazon-ssm-agent",
    "/root/.aws", "/root/.docker", "/etc/systemd/system", "/etc/sysctl.d", "/lib/systemd/system/docker.service",
    "/lib/systemd/system/docker.socket", "/lib/systemd/system/ecs.service",
    "/lib/systemd/system/amazon-ssm-agent.service", "/etc/iptables", "/etc/nftables.conf", "/etc/selinux",
    "/etc/environment", "/etc/profile.d", "/var/lib/docker", "/etc/chrony", "/etc/ssl/certs",
)  # fmt: skip


@dataclass
class Daemon:
    """A process on the host: `name` is its command line's first word, `serves` what answers behind its sockets (a
    service of `machine.stubs`, or nothing), `listens` its TCP sockets as (address, port), `socket` a Unix socket."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    listens: list[tuple[str, int]] = field(default_factory=list)
    socket: str = ""
    serves: str = ""
    state: dict[str, object] = field(default_factory=dict)


@dataclass
class Unit:
    """A systemd unit: its file's text, where it lies, what `systemctl` says of it, extra `show` properties."""

    text: str
    active: bool = True
    enabled: bool = True
    folder: str = "/lib/systemd/system"
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class Host:
    """`files` maps a path to its content (None hides it), `modes` to a mode; `programs` are files with mode 755,
    `links` symbolic links, `folders` empty folders. `overmounts` puts content over kernel files such as /proc/meminfo,
    `tmpfs` small file systems (path to size in bytes). `iptables` is given to the restore program of `backend`.
    `sysctls` are of the network namespace. `trusted` are keys of the certificates whose roots are in the CA bundle."""

    hostname: str = "server1"
    files: dict[str, Content] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    overmounts: dict[str, str] = field(default_factory=dict)
    tmpfs: dict[str, int] = field(default_factory=dict)
    binds: list[str] = field(default_factory=list)
    daemons: list[Daemon] = field(default_factory=list)
    units: dict[str, Unit] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    search: str = "dc1.example.com"
    resolv_conf: str | None = None
    trusted: list[str] = field(default_factory=list)
    bundle: str = "/etc/ssl/certs/ca-certificates.crt"
    is_systemd: bool = True
    synchronised: bool = True
    controllers: str = "cpuset cpu io memory hugetlb pids rdma misc"
    cgroup: str = "2"
    sysctls: dict[str, str] = field(default_factory=dict)
    iptables: list[str] = field(default_factory=list)
    ip6tables: list[str] = field(default_factory=list)
    backend: str = "nft"
    default_route: bool = True
    links_up: list[str] = field(default_factory=list)
    personality: str = ""
