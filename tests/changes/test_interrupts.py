"""Ctrl-C: the step that runs is finished, the run says how far it came, and one revert restores the original."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from anywhere.changes import interrupts
from tests.support.barehost import BareHost, snapshot

region = pytest.mark.region
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
ANYWHERE = (sys.executable, "-m", "anywhere")
SLOW = '#!/bin/sh\ntouch /run/at-work\nsleep 2\nexec /usr/sbin/iptables-restore "$@"\n'


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost(alone=True) as made:
        made.sh("iptables -t nat -S >/dev/null; ip6tables -S > /dev/null; ip -4 route add default dev lo")
        yield made


def run_until(host: BareHost, *words: str) -> subprocess.CompletedProcess[str]:
    """Press Ctrl-C once a slow step is at work."""
    for name in ("iptables-restore", "iptables-nft-restore", "iptables-legacy-restore"):
        text = SLOW.replace("sbin/iptables-restore", f"sbin/{name}").encode()
        host.run(("sh", "-c", f"cat > /usr/local/sbin/{name}; chmod 755 /usr/local/sbin/{name}"), input=text)
    argv = [*host.enter, *ANYWHERE, *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while host.run(("test", "-e", "/run/at-work")).rc and time.monotonic() < until:
            time.sleep(0.05)
        # The program is a child of nsenter's fork where there is one.
        pids = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        os.kill(int(pids[0]) if pids else process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    host.sh("rm -f /usr/local/sbin/iptables* /run/at-work")
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


@region
@root
def test_an_apply_says_how_far_it_came_and_can_be_taken_back(host: BareHost) -> None:
    before = snapshot(host)
    done = run_until(host, "rules", "apply", "--no-persist")
    assert done.returncode == 130, done.stdout + done.stderr
    assert "the current step is finished first" in done.stderr
    assert "FAILED: interrupted" in done.stdout and "of 4 steps done; the same command goes on from here" in done.stdout
    assert "rules revert` undoes what was done" in " ".join(done.stdout.split())
    again = subprocess.run([*host.enter, *ANYWHERE, "rules", "revert"], capture_output=True, text=True)
    assert again.returncode == 0 and snapshot(host) == before


@region
@root
def test_a_revert_that_is_interrupted_goes_on_when_run_again(host: BareHost) -> None:
    before = snapshot(host)
    words = [*host.enter, *ANYWHERE, "rules"]
    assert subprocess.run([*words, "apply", "--no-persist"], capture_output=True).returncode == 0
    done = run_until(host, "rules", "revert")
    assert done.returncode == 130 and "FAILED: interrupted" in done.stdout, done.stdout + done.stderr
    assert subprocess.run([*words, "revert"], capture_output=True).returncode == 0
    assert snapshot(host) == before


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)


def test_outside_of_steps_ctrl_c_interrupts_as_usual() -> None:
    with interrupts.held(lambda: pytest.fail("no step is at work")), pytest.raises(KeyboardInterrupt):
        press()


def test_a_second_one_does_not_wait() -> None:
    heard: list[int] = []
    with interrupts.held(lambda: heard.append(1)), interrupts.working():
        press()
        assert heard == [1] and interrupts.asked()
        with pytest.raises(KeyboardInterrupt):
            press()
    assert not interrupts.asked()


def test_every_command_says_that_it_was_interrupted() -> None:
    code = (
        "import functools; from anywhere import cli; from anywhere.cli import explain\n"
        "command = explain.app.registered_commands[0]\n"
        "def no(*a, **k): raise KeyboardInterrupt\n"
        "command.callback = functools.wraps(command.callback)(no)\n"
        "cli.main(['explain', 'dns.no-nameserver'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "anywhere: interrupted\n"), done
