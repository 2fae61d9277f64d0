"""resolv.conf and nameservers in odd states: no cause where names resolve, the one cause where they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.region.world import World
from tests.support.changed import SHORT, judge, nothing, resolv_conf, wildcard
from tests.support.judged import codes, explain

pytestmark = pytest.mark.region

HEALTHY: dict[str, tuple[Callable[[World], None], dict[str, Any]]] = {
    "ndots": (resolv_conf("search a.example b.example\noptions ndots:5\nnameserver {0}\n"), {}),
    "wildcard that is never asked": (wildcard("search wild.example\nnameserver {0}\n"), {}),
    "comments, options, a fourth nameserver": (
        resolv_conf("# x\n; y\noptions edns0 timeout:1 rotate\n" + "nameserver {0}\n" * 3 + "nameserver 192.0.2.1\n"),
        {},
    ),
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
    "no nameserver answers, in a short run": (
        nothing,
        {"faults": ["dead-nameserver"], "budget": SHORT},
        ["dns.nameserver-down"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_fault_is_one_cause(case: str) -> None:
    change, more, expected = BROKEN[case]
    target = judge(change, *more.pop("words", ()), **more)
    assert codes(target) == expected, explain(target)
    assert not [row for row in target["findings"] if row["status"] == "error"], explain(target)
