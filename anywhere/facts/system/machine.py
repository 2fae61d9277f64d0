"""The machine itself: architecture, kernel, init, control groups, mandatory access control, identity."""

from __future__ import annotations

import re
from collections.abc import Iterable

from anywhere.facts.files import Access, has_folder, read_text
from anywhere.facts.system.os_release import PATHS as OS_RELEASE
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import once_a_run

UNAME = ("uname", "-m")
# The first 20 bytes of a program: ELF class, byte order and machine. `od` is POSIX and everywhere.
ELF = ("od", "-An", "-tx1", "-N20", "/bin/sh")
LONG_BIT = ("getconf", "LONG_BIT")
KERNEL, CMDLINE, MOUNTS = "/proc/sys/kernel/osrelease", "/proc/cmdline", "/proc/self/mounts"
CONTROLLERS, CGROUPS = "/sys/fs/cgroup/cgroup.controllers", "/proc/cgroups"
ENFORCE, APPARMOR = "/sys/fs/selinux/enforce", "/sys/module/apparmor/parameters/enabled"
PROFILES = "/sys/kernel/security/apparmor/profiles"
MACHINE_ID, SYSTEMD = "/etc/machine-id", "/run/systemd/system"
CONTAINER, VENDOR, PRODUCT = "/run/systemd/container", "/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"
INIT = "/proc/1/comm"
IPV6 = "/proc/sys/net/ipv6"
OPENVZ = ("/proc/vz", "/proc/bc")  # the second is on the host of OpenVZ's containers alone (systemd, detect_container)

COMMANDS: tuple[tuple[str, ...], ...] = (UNAME, ELF)
FILES: tuple[str, ...] = (
    *(*OS_RELEASE, KERNEL, CMDLINE, MOUNTS, CONTROLLERS, CGROUPS, ENFORCE, APPARMOR),
    *(MACHINE_ID, CONTAINER, VENDOR, PRODUCT, INIT),
)
FOLDERS: tuple[str, ...] = (SYSTEMD, *OPENVZ, IPV6)

_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64", 0x28: "arm", 0x03: "i386", 0xF3: "riscv", 0x15: "ppc64", 0x16: "s390"}
VOLATILE = frozenset({"tmpfs", "ramfs", "rootfs"})
_V1_CONTROLLERS = frozenset({"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls"})


@frozen
class Architecture:
    """`kernel` as `uname -m` says, `userland` as the programs are built, `bits` their word size (0: not known)."""

    kernel: str = ""
    userland: str = ""
    bits: int = 0


@frozen
class Mount:
    """A line of the mount table."""

    point: str
    type: str
    options: tuple[str, ...] = ()


@frozen
class Cgroups:
    """Control groups: `version` 1 or 2 (0: none mounted); `disabled` names what the kernel's command line turns off.
    `controllers` is None where they cannot be seen."""

    version: int = 0
    controllers: frozenset[str] | None = None
    disabled: frozenset[str] = frozenset()


@frozen
class MachineId:
    """`state`: `ok`, `missing`, `empty`, `uninitialized`, `malformed` or `unreadable`; `volatile` names the file system
    in memory that holds it. `digest` stands for the id where it is shown or compared; the id itself stays here."""

    state: str
    volatile: str = ""
    digest: str = ""


def architecture(host: Host) -> Architecture:
    """Kernel and userland, each as it says itself."""
    kernel = host.run(UNAME, timeout=5).stdout.strip()
    userland, bits = parse_elf(host.run(ELF, timeout=5).stdout)
    if not bits:
        said = host.run(LONG_BIT, timeout=5).stdout.strip()
        bits = int(said) if said in ("32", "64") else 0
    return Architecture(kernel, userland, bits)


def parse_elf(text: str) -> tuple[str, int]:
    """Machine and word size from the first 20 bytes of a program as `od -tx1` prints them; ("", 0) for other text.

    ```
     7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00
     03 00 3e 00
    ```
    """
    words = text.split()
    if len(words) < 20 or not all(re.fullmatch(r"[0-9a-f]{2}", word) for word in words[:20]):
        return "", 0
    head = bytes(int(word, 16) for word in words[:20])
    bits = {1: 32, 2: 64}.get(head[4], 0)
    if head[:4] != b"\x7fELF" or not bits:
        return "", 0
    return _MACHINES.get(int.from_bytes(head[18:20], "big" if head[5] == 2 else "little"), ""), bits


def kernel_version(host: Host) -> str:
    """The kernel's release, like `6.1.0-28-amd64`; empty where it cannot be read."""
    return read_text(host, KERNEL).content.strip()


