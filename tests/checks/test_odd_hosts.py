"""Hosts as data centres have them: odd resolver settings, hung files, no loopback. Judged whole, in the embedded region."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.region.region import Region
from tests.region.world import World
from tests.support.judged import codes, explain
from tests.support.pace import within

pytestmark = pytest.mark.region
CHECK = (sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--format", "json")
BUSY = 1.5  # seconds: what a machine under load may add; the bench holds the exact figure
SHORT = 2.0  # seconds: of them the start of the command takes a good part, more where the processors are busy
WILDCARD = "10.9.9.9"


def judge(
    change: Callable[[World], object],
    *words: str,
    faults: Sequence[str] = (),
    before: str = "",
    budget: float = 6.0,
    **options: Any,
) -> dict[str, Any]:
    """The only target of a run on a host that was changed so. `before` is a line for the shell of the same host."""
    region = Region(faults, **options)
    change(region.world)
    budget = min(6.0, within(budget)) if budget == SHORT else budget
    line = [*CHECK, "--budget", str(budget), *words]
    with region:
        started = time.monotonic()
        done = region.run(["sh", "-c", f'{before}\nexec "$@"', "sh", *line] if before else line)
        took = time.monotonic() - started
    assert done.stdout and done.stderr == "", done.stderr
    assert took < budget + within(BUSY)
    target: dict[str, Any] = json.loads(done.stdout)["targets"][0]
    crashed = [row for row in target["findings"] if "traceback" in row["evidence"]]
    assert not crashed, crashed
    return target


def resolv_conf(text: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.host.resolv_conf = text.format(*(server.address for server in world.nameservers))

    return change


def wildcard(text: str) -> Callable[[World], None]:
    """A search domain under which every name resolves."""

    def change(world: World) -> None:
        resolv_conf(text)(world)
        world.nameservers[0].forged["*.wild.example"] = [WILDCARD]

    return change


def nothing(_: World) -> None:
    """As the region is."""


HEALTHY: dict[str, tuple[Callable[[World], None], dict[str, Any]]] = {
    "ndots": (resolv_conf("search a.example b.example\noptions ndots:5\nnameserver {0}\n"), {}),
    "wildcard that is never asked": (wildcard("search wild.example\nnameserver {0}\n"), {}),
    "comments, options, a fourth nameserver": (
        resolv_conf("# x\n; y\noptions edns0 timeout:1 rotate\n" + "nameserver {0}\n" * 3 + "nameserver 192.0.2.1\n"),
        {},
    ),
    "no loopback": (nothing, {"before": "ip link set lo down"}),
    "no network files": (lambda world: world.host.files.update({"/etc/hosts": None, "/etc/nsswitch.conf": None}), {}),
    "two hundred numbers": (nothing, {"words": ("--shards", "200")}),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_odd_but_healthy(case: str) -> None:
    change, more = HEALTHY[case]
    target = judge(change, *more.pop("words", ()), **more)
    assert codes(target) == [], explain(target)
    assert target["verdict"] == "ready"


BROKEN: dict[str, tuple[Callable[[World], object], dict[str, Any], list[str]]] = {
    "no resolv.conf": (
        lambda world: world.host.files.update({"/etc/resolv.conf": None}),
        {},
        ["dns.no-nameserver"],
    ),
    "ndots and a wildcard": (
        wildcard("search wild.example\noptions ndots:5\nnameserver {0}\n"),
        {},
        ["dns.answers-forged"],
    ),
    "three dead nameservers": (
        lambda world: world.every_nameserver(lambda server: setattr(server, "mode", "silent")),
        {"nameservers": 3},
        ["dns.nameserver-down"],
    ),
    "three dead nameservers and two hundred numbers": (
        lambda world: world.every_nameserver(lambda server: setattr(server, "mode", "silent")),
        {"nameservers": 3, "words": ("--shards", "200")},
        ["dns.nameserver-down"],
    ),
    "two of three dead": (
        lambda world: [setattr(server, "mode", "silent") for server in world.nameservers[:2]],
        {"nameservers": 3},
        ["dns.nameserver-degraded"],
    ),
    "the first nameserver knows nothing of AWS": (
        lambda world: world.nameservers[0].hidden.append("*.amazonaws.com"),
        {"nameservers": 2},
        ["dns.answers-differ"],
    ),
    "the resolver is not asked at all": (
        lambda world: world.host.files.update({"/etc/nsswitch.conf": "hosts: files\n"}),
        {},
        ["dns.names-hidden"],
    ),
    "a nameserver with a carriage return": (
        resolv_conf("nameserver {0}\r\n"),
        {},
        ["dns.no-nameserver"],
    ),
    "all dropped, in a short run": (nothing, {"faults": ["egress-dropped"], "budget": SHORT}, ["egress.blocked"]),
    "no nameserver answers, in a short run": (
        nothing,
        {"faults": ["dead-nameserver"], "budget": SHORT},
        ["dns.nameserver-down"],
    ),
    "silence, in a short run": (nothing, {"faults": ["silent-servers"], "budget": SHORT}, ["egress.silent"]),
    "two regions dropped": (
        nothing,
        {"faults": ["egress-dropped"], "words": ("--region", "eu-west-1"), "regions": ("us-east-1", "eu-west-1")},
        ["egress.blocked"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_fault_is_one_cause(case: str) -> None:
    change, more, expected = BROKEN[case]
    target = judge(change, *more.pop("words", ()), **more)
    assert codes(target) == expected, explain(target)
    assert not [row for row in target["findings"] if row["status"] == "error"], explain(target)


def test_a_file_that_hangs_costs_its_own_checks_only() -> None:
    """As a dead NFS server does: a program that never answers, in the place of one that the host checks ask."""

    def change(world: World) -> None:
        world.host.programs["/usr/bin/timedatectl"] = "#!/bin/sh\nexec sleep 1000\n"
        world.host.programs["/usr/bin/dpkg-query"] = "#!/bin/sh\ntrap '' TERM INT HUP\nsleep 1000\n"

    target = judge(change, budget=3.0)
    by_check = {row["check"]: row["status"] for row in target["findings"]}
    assert by_check["endpoints.reach"] == "pass"
    assert target["verdict"] != "not-ready", explain(target)
