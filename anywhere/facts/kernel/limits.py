"""Limits of the kernel and what is in use of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from anywhere.documents.numbers import whole
from anywhere.facts.agents import ssm_log
from anywhere.facts.files import read_text, shell_line
from anywhere.facts.logs import log_place
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

CONNTRACK = ("/proc/sys/net/netfilter/nf_conntrack_count", "/proc/sys/net/netfilter/nf_conntrack_max")
FILES_USED, TASKS = "/proc/sys/fs/file-nr", "/proc/loadavg"
PID_MAX, THREADS_MAX = "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"
ARP, ARP_MOST = "/proc/net/arp", "/proc/sys/net/ipv4/neigh/default/gc_thresh3"
INSTANCES, WATCHES = "/proc/sys/fs/inotify/max_user_instances", "/proc/sys/fs/inotify/max_user_watches"

OVERCOMMIT, MEMINFO = "/proc/sys/vm/overcommit_memory", "/proc/meminfo"
KEYS = "/proc/key-users"
# Each container gets one of each of these (clone(2), user_namespaces(7)); hardening guides set some to 0.
NAMESPACES = {f"/proc/sys/user/max_{kind}_namespaces": kind for kind in ("net", "mnt", "pid", "ipc", "uts")}

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (
    *(*CONNTRACK, FILES_USED, TASKS, PID_MAX, THREADS_MAX, ARP, ARP_MOST),
    *(KEYS, *NAMESPACES, OVERCOMMIT),
)
FOLDERS: tuple[str, ...] = ()

COUNT = shell_line(Path(__file__).with_name("inotify.sh"))
_COMPLAINT = re.compile(r"(?i)(?:watcher|inotify).*?(too many open files|no space left on device)")


@frozen
class Use:
    """One limit: what it is, how much of it is in use, the most, and the setting that raises it (sysctl's name)."""

    what: str
    used: int
    most: int
    setting: str

    @property
    def share(self) -> float:
        """Of 1."""
        return self.used / self.most if self.most > 0 else 0.0


@frozen
class Complaint:
    """An agent's own line that inotify gave out, in the run that lasts: `instances` or `watches`."""

    kind: str
    line: str
    path: str


def uses(host: Host) -> Iterator[Use]:
    """The limits that can be read together with their use; the others are left out."""
    rows = (
        (
            "the connection table",
            _number(host, CONNTRACK[0]),
            _number(host, CONNTRACK[1]),
            "net.netfilter.nf_conntrack_max",
        ),
        ("open files of the host", *_files(host), "fs.file-max"),
        ("processes and threads", _tasks(host), *_fewest(host)),
        ("keys that root holds (each container needs one)", *_keys(host), "kernel.keys.root_maxkeys"),
        ("the neighbor (ARP) table", _neighbours(host), _number(host, ARP_MOST), "net.ipv4.neigh.default.gc_thresh3"),
    )
    for what, used, most, setting in rows:
        if used is not None and most:
            yield Use(what, used, most, setting)


def without_namespaces(host: Host) -> tuple[str, ...]:
    """The settings that allow no namespace of a kind at all: no container starts then."""
    return tuple(f"user.max_{kind}_namespaces" for path, kind in NAMESPACES.items() if _number(host, path) == 0)


@frozen
class Commit:
    """What programs have reserved of memory and the most that the kernel lets them, in bytes."""

    reserved: int
    most: int


def commit(host: Host) -> Commit | None:
    """Where the kernel keeps to its limit (vm.overcommit_memory=2, proc(5)); None where it hands out more than it has."""
    if _number(host, OVERCOMMIT) != 2:
        return None
    found = dict(re.findall(r"(?m)^(CommitLimit|Committed_AS):\s+(\d+) kB", read_text(host, MEMINFO).content))
    if len(found) < 2:
        return None
    return Commit(int(found["Committed_AS"]) * 1024, int(found["CommitLimit"]) * 1024)


def inotify_complaint(host: Host) -> Complaint | None:
    """The last line of a running agent that says inotify gave out; lines of an earlier run do not count."""
    for path, tail, start in (
        (ssm_log.PATH, ssm_log.TAIL, ssm_log.STARTED),
        (log_place.PATH, log_place.TAIL, re.compile("Loading configuration|Amazon ECS agent Version")),
    ):
        rows = read_text(host, path, tail=tail).content.splitlines()
        begun = max((number for number, row in enumerate(rows) if start.search(row)), default=0)
        found = [(row, match) for row in rows[begun:] if (match := _COMPLAINT.search(row))]
        if found:
            row, match = found[-1]
            return Complaint("watches" if "space" in match[1].lower() else "instances", row.strip()[:400], path)
    return None


def inotify_use(host: Host, kind: str) -> Use:
    """Instances or watches of root, as far as they can be counted (0: not)."""
    path = INSTANCES if kind == "instances" else WATCHES
    used = host.run(COUNT, timeout=5).stdout.strip() if kind == "instances" else ""
    name = "fs.inotify.max_user_" + kind
    return Use(f"inotify {kind} of root", whole(used) or 0, _number(host, path) or 0, name)


def _number(host: Host, path: str) -> int | None:
    return whole(read_text(host, path).content.strip())


def _files(host: Host) -> tuple[int | None, int | None]:
    words = read_text(host, FILES_USED).content.split()
    used, free, most = map(whole, words) if len(words) == 3 else (None, None, None)
    return (None, None) if used is None or free is None else (used - free, most)


def _keys(host: Host) -> tuple[int | None, int | None]:
    """Root's row of proc(5) /proc/key-users: `0:   106 105/105 100/1000000 2100/25000000`, the third pair."""
    found = re.search(r"(?m)^\s*0:\s+\d+\s+\S+\s+(\d+)/(\d+)\s", read_text(host, KEYS).content)
    return (int(found[1]), int(found[2])) if found else (None, None)


def _tasks(host: Host) -> int | None:
    found = re.search(r"\d+/(\d+) ", read_text(host, TASKS).content)
    return int(found[1]) if found else None


def _fewest(host: Host) -> tuple[int | None, str]:
    named = [(_number(host, PID_MAX), "kernel.pid_max"), (_number(host, THREADS_MAX), "kernel.threads-max")]
    known = [(most, setting) for most, setting in named if most]
    return min(known, default=(None, ""))


def _neighbours(host: Host) -> int | None:
    rows = read_text(host, ARP).content.splitlines()
    return len(rows) - 1 if rows else None
