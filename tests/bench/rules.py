"""Figures of the rules: `python -m tests.bench.rules` (root). Times are the median of three runs; on
a busy machine the processor time is the fairer figure.

Each host has 5,000 foreign rules, 4,000 in filter INPUT and 1,000 in nat PREROUTING. `verify` is the plan, all judgements
and the live proof with real packets. The guard is measured idle and while it repairs.
"""

from __future__ import annotations

import os
import resource
import signal
import statistics
import subprocess
import time
from collections.abc import Callable

from anywhere.changes import engine
from anywhere.changes.rules import plan as netfilter
from anywhere.changes.rules.desired import observe
from anywhere.changes.rules.guard_script import guard_script
from anywhere.checks.netfilter.proof import judge_plan, judge_proof
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording
from anywhere.model import Status
from anywhere.settings import Settings
from tests.changes.rules.test_guard import cpu_seconds, proportional_set
from tests.changes.rules.test_rules import use
from tests.support.barehost import BareHost

FOREIGN = 5000
IDLE = 30.0  # seconds of watching an idle guard


def main() -> None:
    for backend in ("nft", "legacy"):
        with BareHost() as host:
            prepare(host, backend)
            times(host, backend)
            guard(host, backend)


def prepare(host: BareHost, backend: str) -> None:
    use(host, backend)
    host.sh("mkdir -p /run/netns; mount -t tmpfs t /run/netns; ip link add docker0 type bridge")
    host.sh("ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up")
    lines = ["*filter"]
    for n in range(FOREIGN * 4 // 5):
        match = f"-s 10.{n // 250}.{n % 250}.0/24 -p tcp -m tcp --dport {n + 1}"
        lines.append(f'-A INPUT {match} -m comment --comment "rule {n}" -j ACCEPT')
    lines += ["COMMIT", "*nat"]
    for n in range(FOREIGN // 5):
        match = f"-d 10.200.{n // 250}.{n % 250}/32 -p tcp -m tcp --dport 80"
        lines.append(f"-A PREROUTING {match} -j DNAT --to-destination 10.1.1.1:{n + 1}")
    lines.append("COMMIT\n")
    assert host.run((f"iptables-{backend}-restore", "-n"), input="\n".join(lines).encode()).ok


def plan(host: Host) -> tuple[netfilter.Step, ...]:
    return netfilter.plan(host, Settings())


def times(host: BareHost, backend: str) -> None:
    found: dict[str, list[float]] = {"apply": [], "apply again": [], "verify": [], "revert": []}
    spent: dict[str, list[float]] = {name: [] for name in found}

    def timed(name: str, call: Callable[[], object]) -> object:
        started, busy = time.perf_counter(), processor()
        result = call()
        found[name].append(time.perf_counter() - started)
        spent[name].append(processor() - busy)
        return result

    def verify() -> list[Status]:
        recorded = Recording(host)
        return [f.status for f in (*judge_plan(recorded, Settings(), True), *judge_proof(host, recorded))]

    for _ in range(3):
        applied = timed("apply", lambda: engine.apply(host, netfilter.JOURNAL, plan))
        assert isinstance(applied, engine.Applied) and applied.done and not applied.left
        again = timed("apply again", lambda: engine.apply(host, netfilter.JOURNAL, plan))
        assert isinstance(again, engine.Applied) and not again.done
        assert set(timed("verify", verify)) == {Status.PASS}
        timed("revert", lambda: engine.revert(host, netfilter.JOURNAL))
    for name, values in found.items():
        busy = statistics.median(spent[name])
        print(
            f"{backend:7} {FOREIGN} foreign rules  {name:12} {statistics.median(values):6.2f} s, {busy:.2f} s of processor"
        )


def processor() -> float:
    """Seconds of processor time of this process and of the commands that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))


def guard(host: BareHost, backend: str) -> None:
    engine.apply(host, netfilter.JOURNAL, plan)
    script = host.root / "guard.sh"
    script.write_text(guard_script(observe(host)))
    run = subprocess.Popen([*host.enter, "sh", str(script), "guard"], stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(5)
    before = cpu_seconds(run.pid)
    time.sleep(IDLE)
    share = (cpu_seconds(run.pid) - before) / IDLE
    pids = subprocess.run(["pgrep", "-s", str(run.pid)], capture_output=True, text=True).stdout.split()
    memory = sum(proportional_set(int(pid)) for pid in pids) / 2**20
    repairs = []
    for blow in ("-t nat -F", "-F INPUT", "-t nat -F OUTPUT"):
        host.sh(f"iptables {blow}")
        started = time.perf_counter()
        while netfilter.plan(host, Settings(), persist=False):
            time.sleep(0.02)
        repairs.append(time.perf_counter() - started)
    os.killpg(run.pid, signal.SIGTERM)
    run.wait()
    print(f"{backend:7} {FOREIGN} foreign rules  guard idle   {share:7.3%} of a processor, {memory:.1f} MiB (PSS)")
    print(f"{backend:7} {FOREIGN} foreign rules  guard repair {max(repairs):6.2f} s at most")


if __name__ == "__main__":
    main()
