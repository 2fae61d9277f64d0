"""The guard script on a real kernel: what takes rules away, and how soon they are back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from anywhere.changes import engine
from anywhere.changes.rules import plan
from anywhere.changes.rules.desired import observe
from anywhere.changes.rules.guard_script import guard_script
from anywhere.settings import Settings
from tests.changes.rules.test_rules import ECS_INIT, ECS_STOP, use
from tests.support.barehost import BareHost

# Slow: these wait for a watcher of the kernel, seconds at a time, and measure what it costs.
pytestmark = [pytest.mark.region, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

REPAIR = 5.0  # seconds, the promise


class Guard:
    """A running guard on a bare host."""

    def __init__(self, host: BareHost) -> None:
        self.host = host
        engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, Settings(), persist=False))
        self.script = host.root / "rules.sh"
        self.script.write_text(guard_script(observe(host)))
        self.log = host.root / "log"
        self.run_folder = host.root / "run"
        self.run_folder.mkdir()
        self.start()

    def start(self) -> None:
        """Start it, and give it a moment."""
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*self.host.enter, "sh", str(self.script), "guard"],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "RUNTIME_DIRECTORY": str(self.run_folder)},
            )
        self.until(self.pids, 3)
        time.sleep(2.5)

    def pids(self) -> list[int]:
        found = subprocess.run(["pgrep", "-s", str(self.process.pid)], capture_output=True, text=True).stdout
        return [int(pid) for pid in found.split()]

    def until(self, true: Callable[[], object], seconds: float = REPAIR) -> float:
        started = time.monotonic()
        while not true():
            assert time.monotonic() - started < seconds, f"not within {seconds} s; log: {self.log.read_text()}"
            time.sleep(0.05)
        return time.monotonic() - started

    def whole(self) -> bool:
        return not plan.plan(self.host, Settings(), persist=False)

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(5)


@pytest.fixture(params=["nft", "legacy"])
def guard(request: pytest.FixtureRequest) -> Iterator[Guard]:
    with BareHost() as host:
        use(host, str(request.param))
        made = Guard(host)
        yield made
        made.close()


@pytest.mark.parametrize(
    "blow",
    [
        "iptables -t nat -F",
        "iptables -F INPUT",
        "ip6tables -F",
        "nft flush ruleset; iptables-legacy -F; iptables-legacy -t nat -F",
        "iptables-restore < /dev/null; printf '*nat\\nCOMMIT\\n' | iptables-restore",
        "echo 0 > /proc/sys/net/ipv4/conf/all/route_localnet",
        "echo 9000 > /proc/sys/net/ipv4/ip_local_reserved_ports",
    ],
)
def test_what_is_taken_away_is_back_in_time(guard: Guard, blow: str) -> None:
    guard.host.sh(blow)
    guard.until(guard.whole)
    guard.until(lambda: "put back:" in guard.log.read_text())  # said once the whole look is over
    if "9000" in blow:
        assert guard.host.sh("cat /proc/sys/net/ipv4/ip_local_reserved_ports").startswith("9000,")


def test_the_counter_counts_and_nothing_is_repaired_twice(guard: Guard) -> None:
    guard.host.sh("iptables -t nat -F")
    guard.until(guard.whole)
    time.sleep(5)
    text = (guard.run_folder / "rules.prom").read_text()
    assert guard.log.read_text().count("put back:") == 1
    assert re.search(r"^anywhere_rules_repairs_total 1$", text, re.M)


def test_starts_and_stops_of_ecs_init_are_no_fight(guard: Guard) -> None:
    for _ in range(2):
        guard.host.sh(ECS_INIT)
        time.sleep(4.5)
        guard.host.sh(ECS_STOP)
        guard.until(guard.whole)
    assert guard.host.sh("iptables-save").count("--to-destination 127.0.0.1:51679") == 1
    assert set(re.findall("put back: (.*)", guard.log.read_text())) == {"route_localnet"}


def test_a_program_that_keeps_removing_them_is_named_and_not_raced(guard: Guard) -> None:
    guard.script.write_text(re.sub("(?m)^patience=.*", "patience=1", guard.script.read_text()))
    guard.close()
    guard.start()
    guard.host.sh("iptables -t nat -F")
    guard.until(guard.whole)
    time.sleep(2.5)
    guard.host.sh("iptables -t nat -F")
    time.sleep(6)
    assert not guard.whole()
    assert guard.log.read_text().count("put back:") == 1


def test_it_listens_and_a_flood_of_changes_does_not_deafen_it(guard: Guard) -> None:
    def listeners() -> str:
        return subprocess.run(
            ["pgrep", "-s", str(guard.process.pid), "-f", "monitor"], capture_output=True, text=True
        ).stdout

    assert bool(listeners()) == ("nft" in guard.host.sh("readlink /etc/alternatives/iptables"))
    rules = "".join(f"-A INPUT -s 10.1.{n // 250}.{n % 250} -j ACCEPT\n" for n in range(4000))
    for _ in range(2):
        assert guard.host.run(("iptables-restore", "-n"), input=f"*filter\n{rules}COMMIT\n".encode()).ok
        guard.host.sh("iptables -F INPUT")
        guard.until(guard.whole)
    time.sleep(6)
    guard.host.sh("iptables -t nat -F")
    guard.until(guard.whole)


def test_idle_it_waits(guard: Guard) -> None:
    """It does not turn in a loop. The figure itself is the bench's: `python -m tests.bench rules`."""
    time.sleep(3)
    before = cpu_seconds(guard.process.pid)
    time.sleep(10)
    share = (cpu_seconds(guard.process.pid) - before) / 10
    memory = sum(proportional_set(pid) for pid in guard.pids())
    assert share < 0.1, f"{share:.2%} of a processor"
    assert memory < 32 * 2**20, f"{memory / 2**20:.1f} MiB"


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of the children it has waited for, and of those that live."""
    total = 0.0
    found = subprocess.run(["pgrep", "-s", str(pid)], capture_output=True, text=True).stdout.split()
    for each in found:
        try:
            with open(f"/proc/{each}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(value) for value in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return total


def proportional_set(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_the_script_is_clean_shell(backend: str) -> None:
    with BareHost() as host:
        use(host, backend)
        done = subprocess.run(
            ["shellcheck", "-s", "sh", "-"], input=guard_script(observe(host)).encode(), capture_output=True
        )
    assert done.returncode == 0, done.stdout.decode()


def test_nft_alone_is_guarded_too() -> None:
    names = [f"{word}{kind}" for word in ("iptables", "ip6tables") for kind in ("", "-nft", "-legacy")]
    with BareHost(hidden=names) as host:
        made = Guard(host)
        try:
            host.sh("nft flush ruleset")
            assert not made.whole()
            made.until(made.whole)
        finally:
            made.close()
