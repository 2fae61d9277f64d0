"""A host that cannot be asked gives every command the same finding, cause and fix."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample import spread
from tests.support.ssh.fleets import Fleets, fleets, misbehaving

pytestmark = pytest.mark.region

URL = ("--url", "http://proxy.example.com:3128")
FORMAT = ("--format", "json")
SHORT = ("--host-timeout", "3")
COMMANDS: dict[str, tuple[str, ...]] = {
    "check": ("check", "--region", "us-east-1", "--shards", "2"),
    "rules plan": ("rules", "plan"),
    "rules apply": ("rules", "apply"),
    "rules verify": ("rules", "verify"),
    "rules revert": ("rules", "revert"),
    "rules revert --dry-run": ("rules", "revert", "--dry-run"),
    "proxy plan": ("proxy", "plan", *URL),
    "proxy apply": ("proxy", "apply", *URL),
    "proxy verify": ("proxy", "verify", *URL),
    "proxy revert": ("proxy", "revert"),
    "fit": ("taskdef", "fit", "TASK", "--no-reach"),
}
SOME = ("check", "rules apply", "proxy verify", "fit")
TASK = {"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 64}]}
# What is behind the port of the host, and the cause that every command names.
HOSTS = {
    "refused": "host.unreachable",
    "mute": "host.unreachable",
    "hangs": "host.unreachable",
    "asks": "host.permission",
}


@pytest.fixture(scope="module")
def fleet(shared_room: Path) -> Iterator[Fleets]:
    with fleets(shared_room) as running:
        (running.folder / "task.json").write_text(json.dumps(TASK))
        yield running


@pytest.fixture(scope="module")
def ports(fleet: Fleets, shared_room: Path) -> Iterator[dict[str, int]]:
    with misbehaving(fleet, shared_room) as found:
        yield found


@pytest.fixture(scope="module")
def alone(fleet: Fleets, ports: dict[str, int]) -> Callable[[str, str], subprocess.CompletedProcess[str]]:
    """What a command says of a host alone, asked once."""
    return functools.cache(lambda command, host: run(fleet, command, "--host", host, *SHORT))


def run(fleet: Fleets, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """One of the commands in the region, with an answer as JSON."""
    own = [str(fleet.folder / "task.json") if word == "TASK" else word for word in COMMANDS[command]]
    return fleet.run(*own, *words, *FORMAT)


def reached(done: subprocess.CompletedProcess[str]) -> list[tuple[Any, ...]]:
    """Of each host: its name, and finding, cause and fix about reaching it."""
    assert done.stdout, done.stderr
    rows = []
    # How long it took is each run's own, and one of many that is tried again may have longer.
    for target in json.loads(re.sub(r"\b\d+(\.\d)? s\b", "N s", done.stdout))["targets"]:
        for finding in target.get("findings", ()):
            if finding["check"] == "host.reach":
                (cause,) = target["causes"]
                assert [target["findings"][place] for place in cause.pop("findings")] == [finding]
                rows.append((target["name"], finding["status"], finding["summary"], finding["remedy"], cause))
    return rows


@pytest.mark.parametrize(
    "commands", [SOME, pytest.param(tuple(COMMANDS), marks=pytest.mark.broad)], ids=["some", "all"]
)
@pytest.mark.parametrize("kind", HOSTS)
def test_every_command_says_the_same_of_a_host_that_cannot_be_asked(
    alone: Callable[[str, str], subprocess.CompletedProcess[str]],
    ports: dict[str, int],
    kind: str,
    commands: tuple[str, ...],
) -> None:
    spec = f"root@127.1.0.1:{ports[kind]}"
    said = {name: alone(name, spec) for name in commands}
    rows = {name: reached(done) for name, done in said.items()}
    ((name, status, summary, remedy, cause),) = rows["check"]
    assert (name, status, cause["code"]) == (spec, "error", HOSTS[kind])
    assert summary == cause["summary"] and remedy == cause["remedy"] and remedy["text"]
    assert {one: found for one, found in rows.items() if found != rows["check"]} == {}
    assert {one: done.returncode for one, done in said.items() if done.returncode != 3} == {}


@pytest.mark.parametrize("command", spread(COMMANDS, 5))
def test_of_many_hosts_one_that_cannot_be_asked_is_no_other_mode(
    fleet: Fleets,
    alone: Callable[[str, str], subprocess.CompletedProcess[str]],
    ports: dict[str, int],
    command: str,
) -> None:
    hosts = [f"root@127.1.0.1:{ports[kind]}" for kind in HOSTS]
    many = run(fleet, command, *(word for host in hosts for word in ("--host", host)), *SHORT)
    assert reached(many) == [row for host in hosts for row in reached(alone(command, host))]
    assert many.returncode == 3