def parse_version(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: `6.1.0-28-amd64` is (6, 1, 0); an epoch and a leading `v` are left out."""
    found = re.match(r"(?:\d+:)?v?(\d+(?:\.\d+)*)", text.strip())
    return (
        tuple(int(part) for part in found[1].split(".")[:6] if len(part) < 12) if found and found[1].isascii() else ()
    )


def is_systemd(host: Host) -> bool | None:
    """Whether systemd runs the host: its own test (sd_booted(3)), and the installer's."""
    return has_folder(host, SYSTEMD)


def init_name(host: Host) -> str:
    """The name of process 1."""
    return read_text(host, INIT).content.strip()


@once_a_run
def mounts(host: Host) -> tuple[Mount, ...]:
    """The mount table."""
    return parse_mounts(read_text(host, MOUNTS).content)


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Mount points, types and options; short lines are left out.

    ```
    cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0
    ```
    """
    rows = (line.split() for line in text.splitlines())
    return tuple(Mount(row[1], row[2], tuple(row[3].split(","))) for row in rows if len(row) >= 4)


def cgroups(host: Host) -> Cgroups:
    """Version and controllers of the control groups."""
    table = mounts(host)
    disabled = parse_disabled(read_text(host, CMDLINE).content)
    if any(mount.type == "cgroup2" and mount.point == "/sys/fs/cgroup" for mount in table):
        said = read_text(host, CONTROLLERS)
        return Cgroups(2, frozenset(said.content.split()) if said.access is Access.READ else None, disabled)
    named = frozenset(option for mount in table if mount.type == "cgroup" for option in mount.options)
    if not named:
        return Cgroups(0, None, disabled)
    return Cgroups(1, (named & _V1_CONTROLLERS) - parse_off(read_text(host, CGROUPS).content), disabled)


def parse_disabled(text: str) -> frozenset[str]:
    """The controllers that `cgroup_disable=` of a kernel command line turns off, unless `cgroup_enable=` follows."""
    off: set[str] = set()
    for word in text.split():
        name, _, value = word.partition("=")
        if name == "cgroup_disable":
            off |= set(value.split(","))
        elif name == "cgroup_enable":
            off -= set(value.split(","))
    return frozenset(off - {""})


def parse_off(text: str) -> frozenset[str]:
    """The controllers that /proc/cgroups shows as off (last column 0)."""
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return frozenset(row[0] for row in rows if len(row) == 4 and row[3] == "0")


def selinux_mode(host: Host) -> str:
    """`enforcing`, `permissive`, `disabled` (no SELinux in the running kernel) or empty where it cannot be read."""
    said = read_text(host, ENFORCE)
    if said.access is Access.MISSING:
        return "disabled"
    return {"1": "enforcing", "0": "permissive"}.get(said.content.strip(), "")


def has_apparmor(host: Host) -> bool | None:
    """Whether AppArmor is on in the running kernel."""
    said = read_text(host, APPARMOR)
    return None if said.access is Access.FORBIDDEN else said.content.strip() == "Y"


def apparmor_profiles(host: Host) -> frozenset[str]:
    """The profiles that AppArmor has loaded; empty where they may not be seen.

    ```
    docker-default (enforce)
    ```
    """
    rows = read_text(host, PROFILES).content.splitlines()
    return frozenset(name for row in rows if (name := row.rpartition(" (")[0].strip()))


def machine_id(host: Host) -> MachineId:
    """The machine's identity, which the SSM agent takes for proof that it is still the same machine."""
    said = read_text(host, MACHINE_ID)
    if said.access is not Access.READ:
        return MachineId("missing" if said.access is Access.MISSING else "unreadable")
    state = judge_machine_id(said.content)
    return MachineId(state, _volatile(mounts(host)), digest(said.content) if state == "ok" else "")


def judge_machine_id(text: str) -> str:
    """The state of the file's content (machine-id(5))."""
    text = text.strip()
    if text in ("", "uninitialized"):
        return text or "empty"
    return "ok" if re.fullmatch(r"[0-9a-f]{32}", text) and text.strip("0") else "malformed"


def digest(text: str) -> str:
    """A value that stands for a machine-id: the id itself should not leave the machine (machine-id(5))."""
    import hashlib

    return hashlib.sha256(b"anywhere machine-id " + text.strip().encode()).hexdigest()[:16]


def _volatile(table: Iterable[Mount]) -> str:
    """The file system in memory that lies over the file, if one does: the last mount over it counts."""
    over = [mount for mount in table if mount.point in (MACHINE_ID, "/etc", "/")]
    longest = max(over, key=lambda mount: len(mount.point), default=None)
    return f"{longest.type} on {longest.point}" if longest and longest.type in VOLATILE else ""


def virtualization(host: Host) -> str:
    """`wsl`, the container manager's name (`lxc`, `openvz`), the virtual machine's vendor, or empty."""
    if "microsoft" in kernel_version(host).lower():
        return "wsl"
    return _container(host) or read_text(host, VENDOR).content.strip()


def _container(host: Host) -> str:
    named = re.search(r"\.vz\d|\dstab\d", kernel_version(host))  # 3.10.0-1160.119.1.vz7.224.4, 2.6.32-042stab145.3
    if (named or has_folder(host, OPENVZ[0])) and not has_folder(host, OPENVZ[1]):
        return "openvz"
    return read_text(host, CONTAINER).content.strip()


def is_wsl_1(host: Host) -> bool:
    """Whether this is WSL 1, which has no Linux kernel: `4.4.0-19041-Microsoft`, not `5.15.153.1-microsoft-standard-WSL2`."""
    version = kernel_version(host)
    return "microsoft" in version.lower() and parse_version(version)[:2] == (4, 4)


def is_container(host: Host) -> bool:
    """Whether the host is itself a container or a WSL guest: its clock and kernel are another machine's."""
    return virtualization(host) == "wsl" or bool(_container(host))


def without_ipv6(host: Host) -> bool:
    """Whether the running kernel has no IPv6 at all: switched off at boot, or not built in."""
    return "ipv6.disable=1" in read_text(host, CMDLINE).content.split() or has_folder(host, IPV6) is False


def is_ec2(host: Host) -> bool:
    """Whether the firmware says Amazon EC2."""
    return read_text(host, VENDOR).content.strip() == "Amazon EC2"


def today(now: float, *, clock: bool = False) -> str:
    """A clock's reading as an ISO date (UTC), with `clock` also the time of day; empty where it is not known."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%S" if clock else "%Y-%m-%d", time.gmtime(now)) if now > 0 else ""
