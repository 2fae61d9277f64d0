"""The kernel's own log, as far as it is about the agents and docker: kills, denials, file systems made read-only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.errors import NotRecorded
from anywhere.facts.files import read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

DMESG = ("dmesg",)
AUDIT = "/var/log/audit/audit.log"  # where auditd runs, denials are here and not in the kernel's log
AUDIT_TAIL = 256 * 1024  # bytes
JOURNAL = ("journalctl", "-k", "-b", "-n", "2000", "--no-pager")

COMMANDS: tuple[tuple[str, ...], ...] = (DMESG,)
FILES: tuple[str, ...] = (AUDIT,)
FOLDERS: tuple[str, ...] = ()

AGENT = "agent"
# Process names, cut to 15 characters by the kernel, and the unit that runs them.
UNITS = {
    "dockerd": "docker.service",
    "containerd": "docker.service",
    "amazon-ecs-init": "ecs.service",
    AGENT: "ecs.service",
    "amazon-ssm-agen": "amazon-ssm-agent.service",
    "ssm-agent-worke": "amazon-ssm-agent.service",
}
_KILLED = re.compile(r"[Oo]ut of memory: Kill(?:ed)? process \d+ \((?P<name>[^)]+)\)")
# Just before a kill: the process chosen and its control group (mm/oom_kill.c dump_oom_summary; before Linux 5.0
# mm/memcontrol.c mem_cgroup_print_oom_info).
_CHOSEN = re.compile(
    r"oom-kill:constraint=\w+,.*\btask_memcg=(?P<group>[^,]*),task=.*,pid=\d+,uid="
    r"|Task in (?P<group_before>\S+) killed as a result of limit of"
)
_TASK = re.compile(r"/(?:ecs|ecstasks[^/]*|kubepods[^/]*)(?:/|$)")
_CONTAINER = re.compile(r"/(?:docker|docker-|libpod-|crio-|cri-containerd-)/?[0-9a-f]{12,64}")
_DENIED = re.compile(r'(?:apparmor="DENIED"|avc: +denied).*?\bcomm="(?P<name>[^"]+)"')
# What every container runs under; ecs-init gives the agent a profile of its own (ecs-init/apparmor/apparmor.go).
_ANY_CONTAINER = 'profile="docker-default"'
_READ_ONLY = re.compile(
    r"Remounting filesystem read-only|Aborting journal|I/O error.*(?:remount|shutdown)|has shut down", re.I
)
_ERROR = re.compile(r"(?:EXT4-fs|XFS|BTRFS|JBD2).*?error|Buffer I/O error", re.I)


LATELY = 3600.0  # seconds
_AUDITED = re.compile(r"\bmsg=audit\((\d{9,12}\.\d+):\d+\)")
_SINCE_BOOT = re.compile(r"^(?:<\d+>)?\[ *(\d+\.\d+)\]")
# Sources: net/netfilter/nf_conntrack_core.c, net/core/neighbour.c, fs/file_table.c, kernel/cgroup/pids.c.
_EXCEEDED = (
    (
        re.compile(r"nf_conntrack: (?:nf_conntrack: )?table full"),
        "net.netfilter.nf_conntrack_max",
        "the connection table was full within the last hour: packets were dropped",
    ),
    (
        re.compile(r"[Nn]eighbou?r(?: table|:).{0,40}overflow"),
        "net.ipv4.neigh.default.gc_thresh3",
        "the neighbor (ARP) table overflowed within the last hour: packets were dropped",
    ),
    (
        re.compile(r"VFS: file-max limit \d+ reached"),
        "fs.file-max",
        "the host had no file handle left within the last hour",
    ),
    (
        re.compile(
            r"fork rejected by pids controller in /(?:[\w.-]+/)*"
            r"(?P<unit>(?:docker|containerd|ecs|amazon-ssm-agent)\.service)\s*$"
        ),
        "",
        "{unit} has as many processes as its TasksMax allows: new ones were refused within the last hour",
    ),
)


@frozen
class Said:
    """A line of the kernel about a process of ours: its name, the unit that runs it, the line."""

    name: str
    unit: str
    line: str


def lines(host: Host) -> tuple[str, ...] | None:
    """The log of this boot; None where it may not be read. Raises NotRecorded where neither way to it was recorded."""
    missing = []
    for argv in (DMESG, JOURNAL):
        try:
            done = host.run(argv, timeout=3)
        except NotRecorded as error:
            missing.append(error)
            continue
        if done.ok:
            return tuple(done.stdout.splitlines())
    if len(missing) == 2:
        raise missing[0]
    return None


def audited(host: Host) -> Iterator[tuple[float, str]]:
    """The denials that auditd wrote since the boot: when (epoch seconds), and the line."""
    booted = host.inventory().boot_time
    for row in read_text(host, AUDIT, tail=AUDIT_TAIL).content.splitlines():
        stamp = _AUDITED.search(row) if "enied" in row or "DENIED" in row else None
        if stamp and float(stamp[1]) >= booted:
            yield float(stamp[1]), row


def kills(rows: tuple[str, ...]) -> Iterator[Said]:
    """Processes of ours that the kernel killed for want of memory. A container's program may have the name of one of ours:
    its control group distinguishes it, and the agent's container has no limit that it could meet."""
    group = ""
    for row in rows:
        if chosen := _CHOSEN.search(row[:2000]):
            group = chosen["group"] or chosen["group_before"] or ""
        for said in _about((row,), _KILLED):
            if not _TASK.search(group) and not _is_of_a_container(said, group):
                yield said
            group = ""


