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
TIMESYNCD = "[Unit]\nDescription=Network Time Synchronization\n[Service]\nExecStart=/lib/systemd/systemd-timesyncd\n"
DPKG = "Package: {0}\nStatus: install ok installed\nPriority: optional\nSection: admin\nMaintainer: x\n"
DPKG += "Architecture: amd64\nVersion: {1}\nDescription: {0}\n\n"
BASE_PACKAGES = {"base-files": "12.4+deb12u9", "systemd": "252.33-1~deb12u1", "iptables": "1.8.9-2"}
# What a bare server has not got, whatever this machine has.
ABSENT = (
    "/usr/bin/docker", "/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/docker", "/usr/bin/podman",
    "/snap", "/var/snap", "/etc/docker", "/etc/ecs", "/var/lib/ecs", "/var/log/ecs", "/var/cache/ecs",
    "/usr/libexec/amazon-ecs-init", "/etc/amazon", "/var/lib/amazon", "/var/log/amazon", "/usr/bin/amazon-ssm-agent",
    "/root/.aws", "/root/.docker", "/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system",
    "/usr/local/lib/systemd/system", "/etc/sysctl.d", "/etc/firewalld", "/etc/ufw", "/usr/bin/firewall-cmd",
    "/usr/sbin/firewalld", "/usr/sbin/ufw", "/usr/bin/chronyc", "/usr/sbin/chronyd", "/usr/bin/ntpq", "/usr/bin/snap",
    "/usr/bin/rpm", "/usr/bin/dnf", "/usr/bin/yum", "/usr/bin/zypper", "/usr/bin/nvidia-smi", "/etc/default/docker",
    "/etc/sysconfig/docker", "/etc/containers", "/etc/iptables", "/etc/nftables.conf", "/etc/selinux",
    "/etc/environment", "/etc/profile.d", "/var/lib/docker", "/etc/chrony", "/etc/ssl/certs",
    "/usr/local/share/ca-certificates", "/usr/share/pki", "/etc/apt/apt.conf", "/etc/apt/apt.conf.d", "/etc/wgetrc",
    "/etc/unbound", "/etc/dnsmasq.conf", "/etc/dnsmasq.d", "/etc/bind", "/etc/NetworkManager",
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
    """A systemd unit: its file's text, where it lies, what `systemctl` says of it, extra `show` properties. `main` is
    the first word of its main process's command line. `starts` is a shell script that stands for a start of the region's own
    daemon: what it does then, and by its exit code whether it runs; without one it cannot be started anew."""

    text: str
    active: bool = True
    enabled: bool = True
    main: str = ""
    folder: str = "/lib/systemd/system"
    properties: dict[str, str] = field(default_factory=dict)
    starts: str = ""


@dataclass
class Host:
    """`files` maps a path to its content (None hides it), `modes` to a mode; `programs` are files with mode 755,
    `stubs` programs of `tests/region/stubs`, `links` symbolic links, `folders` empty folders, `filled` files of zeros
    (path to size in bytes). `overmounts` puts content over kernel files such as /proc/meminfo, `tmpfs` small file
    systems (path to size in bytes). `packages` are known to the package manager `manager` (deb, rpm). `iptables` maps a
    program (iptables-nft, ip6tables-legacy...) to its rules by table, in iptables-save's form; `nft` is a ruleset of
    nftables' own; `network` holds further lines for `ip -batch`, `shaping` for `tc -batch`, `sysctls` are of the network
    namespace. `remounts` makes a folder a mount of its own with these options. `path` is appended to the command's PATH.
    `trusted` are keys of the certificates whose roots are in the CA bundle, `bundles` further such files. `times` says
    when files were last changed (epoch seconds)."""

    hostname: str = "server1"
    files: dict[str, Content] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    stubs: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    manager: str = "deb"
    path: str = ""
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
    bundles: dict[str, list[str]] = field(default_factory=dict)
    filled: dict[str, int] = field(default_factory=dict)
    bundle: str = "/etc/ssl/certs/ca-certificates.crt"
    is_systemd: bool = True
    synchronised: bool = True
    controllers: str = "cpuset cpu io memory hugetlb pids rdma misc"
    sysctls: dict[str, str] = field(default_factory=dict)
    iptables: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    nft: str = ""
    remounts: dict[str, str] = field(default_factory=dict)
    network: list[str] = field(default_factory=list)
    shaping: list[str] = field(default_factory=list)
    default_route: bool = True
    times: dict[str, float] = field(default_factory=dict)
