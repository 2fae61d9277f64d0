"""Many hosts over SSH: against `ansible -m ping` on the same hosts, against fewer of them, with some that hang, far away.

One sshd in the embedded region answers on as many loopback addresses as there are hosts, so all of them share this
machine's processors with the tool itself and with the endpoints: what is measured is work, not waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anywhere.facts.prefetch_list import wants
from tests.bench import Figure, show
from tests.region import Options, Region
from tests.support.ssh.sshd import Server

PARALLEL = 16
SHARDS = 7  # of each kind: nineteen endpoints
LEAST_ENDPOINTS = 18
SILENT, SILENT_PORT = "127.9.9.9", 2299
ANSIBLE = Path(sys.executable).with_name("ansible")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """One run of a command: seconds, peak memory in MiB, exit code, its output."""

    seconds: float
    memory: float
    code: int
    out: str


@dataclass(frozen=True)
class Fleet:
    """The hosts, and a home for whoever looks at them."""

    region: Region
    server: Server
    home: Path

    def inventory(self, hosts: int, silent: int = 0) -> str:
        """A file of so many hosts; the silent ones, spread among them, accept a connection and say nothing."""
        words = f"ansible_port={self.server.port} ansible_user=root"
        lines = [f"h{n:04} ansible_host=127.1.{n // 200}.{n % 200 + 1} {words}" for n in range(hosts)]
        for number in range(silent):
            place = (number * hosts) // silent + number
            lines.insert(place, f"silent{number:03} ansible_host={SILENT} ansible_port={SILENT_PORT} ansible_user=root")
        path = self.home / f"hosts{hosts}-{silent}"
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def run(self, argv: Sequence[str], **environment: str) -> Run:
        """Run a command in the hosts' network, with this machine's files."""
        enter = ["nsenter", f"--net=/proc/{self.region.pid}/ns/net", "env", "-i", f"HOME={self.home}", "LANG=C.UTF-8"]
        path = f"PATH={Path(sys.executable).parent}:/usr/bin:/bin:/usr/sbin:/sbin"
        words = [*enter, path, *(f"{name}={value}" for name, value in environment.items()), *argv]
        started = time.monotonic()
        with (
            tempfile.TemporaryFile() as out,
            subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT) as process,
        ):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - started
            out.seek(0)
            return Run(took, usage.ru_maxrss / 1024, process.returncode, out.read().decode())

    def check(self, inventory: str, *words: str) -> Run:
        """All checks on all hosts."""
        argv = [sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--shards", str(SHARDS)]
        return self.run([*argv, "-i", inventory, "--parallel", str(PARALLEL), *words])

    def ping(self, inventory: str) -> Run:
        """Ansible's own smallest task on the same hosts."""
        return self.run(
            [str(ANSIBLE), "all", "-i", inventory, "-f", str(PARALLEL), "-m", "ping"],
            ANSIBLE_CONFIG=f"{self.home}/ansible.cfg",
        )


@contextlib.contextmanager
def fleet(delay: float = 0.0) -> Iterator[Fleet]:
    """A region with sshd on every loopback address of its host."""
    with tempfile.TemporaryDirectory(prefix=f"any{os.getpid()}-") as folder:
        room = Path(folder)
        room.chmod(0o755)
        region = Region(options=Options(binds=(folder,), shards=SHARDS, delay=delay))
        host = region.world.host
        host.folders.append("/run/sshd")
        host.files["/root/.bashrc"] = None
        host.programs |= recorded()
        server = Server(room / "sshd", "Subsystem sftp internal-sftp", addresses=("0.0.0.0",))
        home = room / "home"
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "known_hosts").write_text("* " + Path(f"{server.host_key}.pub").read_text())
        (home / ".ssh" / "config").write_text(f"Host *\n  IdentityFile {server.key}\n")
        ssh = f"-F {home}/.ssh/config -o UserKnownHostsFile={home}/.ssh/known_hosts"
        (home / "ansible.cfg").write_text(
            "[defaults]\ninterpreter_python=/usr/bin/python3\nremote_tmp=/tmp/.ansible\n"
            f"[ssh_connection]\nssh_args={ssh} -o ControlMaster=auto -o ControlPersist=60s\n"
        )
        with region:
            server.start(region.popen)
            listening = (
                f"import socket,time; s=socket.create_server(('{SILENT}',{SILENT_PORT}),backlog=500); time.sleep(9999)"
            )
            silent = region.popen([sys.executable, "-c", listening])
            try:
                yield Fleet(region, server, home)
            finally:
                silent.kill()
                silent.wait()
                server.stop()