def _is_of_a_container(said: Said, group: str) -> bool:
    if said.name == AGENT:
        return "Memory cgroup" in said.line
    return bool(_CONTAINER.search(group))


def denials(rows: tuple[str, ...]) -> Iterator[Said]:
    """What AppArmor or SELinux denied to processes of ours."""
    return (said for said in _about(rows, _DENIED) if _ANY_CONTAINER not in said.line)


def _about(rows: tuple[str, ...], pattern: re.Pattern[str]) -> Iterator[Said]:
    for row in rows:
        if (match := pattern.search(row)) and match["name"] in UNITS:
            yield Said(match["name"], UNITS[match["name"]], row.strip()[:400])


@frozen
class Exceeded:
    """A limit that the kernel reported as exceeded within the last hour: what it was, the setting that raises it (a sysctl,
    or empty for the number of processes of `unit`), the line, and when it was written (seconds since the boot)."""

    says: str
    setting: str
    unit: str
    line: str
    at: float = 0.0


def exceeded(rows: tuple[str, ...], uptime: float) -> Iterator[Exceeded]:
    """The last line about each limit; what is older, or has no time since the boot, proves nothing of now."""
    found: dict[str, Exceeded] = {}
    for row in rows:
        stamp = _SINCE_BOOT.match(row)
        if not stamp or not 0 <= uptime - float(stamp[1]) <= LATELY:
            continue
        for pattern, setting, says in _EXCEEDED:
            if match := pattern.search(row):
                unit = match.groupdict().get("unit") or ""
                found[setting or unit] = Exceeded(
                    says.format(unit=unit), setting, unit, row.strip()[:400], float(stamp[1])
                )
    yield from found.values()


def lines_if_known(host: Host) -> tuple[str, ...]:
    """The log of this boot, for those that do without it; empty where it may not be read or was not recorded."""
    try:
        return lines(host) or ()
    except NotRecorded:
        return ()


def read_only_reason(rows: tuple[str, ...]) -> str:
    """Why the kernel made a file system read-only, in its words; empty where it does not say."""
    rows_of_errors = [row.strip()[:300] for row in rows if _READ_ONLY.search(row) or _ERROR.search(row)]
    return rows_of_errors[0] if rows_of_errors else ""
