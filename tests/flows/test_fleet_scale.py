"""Hosts that misbehave in every way among many that do not: each has its own honest line, and none holds up the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ssh.fleets import Fleets, fleets, misbehaving

pytestmark = pytest.mark.region

# What the report says of each kind.
SAID = {
    "refused": "connection refused",
    "mute": "(SSH handshake)",
    "web": "the connection was closed",
    "garbage": "no SSH server answers",
    "hangs": "(step: login shell)",
    "fills": ("no shell answers: y", "the connection was dropped: it sent more than"),  # whichever is met first
    "drops": "the connection was lost",
    "asks": "login refused",
}
# All share this machine with their own sshd and endpoints: how long they take says nothing here.
PATIENT = ("--budget", "60", "--skip", "endpoints.latency")


@pytest.fixture(scope="module")
def fleet(shared_room: Path) -> Iterator[Fleets]:
    with fleets(shared_room) as running:
        yield running


@pytest.mark.parametrize(
    ("hosts", "each"),
    [pytest.param(40, 2, id="forty"), pytest.param(1000, 8, id="thousand", marks=pytest.mark.soak)],
)
def test_every_host_is_judged_or_has_an_honest_reason(fleet: Fleets, room: Path, hosts: int, each: int) -> None:
    with misbehaving(fleet, room) as ports:
        bad = [f"{kind}{number}" for number in range(each) for kind in ports]
        apart = hosts // len(bad)
        names = [bad[n // apart] if n % apart == 0 and n // apart < len(bad) else f"good{n}" for n in range(hosts)]
        lines = [fleet.host(name, n + 1, ports.get(name.rstrip("0123456789"), 0)) for n, name in enumerate(names)]
        started = time.monotonic()
        done = fleet.check("-i", fleet.inventory(*lines), *PATIENT, "--format", "json", timeout=120 + 3 * hosts)
        took = time.monotonic() - started
    targets = json.loads(done.stdout)["targets"]
    assert [target["name"] for target in targets] == names
    good = [target for target in targets if target["name"] not in bad]
    assert [(t["name"], _said(t)) for t in good if t["verdict"] == "unknown"] == []
    # With all of a fleet on one machine, a nameserver's answer to one of them may truly be late.
    assert sum(target["verdict"] == "ready" for target in good) >= 0.9 * len(good), [_said(t) for t in good]
    told = {target["name"]: target for target in targets if target["name"] in bad}
    assert len(told) == len(bad)
    for name, target in told.items():
        assert target["verdict"] == "unknown", (name, _said(target))
        known = SAID[name.rstrip("0123456789")]
        assert any(one in _said(target) for one in ([known] if isinstance(known, str) else known)), (
            name,
            _said(target),
        )
        code = "host.permission" if name.startswith("asks") else "host.unreachable"
        assert [cause["code"] for cause in target["causes"]] == [code]
    assert done.returncode == 3
    # One behind the other the bad ones alone would take this long.
    assert took < sum(target["seconds"] for target in told.values()) + 0.5 * hosts, took


def _said(target: dict[str, object]) -> str:
    return "; ".join(str(cause["summary"]) for cause in target["causes"])