def recorded() -> dict[str, str]:
    """systemctl and timedatectl as shell scripts with the answers of the region's own stand-ins, which are Python: the
    start of an interpreter is not what these cost on a host."""
    commands = [argv for argv in wants().commands if argv[0] in ("systemctl", "timedatectl")]
    cases: dict[str, str] = {"systemctl": "", "timedatectl": ""}
    with Region() as region:
        for argv in commands:
            done = region.run(argv)
            words = shlex.quote(" ".join(argv[1:]))
            cases[argv[0]] += f"{words}) printf %s {shlex.quote(done.stdout)}; exit {done.returncode};;\n"
    return {f"/usr/bin/{name}": f'#!/bin/sh\ncase "$*" in\n{text}esac\nexit 1\n' for name, text in cases.items()}


def against_ansible(hosts: Fleet, count: int = 200) -> list[Figure]:
    """The full check of these hosts, and the ping of the same, each after a run that warms it up."""
    few, all_of_them = hosts.inventory(PARALLEL), hosts.inventory(count)
    hosts.check(few)
    judged = hosts.check(all_of_them, "--format", "jsonl")
    rows = [json.loads(line) for line in judged.out.splitlines()]
    targets = [row for row in rows if "findings" in row]
    endpoints = min(sum(f["check"] == "endpoints.reach" for f in row["findings"]) for row in targets)
    ready = sum(row["verdict"] == "ready" for row in targets)
    assert len(targets) == count and endpoints >= LEAST_ENDPOINTS, (len(targets), endpoints)
    cold = hosts.ping(all_of_them)
    warm = hosts.ping(all_of_them)
    assert warm.out.count('"pong"') == count, warm.out[:500]
    note = f"{ready} ready, {endpoints} endpoints each; ansible {cold.seconds:.1f} s without its open connections"
    return [Figure(f"full check of {count} hosts", judged.seconds, warm.seconds, "s", note)]


def logins(hosts: Fleet, count: int = 200) -> list[Figure]:
    """The full check, against asyncssh alone: its login with one command, and beside it the same endpoints."""
    judged = hosts.check(hosts.inventory(count), "--format", "jsonl")
    rows = json.loads(judged.out.splitlines()[0])["findings"]
    reached = [row for row in rows if row["check"] == "endpoints.reach"]
    names = [f"{row['subject'].partition(':')[0]}={row['evidence']['addresses'][0]['address']}" for row in reached]
    argv = [sys.executable, "-m", "tests.bench.login", str(hosts.server.key), str(hosts.server.port), str(count)]
    alone, connected = hosts.run(argv), hosts.run([*argv, *names])
    assert alone.code == connected.code == 0 and len(names) >= LEAST_ENDPOINTS, (alone.code, connected.code, len(names))
    note = f"login and command {alone.seconds:.1f} s; with {len(names)} requests and no check {connected.seconds:.1f} s"
    return [Figure(f"full check of {count} hosts, three logins", judged.seconds, 3 * alone.seconds, "s", note)]


def status(hosts: Fleet, count: int = 200) -> list[Figure]:
    """The status of these hosts, and the full check of the same."""
    inventory = hosts.inventory(count)
    argv = [sys.executable, "-m", "anywhere", "status", "-i", inventory, "--parallel", str(PARALLEL)]
    found, checked = hosts.run([*argv, "--format", "json"]), hosts.check(inventory, "--format", "jsonl")
    assert len(json.loads(found.out)["targets"]) == count, found.out[:500]
    return [Figure(f"status of {count} hosts", found.seconds, checked.seconds, "s", "at most the full check's time")]


