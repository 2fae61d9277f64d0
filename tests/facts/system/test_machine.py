"""Architecture, control groups, identity, time, room and ports, as the host's files and commands tell them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.errors import ParseError
from anywhere.facts.agents.ports import PortRange, client_ports, parse_ports, reserved_ports
from anywhere.facts.prefetch_list import MODULES, wants
from anywhere.facts.summary import facts_summary, piece_names
from anywhere.facts.system.disks import disk_of, parse_df
from anywhere.facts.system.machine import (
    CGROUPS,
    CMDLINE,
    CONTAINER,
    CONTROLLERS,
    ELF,
    ENFORCE,
    KERNEL,
    LONG_BIT,
    MACHINE_ID,
    MOUNTS,
    UNAME,
    VENDOR,
    Architecture,
    architecture,
    cgroups,
    is_container,
    is_systemd,
    judge_machine_id,
    machine_id,
    parse_disabled,
    parse_elf,
    parse_mounts,
    parse_off,
    parse_version,
    selinux_mode,
    virtualization,
)
from anywhere.facts.system.time_sync import (
    CHRONY,
    TIMEDATECTL,
    TIMESYNCD,
    parse_chrony,
    parse_ntpq,
    parse_timedatectl,
    time_sync,
)
from anywhere.facts.system.units import SHOW
from anywhere.hosts.base import Completed, Disk, Inventory
from tests.support.fakehost import NOW, FakeHost

X86 = " 7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00\n 03 00 3e 00\n"
ARM32 = " 7f 45 4c 46 01 01 01 00 00 00 00 00 00 00 00 00\n 02 00 28 00\n"
BIG = " 7f 45 4c 46 02 02 01 00 00 00 00 00 00 00 00 00\n 00 03 00 15\n"
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n/dev/sda1 / ext4 rw 0 0\n"
V1 = (
    "tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
)


@given(st.text(), st.text())
def test_nothing_breaks_the_parsers(text: str, other: str) -> None:
    for parse in (parse_elf, parse_mounts, parse_disabled, parse_off, parse_version, judge_machine_id):
        parse(text)
    for parse in (parse_chrony, parse_ntpq, parse_timedatectl, parse_df):
        parse(text + "\n" + other)
    try:
        parse_ports(text)
    except ParseError:
        pass


@given(st.text(alphabet="0123456789-, \n"))
def test_ports_are_read_or_refused(text: str) -> None:
    try:
        assert all(0 <= one.first < 65536 and 0 <= one.last < 65536 for one in parse_ports(text))
    except ParseError:
        pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [(X86, ("x86_64", 64)), (ARM32, ("arm", 32)), (BIG, ("ppc64", 64)), ("", ("", 0)), ("23 21 2f" * 9, ("", 0))],
)
def test_the_elf_header_tells_machine_and_word_size(text: str, expected: tuple[str, int]) -> None:
    assert parse_elf(text) == expected


def test_getconf_helps_where_the_header_cannot_be_read() -> None:
    assert architecture(FakeHost(commands={UNAME: "aarch64\n", LONG_BIT: "32\n"})) == Architecture("aarch64", "", 32)
    assert architecture(FakeHost()) == Architecture()


def test_this_machine_can_be_asked_with_the_same_command() -> None:
    import subprocess

    printed = subprocess.run(ELF, capture_output=True, text=True, check=True).stdout
    assert parse_elf(printed)[1] in (32, 64)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6.1.0-28-amd64", (6, 1, 0)),
        ("3.10.0-1160.el7.x86_64", (3, 10, 0)),
        ("5:24.0.7-1~ubuntu", (24, 0, 7)),
        ("v1.98.0", (1, 98, 0)),
        ("", ()),
        ("unknown", ()),
    ],
)
def test_versions_are_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert parse_version(text) == expected


def test_control_groups_version_2() -> None:
    found = cgroups(FakeHost({MOUNTS: V2, CONTROLLERS: "cpuset cpu io memory pids\n", CMDLINE: "quiet"}))
    assert (found.version, found.controllers) == (2, frozenset({"cpuset", "cpu", "io", "memory", "pids"}))


def test_control_groups_version_1_with_one_turned_off() -> None:
    table = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t2\t1\t1\nmemory\t0\t1\t0\n"
    found = cgroups(FakeHost({MOUNTS: V1, CGROUPS: table, CMDLINE: "cgroup_disable=memory quiet"}))
    assert (found.version, found.controllers, found.disabled) == (1, {"cpu", "cpuacct"}, {"memory"})


def test_control_groups_that_cannot_be_seen_are_not_known() -> None:
    assert cgroups(FakeHost({MOUNTS: V2})).controllers is None
    assert cgroups(FakeHost()).version == 0


def test_a_later_enable_takes_a_disable_back() -> None:
    assert parse_disabled("cgroup_disable=memory,pids cgroup_enable=memory") == {"pids"}


@pytest.mark.parametrize(
    ("files", "mode"),
    [({ENFORCE: "1"}, "enforcing"), ({ENFORCE: "0"}, "permissive"), ({}, "disabled"), ({ENFORCE: None}, "")],
)
def test_selinux_modes(files: dict[str, str | None], mode: str) -> None:
    assert selinux_mode(FakeHost(files)) == mode


@pytest.mark.parametrize(
    ("content", "table", "state", "volatile"),
    [
        ("3d1219c7c4c5404aaa1f6d2a48adfda4\n", "/dev/sda1 / ext4 rw 0 0", "ok", ""),
        ("3d1219c7c4c5404aaa1f6d2a48adfda4\n", "/dev/sda1 / ext4 rw 0 0\ntmpfs /etc/machine-id tmpfs rw 0 0", "ok",
         "tmpfs on /etc/machine-id"),
        ("3d1219c7c4c5404aaa1f6d2a48adfda4\n", "tmpfs / tmpfs rw 0 0", "ok", "tmpfs on /"),
        ("3d1219c7c4c5404aaa1f6d2a48adfda4\n", "tmpfs / tmpfs rw 0 0\n/dev/sda1 /etc ext4 rw 0 0", "ok", ""),
        ("uninitialized\n", "", "uninitialized", ""),
        ("", "", "empty", ""),
        ("0" * 32, "", "malformed", ""),
        ("3D1219C7", "", "malformed", ""),
    ],
)  # fmt: skip
def test_the_machine_id_is_judged(content: str, table: str, state: str, volatile: str) -> None:
    found = machine_id(FakeHost({MACHINE_ID: content, MOUNTS: table}))
    assert (found.state, found.volatile) == (state, volatile)
    assert bool(found.digest) is (state == "ok")
    assert state != "ok" or content.strip() not in repr(found)


def test_an_absent_machine_id_is_missing_and_a_forbidden_one_unreadable() -> None:
    assert machine_id(FakeHost()).state == "missing"
    assert machine_id(FakeHost({MACHINE_ID: None})).state == "unreadable"


def test_virtual_machines_and_containers_are_told() -> None:
    assert virtualization(FakeHost({KERNEL: "5.15.167.4-microsoft-standard-WSL2\n"})) == "wsl"
    assert virtualization(FakeHost({CONTAINER: "lxc\n", VENDOR: "QEMU\n"})) == "lxc"
    assert virtualization(FakeHost({VENDOR: "Amazon EC2\n"})) == "Amazon EC2"
    assert is_container(FakeHost({CONTAINER: "lxc\n"})) and not is_container(FakeHost({VENDOR: "QEMU\n"}))


def test_systemd_is_told_by_its_own_folder() -> None:
    assert is_systemd(FakeHost(folders={"/run/systemd/system": ()})) is True
    assert is_systemd(FakeHost()) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reference ID    : C0248F97\nStratum         : 3\nLeap status     : Normal\n", True),
        ("Reference ID    : 00000000 ()\nLeap status     : Not synchronised\n", False),
        ("Reference ID    : 7F7F0101 ()\nStratum         : 10\nLeap status     : Normal\n", False),
        ("506 Cannot talk to daemon\n", None),
    ],
)
def test_chrony_tells(text: str, expected: bool | None) -> None:
    assert parse_chrony(text) is expected


def test_timedatectl_tells_in_both_wordings() -> None:
    assert parse_timedatectl("               Local time: Sun\nSystem clock synchronized: yes\n") is True
    assert parse_timedatectl("     NTP enabled: yes\nNTP synchronized: no\n") is False
    assert parse_timedatectl("Failed to connect to bus: Host is down\n") is None
    assert parse_ntpq("leap=00") is True and parse_ntpq("leap=11, x") is False and parse_ntpq("refused") is None


def shown(unit: str) -> str:
    return f"Id={unit}\nLoadState=loaded\nActiveState=active\n"


def test_the_running_time_service_is_named() -> None:
    host = FakeHost(commands={SHOW: shown("chrony.service"), CHRONY: "Leap status     : Normal\n"})
    found = time_sync(host)
    assert (found.synchronised, found.service, found.said_by) == (True, "chrony.service", "chronyc")


def test_timesyncd_is_told_by_its_marker_and_else_by_the_kernel() -> None:
    unit = shown("systemd-timesyncd.service")
    assert time_sync(FakeHost({TIMESYNCD: ""}, {SHOW: unit})).said_by == "systemd-timesyncd"
    found = time_sync(FakeHost(commands={SHOW: unit, TIMEDATECTL: "System clock synchronized: no\n"}))
    assert (found.synchronised, found.service) == (False, "systemd-timesyncd.service")
    assert time_sync(FakeHost()).synchronised is None


def test_a_folder_has_the_nearest_measured_file_system() -> None:
    disks = (Disk("/", 100, 50), Disk("/var/lib", 10, 5))
    host = FakeHost({MOUNTS: "a / ext4 rw\nb /var/lib ext4 rw\n"}, found=Inventory(disks=disks, now=NOW))
    assert disk_of(host, "/var/lib/docker") == disks[1]
    assert disk_of(host, "/data") == disks[0]


def test_a_mount_that_was_not_measured_is_asked_for() -> None:
    df = ("df", "-Pk", "/data")
    space = "Filesystem     1024-blocks    Used Available Capacity Mounted on\n/dev/sdb1  1000 1 400  2% /data\n"
    inodes = "Filesystem     Inodes   IUsed   IFree IUse% Mounted on\n/dev/sdb1 500 1 499 1% /data\n"
    files = {MOUNTS: "a / ext4 rw\nb /data ext4 rw\n"}
    commands: dict[tuple[str, ...], Completed | str] = {df: space, ("df", "-Pi", "/data"): inodes}
    host = FakeHost(files, commands, found=Inventory(disks=(Disk("/", 9, 9),), now=NOW))
    assert disk_of(host, "/data/docker") == Disk("/data", 1_024_000, 409_600, 500, 499)
    assert disk_of(FakeHost(files), "/data/docker") is None


def test_ports_and_ranges() -> None:
    assert parse_ports("51678-51679,60000\n") == (PortRange(51678, 51679), PortRange(60000, 60000))
    assert 51679 in PortRange(51678, 51679) and "51679" not in PortRange(51678, 51679)
    assert reserved_ports(FakeHost()) is None
    assert client_ports(FakeHost({"/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n"})) == PortRange(
        32768, 60999
    )
    with pytest.raises(ParseError):
        parse_ports("51678-x")


def test_what_the_facts_read_is_said_once() -> None:
    wanted = wants()
    assert len(set(wanted.commands)) == len(wanted.commands) and len(set(wanted.files)) == len(wanted.files)
    assert all(set(module.COMMANDS) <= set(wanted.commands) for module in MODULES)


def test_facts_that_fail_are_left_out_and_never_stop_the_rest() -> None:
    class Broken(FakeHost):
        def inventory(self) -> Inventory:
            raise OSError("gone")

    found = facts_summary(Broken({"/etc/os-release": "ID=debian\n", KERNEL: "6.1.0\n"}))
    assert found["os"] == {"id": "debian"} and found["kernel"] == "6.1.0"
    assert set(found) <= set(piece_names())


@given(st.binary(max_size=200))
def test_no_content_of_the_files_breaks_the_summary(content: bytes) -> None:
    host = FakeHost(dict.fromkeys(wants().files, content), dict.fromkeys(wants().commands, content.decode("latin-1")))
    facts_summary(host)
