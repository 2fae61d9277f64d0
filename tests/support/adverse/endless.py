"""What has no end, in the place of each file and command that a check reads: on this machine's own namespaces."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.barehost import BareHost

BUDGET = 6.0  # seconds, the default of --budget
ECS_CONFIG, DAEMON_JSON = "/etc/ecs/ecs.config", "/etc/docker/daemon.json"
FILES = ("/etc/os-release", "/etc/resolv.conf", "/etc/hosts", ECS_CONFIG, DAEMON_JSON)
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
NSSWITCH = "/etc/nsswitch.conf"
PROGRAMS = ("docker", "systemctl", "nft", "rpm", "iptables-save", "dpkg-query", "ip", "timedatectl")
MANNERS = {
    "prints for ever": "exec yes a line that has no end",
    "prints one line for ever": "exec cat /dev/zero",
    "complains for ever": "exec yes a complaint >&2",
    "never ends": "exec sleep 1000",
    "leaves the session": "setsid sh -c 'yes & exec sleep 1000' & exec sleep 1000",
    "ignores signals": "trap '' TERM HUP INT; while :; do sleep 1000; done",
}
Prepare = Callable[[BareHost], None]


@dataclass(frozen=True)
class Case:
    """A name for the table, and what makes a host so."""

    name: str
    prepare: Prepare
    over_ssh: bool = True  # False where sshd itself cannot look its users up any more
    is_asked: bool = True  # False where a host without agents, whose names have no address, is not asked for it


def _place(path: str, how: str) -> Prepare:
    """`how` is a shell command that makes the file `$1`."""

    def prepare(bare: BareHost) -> None:
        folder = shlex.quote(os.path.dirname(path))
        bare.sh(f"set -- {shlex.quote(path)}; mkdir -p {folder}; rm -f $1; {how}")

    return prepare


def _program(names: Sequence[str], manner: str) -> Prepare:
    def prepare(bare: BareHost) -> None:
        for name in names:
            text = shlex.quote(f"#!/bin/sh\n{manner}\n")
            bare.sh(f"printf %s {text} >/usr/local/bin/{name}; chmod 755 /usr/local/bin/{name}")

    return prepare


def _all(*steps: Prepare) -> Prepare:
    def prepare(bare: BareHost) -> None:
        for step in steps:
            step(bare)

    return prepare


def _lines(count: int, text: str) -> str:
    return f"seq 1 {count} | sed 's/.*/{text}/' >$1"


def _daemon_with_store(path: str) -> Prepare:
    """A root's dockerd in its place, whose CA file has no end."""

    def prepare(bare: BareHost) -> None:
        bare.sh("cp /bin/sleep /usr/local/bin/dockerd")
        bare.sh(f"SSL_CERT_FILE={path} setsid /usr/local/bin/dockerd 600 </dev/null >/dev/null 2>&1 &")
        time.sleep(0.3)

    return prepare


def cases() -> tuple[Case, ...]:
    """Each by itself, and all files and all programs at once."""
    zero, pipe = "ln -s /dev/zero $1", "mkfifo $1"
    found = [Case(f"{path} is /dev/zero", _place(path, zero), path != NSSWITCH) for path in (*FILES, NSSWITCH)]
    found += [Case("all files are /dev/zero", _all(*(_place(path, zero) for path in FILES)))]
    found += [Case("all files are pipes", _all(*(_place(path, pipe) for path in FILES)))]
    found += [Case("all files have 2 GiB", _all(*(_place(path, "truncate -s 2G $1") for path in FILES)))]
    found += [Case(f"{BUNDLE} is /dev/zero", _place(BUNDLE, zero), is_asked=False)]
    found += [Case("SSL_CERT_FILE of dockerd is /dev/zero", _daemon_with_store("/dev/zero"), is_asked=False)]
    found += [
        Case("200,000 lines in /etc/hosts", _place("/etc/hosts", _lines(200_000, "10.1.2.3 blocked&.example.com"))),
        Case("1,200 addresses for one name", _place("/etc/hosts", _many_addresses())),
        Case("300,000 settings in ecs.config", _place(ECS_CONFIG, _lines(300_000, "ECS_SETTING_&=value"))),
        Case("daemon.json of a million brackets", _place(DAEMON_JSON, "head -c 1000000 /dev/zero | tr '\\0' '[' >$1")),
    ]
    for name in PROGRAMS:
        prints = _program([name], MANNERS["prints for ever"])
        found.append(Case(f"{name} prints for ever", prints, is_asked=name != "iptables-save"))
    found += [Case(f"every program {how}", _program(PROGRAMS, text)) for how, text in MANNERS.items()]
    return tuple(found)


def _many_addresses() -> str:
    name = "ssm.us-east-1.amazonaws.com"
    return f"for a in 1 2 3 4 5 6; do for b in $(seq 1 200); do echo 10.9.$a.$b {name}; done; done >$1"


@dataclass(frozen=True)
class Measured:
    """What a check took: seconds of the clock, peak memory in MiB, its exit code and its report."""

    seconds: float
    memory: float
    code: int
    report: dict[str, object]
    stderr: str


# A process keeps the peak of the one that it was forked from: between a large one and what is measured stands a small one.
MEASURE = (
    "import os, resource, subprocess, sys; code = subprocess.call(sys.argv[2:]);"
    "os.write(int(sys.argv[1]), b'%d' % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); os._exit(code % 256)"
)


def check(words: Sequence[str], enter: Sequence[str]) -> Measured:
    """Run `anywhere check` and measure its process."""
    peak, peak_write = os.pipe()
    argv = [
        sys.executable,
        "-S",
        "-c",
        MEASURE,
        str(peak_write),
        *enter,
        "env",
        "-i",
        "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME=/nonexistent",
    ]
    argv += [sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--format", "json", *words]
    argv += ["--budget", str(BUDGET)]  # given, it does not grow where this machine is busy
    read, write = os.pipe()
    errors, errors_write = os.pipe()
    started = time.monotonic()
    streams = {"stdin": subprocess.DEVNULL, "stdout": write, "stderr": errors_write}
    with subprocess.Popen(argv, **streams, pass_fds=(peak_write,)) as process:
        os.close(peak_write)
        os.close(write)
        os.close(errors_write)
        with open(read, "rb") as out, open(errors, "rb") as err:
            text, said = out.read(), err.read()
        process.wait()
        seconds = time.monotonic() - started
        with open(peak, "rb") as number:
            memory = int(number.read() or 0) / 1024
    report = json.loads(text) if text else {}
    return Measured(seconds, memory, process.returncode, report, said.decode())


def processes(bare: BareHost) -> dict[int, str]:
    """What runs in a host's namespaces, by its number."""
    mine = os.stat(f"/proc/{bare.pid}/ns/mnt").st_ino
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{entry}/ns/mnt").st_ino == mine:
                found[int(entry)] = Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def own_memory() -> int:
    """The peak of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