def growth(hosts: Fleet, few: int = 50, many: int = 1000) -> list[Figure]:
    """The cost of a host among few and among many, and the memory of many."""
    small, large = hosts.check(hosts.inventory(few)), hosts.check(hosts.inventory(many), "--format", "json")
    each, of_many = small.seconds / few, large.seconds / many
    verdicts = [row["verdict"] for row in json.loads(large.out)["targets"]]
    note = f"{of_many * 1000:.0f} ms a host among {many}; {verdicts.count('ready')} ready"
    return [
        Figure(f"a host among {many} against one among {few}", of_many / each, 1.1, "x", note),
        Figure(f"memory for {many} hosts", large.memory, 150, "MiB"),
    ]


def hanging(hosts: Fleet, fine: int = 950, silent: int = 50) -> list[Figure]:
    """Hosts that say nothing among those that answer."""
    limit = 30.0  # seconds: the default of --host-timeout
    without = hosts.check(hosts.inventory(fine), "--format", "jsonl")
    mixed = hosts.check(hosts.inventory(fine, silent), "--format", "jsonl")
    unknown = sum(json.loads(line).get("verdict") == "unknown" for line in mixed.out.splitlines()[:-1])
    note = f"{without.seconds:.1f} s without them; {unknown} not judged"
    return [Figure(f"{fine + silent} hosts of which {silent} hang", mixed.seconds, without.seconds + limit, "s", note)]


FAR = """
import sys, time, json
from anywhere.hosts.open import open_live
from anywhere.hosts.recording import Recording
from anywhere.hosts.target import SSHOptions
from anywhere.flows.examine import examine
from anywhere.settings import Settings
from tests.support.ssh.relay import Relay
options = SSHOptions(accept_new=True, known_hosts=(sys.argv[2],))
settings = Settings(regions=("us-east-1",), shards=int(sys.argv[3]))
def once(delay):
    relay = Relay(int(sys.argv[1]), delay)
    started = time.monotonic()
    host = open_live(f"root@127.0.0.1:{relay.place}", 6.0, options)
    opened = time.monotonic()
    dials = []
    dial = host.connection.dial
    host.connection.dial = lambda *words: (dials.append((time.monotonic(), words[1])), dial(*words))[1]
    target = examine(Recording(host), settings)
    ended = time.monotonic()
    host.close()
    probes = [at for at, port in dials if port == 443]
    return {"all": ended - started, "gap": probes[0] - opened, "verdict": str(target.verdict)}
near = min((once(0.0) for _ in range(3)), key=lambda run: run["gap"])
print(json.dumps({"near": near, "far": once(0.1)}))
"""


def far_away(hosts: Fleet) -> list[Figure]:
    """One host over a way of 200 ms there and back; the round trips are what the delay alone adds."""
    done = hosts.run([sys.executable, "-c", FAR, str(hosts.server.port), f"{hosts.home}/new_hosts", str(SHARDS)])
    found: dict[str, Any] = json.loads(done.out.splitlines()[-1])
    trips = (found["far"]["gap"] - found["near"]["gap"]) / 0.2
    note = f"{found['far']['verdict']}; {found['near']['all']:.1f} s without the delay"
    return [
        Figure("one host 200 ms away", found["far"]["all"], 12, "s", note),
        Figure("round trips between login and the first probe", trips, 4.5, "", "four, and what the scheduler adds"),
    ]


PARTS = {
    "ansible": against_ansible,
    "logins": logins,
    "status": status,
    "growth": growth,
    "hanging": hanging,
    "far": far_away,
}


def main(words: Sequence[str] = ()) -> int:
    """Measure the named parts, all of them without a name."""
    figures: list[Figure] = []
    with fleet() as hosts:
        for name in words or PARTS:
            figures += PARTS[name](hosts)
    return show("many hosts over SSH", figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
