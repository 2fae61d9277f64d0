"""The whole check over SSH in the region: the same causes as on the host, and what only SSH has."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.region import Options
from tests.region.faults import table
from tests.support.judged import codes, explain, judge
from tests.support.pace import within
from tests.support.sample import ELSEWHERE, spread
from tests.support.ssh.remote import Remote, remote

pytestmark = pytest.mark.region

# One of each kind of observation; the soak test has them all.
SOME = (
    "plain",
    "proxy",
    "dead-nameserver",
    "udp-dropped",
    "tcp-needed-and-closed",
    "path-mtu",
    "sni-stall",
    "silent-servers",
    "inspected",
    "proxy-407",
    "no-default-route",
    "clock-behind",
    "egress-dropped",
    "upgrade-502",
)


# Faults that get another cause over SSH: docs/fleets.md says why.
OTHER_OVER_SSH = {name: ["egress.path-mtu"] for name in ("answers-lost", "answers-lost-one")}


def same_over_ssh(name: str, room: Path, options: Options | None = None) -> None:
    fault = table()[name]
    with remote(room, [name], options) as far:
        target = far.check("--region", far.region.options.regions[0], *fault.arguments)
    assert codes(target) == OTHER_OVER_SSH.get(name, sorted(fault.causes)), explain(target)
    assert name not in OTHER_OVER_SSH or "not visible over SSH" in json.dumps(target)
    assert not [row for row in target["findings"] if row["status"] == "error"], explain(target)


@pytest.mark.parametrize("name", spread(SOME, 2))
def test_the_cause_is_the_same_over_ssh(name: str, room: Path) -> None:
    same_over_ssh(name, room)


def test_a_question_with_a_line_feed_in_it_is_one_datagram(room: Path) -> None:
    """The label of eu-north-1 begins with its length, 10, which a shell writes as the end of a line."""
    with remote(room, [], ELSEWHERE) as far:
        target = far.check("--region", "eu-north-1")
    assert target["verdict"] == "ready" and not target["causes"], explain(target)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(set(table()) - set(SOME)))
def test_every_cause_is_the_same_over_ssh_in_another_region(name: str, room: Path) -> None:
    same_over_ssh(name, room, ELSEWHERE)


def test_the_findings_of_a_healthy_host_are_the_same(room: Path) -> None:
    near = judge([])
    with remote(room) as far:
        target = far.check("--region", "us-east-1")
    assert rows(target) == rows(near)


def rows(target: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(row["check"], row["status"], row["subject"], row["summary"]) for row in target["findings"]]


def test_a_check_runs_few_commands_over_there(room: Path) -> None:
    """All facts are gathered by one, names are asked by one or two: whatever else a check reads belongs to its WANTS."""
    with remote(room, (), None, "LogLevel VERBOSE") as far:
        target = far.check("--region", "us-east-1")
        log = (room / "sshd" / "log").read_text()
    assert target["verdict"] == "ready", explain(target)
    assert log.count("Starting session: command") <= 3, log


# --- what SSH cannot see --------------------------------------------------------------------------------------------

# Faults that get another cause over SSH to a host without bash: what the host's own datagrams meet is not visible.
OTHER_WITHOUT_BASH: dict[str, list[str]] = {
    "tcp-needed-and-closed": ["dns.nameserver-down"],
    "edns-dropped": [],
    "edns-refused": [],
}
SAME_WITHOUT_BASH = ("plain", "udp-dropped", "first-nameserver-dead", "dead-nameserver", "servfail")
UNSEEN = "UDP/53 is not visible over SSH"
PAGE = Path(__file__).parents[1] / "docs" / "fleets.md"


@pytest.mark.parametrize("name", spread([*SAME_WITHOUT_BASH, *OTHER_WITHOUT_BASH], 3))
def test_without_bash_datagrams_are_not_seen_and_that_is_said(name: str, room: Path) -> None:
    accounts = Path("/etc/passwd").read_text().replace("root:/bin/bash", "root:/bin/sh")
    with remote(room, [name], files={"/usr/bin/bash": None, "/etc/passwd": accounts}) as far:
        assert far.region.run(["sh", "-c", "command -v bash"]).returncode
        target = far.check("--region", "us-east-1")
    assert codes(target) == OTHER_WITHOUT_BASH.get(name, sorted(table()[name].causes)), explain(target)
    assert (UNSEEN in json.dumps(target)) == (name != "servfail")


def test_the_page_lists_what_ssh_cannot_see() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.read_text().partition("## What SSH cannot see")[2], re.MULTILINE)
    assert sorted(listed) == sorted([*OTHER_OVER_SSH, *OTHER_WITHOUT_BASH])
    assert UNSEEN in PAGE.read_text()


# --- sshd that forbids ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["AllowTcpForwarding no", "PermitOpen 10.0.0.1:1", "DisableForwarding yes"])
def test_without_forwarding_the_network_is_not_judged_and_the_remedy_is_said(room: Path, line: str) -> None:
    with remote(room, (), None, line) as far:
        target = far.check("--region", "us-east-1")
    reach = [row for row in target["findings"] if row["check"] == "endpoints.reach"]
    assert reach
    assert {(row["status"], row["stage"], row["reason"]) for row in reach} == {("error", "connect", "not-permitted")}
    assert all("AllowTcpForwarding" in json.dumps(row["remedy"]) for row in reach)
    assert not [row for row in target["findings"] if row["status"] in ("fail", "warn")], explain(target)
    assert (target["verdict"], target["exit_code"]) == ("unknown", 3)


def test_a_nameserver_that_answers_udp_only_is_no_fault(room: Path) -> None:
    with remote(room, ("nameserver-without-tcp",) if "nameserver-without-tcp" in table() else ()) as far:
        for server in far.region.world.nameservers:
            server.tcp = False
        target = far.check("--region", "us-east-1")
    assert codes(target) == [], explain(target)


# --- a long way -----------------------------------------------------------------------------------------------------


@pytest.fixture
def far_away(room: Path) -> Iterator[Remote]:
    with remote(room) as far:
        yield far


def test_a_long_way_costs_seconds_and_not_minutes(far_away: Remote) -> None:
    """200 ms there and back: the relay runs in the host's network, as the command line does."""
    script = Path(far_away.home) / "relay.py"
    script.write_text(
        "import sys, time\n"
        "from tests.support.ssh.relay import Relay\n"
        f"relay = Relay({far_away.server.port}, 0.1)\n"
        "print(relay.place, flush=True)\n"
        "time.sleep(120)\n"
    )
    import subprocess
    import sys

    enter = ["nsenter", f"--net=/proc/{far_away.region.pid}/ns/net"]
    with subprocess.Popen([*enter, sys.executable, script], stdout=subprocess.PIPE, env={"PYTHONPATH": "."}) as relay:
        assert relay.stdout
        port = int(relay.stdout.readline())
        known = far_away.server.known_hosts.read_text().split(" ", 1)[1]
        (far_away.home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}")
        started = time.monotonic()
        done = far_away.anywhere(
            "check", "--host", f"root@127.0.0.1:{port}", "--region", "us-east-1", "--format", "json"
        )
        took = time.monotonic() - started
        relay.kill()
    (target,) = json.loads(done.stdout)["targets"]
    assert codes(target) == [], explain(target)
    assert target["verdict"] == "ready"
    assert took < within(12)
