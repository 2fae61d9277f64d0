"""`anywhere check` against curl, against the deadline, and against its own smallest case, in the embedded region."""

from __future__ import annotations

import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.bench import Figure, show
from tests.region.region import Region

ROOT = Path(__file__).parents[2]
CHECK = (sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--format", "json")
RUNS = 7
SHARDS = 20  # of each kind: forty endpoints

# Runs each command line of its arguments (JSON) and prints seconds, memory in MiB and exit code of each. As small as
# it can be, because a child's peak counts what it was forked from.
RUNNER = """
import json, os, sys, time
for argv, out in json.loads(sys.argv[1]):
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        number = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(number, 1)
        os.execvp(argv[0], argv)
    _, status, usage = os.wait4(pid, 0)
    print(time.monotonic() - started, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""

# One survey of forty endpoints and one visit to a single endpoint, without the start of a process.
SURVEY = """
import time
from anywhere.facts.network.survey import catalogue, survey, visit
from anywhere.facts.network.vantage import vantages
from anywhere.facts.network.resolv_conf import resolv_conf
from anywhere.hosts.open import open_recorded
from anywhere.settings import Settings
import dns.message, dns.query, psutil
settings = Settings(regions=("us-east-1",), shards={shards})
def one():
    host = open_recorded("local", 6.0)
    seen, servers = vantages(host), resolv_conf(host).nameservers
    endpoint = next(one for one in catalogue(host, settings, "us-east-1") if one.service == "ecs")
    started = time.monotonic()
    assert visit(host, endpoint, seen[endpoint.component], servers).ok
    return time.monotonic() - started
def all_of_them():
    host = open_recorded("local", 6.0)
    vantages(host)
    started = time.monotonic()
    seen = survey(host, settings, "us-east-1")
    took = time.monotonic() - started
    print("endpoints", sum(visit.ok for visit in seen.visits))
    return took
one()
for _ in range({runs}):
    print("one", one())
    print("all", all_of_them())
"""


def measure(region: Region, lines: Iterable[Sequence[str]], out: Path) -> list[tuple[float, float, int]]:
    """Seconds, MiB and exit code of each command line on the region's host; the last one's output goes to `out`."""
    words = json.dumps([[list(line), str(out)] for line in lines])
    done = region.run([sys.executable, "-IS", "-c", RUNNER, words])
    assert done.returncode == 0 and done.stdout, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(float(seconds), float(memory), int(code)) for seconds, memory, code in rows]


def curl(findings: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    """curl for the same addresses: every endpoint that was reached."""
    subjects = [row["subject"] for row in findings if row["check"] == "endpoints.reach" and row["status"] == "pass"]
    config = folder / "curl"
    config.write_text("".join(f'url = "https://{subject}/"\noutput = "/dev/null"\n' for subject in subjects))
    return ["curl", "--parallel", "--parallel-max", "100", "--silent", "--config", str(config)]


def usual_store(region: Region, folder: Path) -> None:
    """Give the host a CA store of the usual size: its own two roots are read in no time."""
    path = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    if os.path.exists(path):
        (folder / "store").write_bytes(Path(path).read_bytes())
        region.run(["sh", "-c", f"cat {folder}/store >> {region.world.host.bundle}"])


def healthy(folder: Path, is_usual: bool) -> list[Figure]:
    """A healthy region whose servers think for 100 ms: cold processes, taken in turns with curl.

    With the region's two roots alone curl reads its store in no time; with a usual one each of its connections does.
    """
    out = folder / "report.json"
    with Region(delay=0.1, binds=(str(folder),)) as region:
        if is_usual:
            usual_store(region, folder)
        measure(region, [CHECK], out)  # fills the page cache and gives curl its addresses
        peer = curl(json.loads(out.read_text())["targets"][0]["findings"], folder)
        ours, theirs, own = [], [], []
        for _ in range(RUNS):
            (first,) = measure(region, [CHECK], out)
            target = json.loads(out.read_text())["targets"][0]
            assert target["verdict"] == "ready" and first[2] == 0, target["causes"]
            own.append(max(row["seconds"] for row in target["findings"] if row["check"] == "endpoints.reach"))
            (second,) = measure(region, [peer], folder / "none")
            assert second[2] == 0, f"curl ended with {second[2]}"
            ours.append(first)
            theirs.append(second[0])
    wall, slowest, other = statistics.median(row[0] for row in ours), statistics.median(own), statistics.median(theirs)
    count = (folder / "curl").read_text().count("url =")
    title = "healthy region, " + ("a usual CA store" if is_usual else "two CAs")
    return [
        Figure(title, wall, slowest + 0.8, "s", f"cold process; slowest endpoint {slowest:.2f} s + 0.8 s"),
        Figure("... beside curl --parallel", wall / other, 4.0, "x", f"curl: {other:.2f} s for the same {count} hosts"),
        Figure("... peak memory", max(row[1] for row in ours), 64.0, "MiB"),
    ]


def start() -> list[Figure]:
    """Importing the command line, over bare Python."""

    def seconds(code: str) -> float:
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env={"PATH": os.environ["PATH"]})
        return time.monotonic() - started

    pairs = [(seconds("import anywhere.cli"), seconds("pass")) for _ in range(2 * RUNS + 1)]
    whole, bare = (statistics.median(column) for column in zip(*pairs))
    return [Figure("import of the command line", whole - bare, 0.12, "s", f"bare Python takes {bare:.3f} s")]


def forty() -> list[Figure]:
    """Forty endpoints at once against one, with servers that think for 500 ms."""
    with Region(delay=0.5, shards=SHARDS) as region:
        done = region.run([sys.executable, "-c", SURVEY.format(shards=SHARDS, runs=RUNS)], cwd=str(ROOT))
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    found = {
        word: statistics.median(float(row[1]) for row in rows if row[0] == word) for word in ("one", "all", "endpoints")
    }
    assert found["endpoints"] >= 2 * SHARDS
    note = f"{found['endpoints']:.0f} endpoints in {found['all']:.2f} s, one in {found['one']:.2f} s"
    return [Figure("forty endpoints of 500 ms against one", found["all"] / found["one"], 1.3, "x", note)]


def dropped(folder: Path) -> list[Figure]:
    """Every packet dropped, nameservers included, and servers that take what comes and stay silent."""
    figures = []
    for title, faults, rule in (
        ("every packet to port 443 dropped", ["egress-dropped"], ""),
        ("every packet dropped", [], "ip version 4"),
        ("servers that stay silent", ["silent-servers"], ""),
        ("a nameserver that stays silent", ["dead-nameserver"], ""),
    ):
        for budget in (1.0, 6.0):
            region = Region(faults, binds=(str(folder),))
            if rule:
                region.world.router.block(rule)
            with region:
                lines = [[*CHECK, "--budget", str(budget)]] * 2
                rows = measure(region, lines, folder / "report.json")
            assert {row[2] for row in rows} == {1}, rows
            figures.append(Figure(f"{title}, --budget {budget:g}", max(row[0] for row in rows), budget + 0.3))
    return figures


def undisturbed() -> None:
    """Go before whatever else runs on this machine, where that is allowed: its work is not what is measured."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (OSError, AttributeError):
        print("bench: other work on this machine counts: run it as root to go before it", file=sys.stderr)


def main() -> int:
    """All figures of one host."""
    undisturbed()
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/dev/shm") as name:
        folder = Path(name)
        return show(
            "anywhere check", [*start(), *healthy(folder, True), *healthy(folder, False), *forty(), *dropped(folder)]
        )


if __name__ == "__main__":
    sys.exit(main())
