"""Time and memory of 1,000 task definitions in one run: `python -m tests.bench.taskdef [--yaml] [--table]`."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench import Figure, show

ROOT = Path(__file__).resolve().parents[2]
COUNT, RUNS = 1000, 3
RATIO, MOST_MEMORY = 5.0, 150.0
FAULTS = ({}, {"networkMode": "awsvpc"}, {"enableFaultInjection": True}, {"memory": "64"})


def definition(number: int) -> dict[str, object]:
    """A definition of about 2 KB with two containers; every fourth is clean."""
    containers = [
        {
            "name": name,
            "image": f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/{name}:{number}",
            "memory": 256,
            "cpu": 128,
            "essential": True,
            "portMappings": [{"containerPort": 8080 + at, "hostPort": 0, "protocol": "tcp"} for at in range(2)],
            "environment": [{"name": f"SETTING_{at}", "value": f"value {at} of {number}"} for at in range(8)],
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": False}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/site/app", "awslogs-region": "eu-west-1", "mode": "non-blocking"},
            },
        }
        for name in ("app", "side")
    ]
    return {
        "family": f"app-{number}",
        "executionRoleArn": "arn:aws:iam::111122223333:role/exec",
        "requiresCompatibilities": ["EXTERNAL"],
        "containerDefinitions": containers,
        "volumes": [{"name": "data", "host": {"sourcePath": "/srv/data"}}],
        "tags": [{"key": "team", "value": "site"}],
    } | FAULTS[number % len(FAULTS)]


def write(folder: Path, as_yaml: bool) -> None:
    """The documents, one a file."""
    for number in range(COUNT):
        text = json.dumps(definition(number), indent=2)
        if as_yaml:
            import yaml

            with (folder / f"{number:04}.yaml").open("w") as file:
                yaml.safe_dump(definition(number), file, sort_keys=False)
        else:
            (folder / f"{number:04}.json").write_text(text)


# What any program that reads these documents does: PyYAML's C loader, one file after the other (JSON is YAML).
PEER = """
import pathlib, sys, yaml
for path in pathlib.Path(sys.argv[1]).iterdir():
    yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
"""


def measure(argv: list[str], code: int) -> tuple[float, float]:
    """Processor seconds and peak memory in MiB of a command that ends with that code."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execve(argv[0], argv, {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)})
    _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == code, argv
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> int:
    """The command as a user runs it, against the peer on the same files, each three times; 1 when a limit is missed."""
    format = "table" if "--table" in sys.argv else "json"
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), "--yaml" in sys.argv)
        check = [sys.executable, "-m", "anywhere", "taskdef", "check", name, "--format", format]
        ours = [measure(check, 1) for _ in range(RUNS)]
        theirs = [measure([sys.executable, "-c", PEER, name], 0) for _ in range(RUNS)]
    own, other = (statistics.median(seconds for seconds, _ in runs) for runs in (ours, theirs))
    note = f"{own:.2f} s of processor time, PyYAML's C loader {other:.2f} s"
    memory = Figure("peak memory", max(peak for _, peak in ours), MOST_MEMORY, "MiB")
    return show(
        f"taskdef check, {COUNT} definitions", [Figure("against reading", own / other, RATIO, "x", note), memory]
    )


if __name__ == "__main__":
    sys.exit(main())
