"""Time and memory of 1,000 task definitions in one run: `python tests/bench/taskdef.py [--yaml] [--table] [--json]`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNT = 1000
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


def main() -> None:
    """Run the command once, as a user would, and print what it took."""
    format = "table" if "--table" in sys.argv else "json"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, "--yaml" in sys.argv)
        size = sum(file.stat().st_size for file in folder.iterdir())
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "anywhere", "taskdef", "check", name, "--format", format],
            stdout=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        )
        seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "definitions": COUNT,
        "input_mib": round(size / 2**20, 2),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mib": round(used.ru_maxrss / 1024, 1),
        "exit_code": done.returncode,
    }
    if "--json" in sys.argv:
        print(json.dumps(figures))
    else:
        print(*(f"{key:<12}{value}" for key, value in figures.items()), sep="\n")


if __name__ == "__main__":
    main()
