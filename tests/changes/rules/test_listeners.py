"""The live proof with each kind of listener, on a busy host and on one that is too slow for a verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from anywhere.changes import engine
from anywhere.changes.rules import plan
from anywhere.changes.rules.desired import observe
from anywhere.changes.rules.proof import LONG_PATIENCE, prove
from anywhere.checks.netfilter.proof import judge_proof
from anywhere.hosts.recording import Recording
from anywhere.model import Finding, Status
from anywhere.settings import Settings
from tests.support.barehost import BareHost

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
LISTENERS = {
    "systemd": (),
    "python": ("systemd-socket-activate",),
    "perl": ("systemd-socket-activate", "python3"),
}
# Connects as soon as the listener is there, ten times, and never says a word.
MUTE = """import socket, time
held, until = [], time.monotonic() + 120
while time.monotonic() < until:
    try:
        held.append(socket.create_connection(("127.0.0.1", 51679), 1))
    except OSError:
        pass
    time.sleep(0.01 if len(held) < 10 else 1)
"""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[BareHost]:
    """A host with the rules applied, and with the programs of its distribution only."""
    monkeypatch.setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    with BareHost() as made:
        made.sh(
            "mkdir -p /run/netns; mount -t tmpfs t /run/netns; ip link add docker0 type bridge;"
            "ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up;"
            "ip link add lan0 type veth peer name lan1; ip addr add 10.9.0.2/24 dev lan0; ip link set lan0 up;"
            "ip link set lan1 up; ip route add default via 10.9.0.1"
        )
        engine.apply(made, plan.JOURNAL, lambda seen: plan.plan(seen, Settings(), persist=False))
        yield made


def hide(host: BareHost, *programs: str) -> None:
    """Make the host one that does not have these programs."""
    for program in programs:
        host.sh(f"for p in $(type -a {program} | sed 's/.* is //'); do mount --bind /dev/null $p; done", check=False)
        assert not host.run(("sh", "-c", f"command -v {program}")).ok


@contextmanager
def running(count: int, *argv: str) -> Iterator[None]:
    """That many processes beside the body."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


def proof(host: BareHost) -> list[Finding]:
    return list(judge_proof(host, Recording(host)))


def outcomes(host: BareHost) -> set[Status]:
    found = proof(host)
    assert len(found) == 6, found
    assert not [one for one in found if one.status is Status.FAIL], found
    return {one.status for one in found}


@pytest.mark.parametrize("kind", LISTENERS)
def test_each_listener_proves_the_path(host: BareHost, kind: str) -> None:
    hide(host, *LISTENERS[kind])
    assert prove(host, observe(Recording(host))).replies["listener"].outcome == "temporary"
    assert outcomes(host) == {Status.PASS}


@pytest.mark.parametrize("kind", LISTENERS)
def test_clients_that_say_nothing_delay_no_question(host: BareHost, kind: str) -> None:
    hide(host, *LISTENERS[kind])
    with running(1, *host.enter, sys.executable, "-c", MUTE):
        assert outcomes(host) == {Status.PASS}


@pytest.mark.slow
@pytest.mark.parametrize("kind", LISTENERS)
def test_each_listener_proves_the_path_ten_times_beside_busy_loops(host: BareHost, kind: str) -> None:
    hide(host, *LISTENERS[kind])
    with running(8, "sh", "-c", "while :; do :; done"):
        assert [outcomes(host) for _ in range(10)] == [{Status.PASS}] * 10


@pytest.mark.parametrize(
    ("program", "script"),
    [
        ("bash", '#!/bin/sh\nsleep 3\nexec /bin/bash "$@"\n'),
        ("ip", '#!/bin/sh\ncase "$*" in "netns exec"*bash*) sleep 3 ;; esac\nexec /sbin/ip "$@"\n'),
    ],
    ids=["everywhere", "in namespaces"],
)
def test_a_host_that_is_too_slow_is_not_proven_and_not_blamed(
    host: BareHost, program: str, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anywhere.changes.rules.proof.LONGEST_PATIENCE", LONG_PATIENCE)
    host.run(("install", "-D", "-m", "755", "/dev/stdin", f"/usr/local/bin/{program}"), input=script.encode())
    found = proof(host)
    errors = [one for one in found if one.status is Status.ERROR]
    assert errors and all("not proven" in one.summary for one in errors), found
    assert not [one for one in found if one.status is Status.FAIL], found


def test_a_listener_that_is_there_and_keeps_its_connections_is_not_waited_for(host: BareHost) -> None:
    serve = (
        "import socket, time\ns = socket.socket(); s.setsockopt(1, 2, 1); s.bind(('127.0.0.1', 51679)); s.listen(9)\n"
        "print(flush=True)\nheld = []\n"
        "while 1:\n    c = s.accept()[0]; held.append(c); c.recv(999); c.sendall(b'HTTP/1.1 404 Not Found\\r\\n\\r\\n')\n"
    )
    with subprocess.Popen([*host.enter, sys.executable, "-c", serve], stdout=subprocess.PIPE) as agent:
        try:
            assert agent.stdout and agent.stdout.readline()
            done = prove(host, observe(Recording(host)))
            assert done.replies["listener"].outcome == "present"
            assert done.replies["host"].outcome == done.replies["bridge"].outcome == "answered"
            assert done.replies["host"].detail == "HTTP/1.1 404 Not Found"
            assert outcomes(host) == {Status.PASS}
        finally:
            agent.kill()
