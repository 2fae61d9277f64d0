"""What a person reads after a plan, an apply and a revert: what was restored, what failed, and what state the host is in."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.changes.base import Command, PutBack, Step
from anywhere.changes.outcome import Outcome, State
from anywhere.changes.restored import words
from anywhere.report.changes import changed, past, planned, undoable
from anywhere.report.style import Style
from tests.support.barehost import BareHost
from tests.support.unprivileged import NOBODY, python, readable_copy

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
ANYWHERE = (sys.executable, "-m", "anywhere")
PROXY = ("--url", "http://proxy.example.com:3128")


@pytest.fixture(scope="module")
def host() -> Iterator[BareHost]:
    with BareHost(alone=True) as made:
        yield made


@pytest.fixture(scope="module")
def copy(shared_room: Path) -> dict[str, str]:
    """The environment in which nobody can run the program."""
    return readable_copy(shared_room / "copy", "anywhere") | {"HOME": "/nonexistent"}


def told(host: BareHost, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*host.enter, *ANYWHERE, *words], capture_output=True, text=True)


@pytest.mark.region
@root
def test_a_revert_says_what_it_restored(host: BareHost) -> None:
    host.sh("mkdir -p /etc/ecs && echo ECS_CLUSTER=a > /etc/ecs/ecs.config")
    assert told(host, "proxy", "apply", *PROXY).returncode == 0
    ahead = told(host, "proxy", "revert", "--dry-run").stdout
    assert "  - restore /etc/ecs/ecs.config\n" in ahead
    assert "  - remove /etc/systemd/system/ecs.service.d/zz-anywhere-proxy.conf\n" in ahead
    host.sh("echo B=2 >> /etc/ecs/ecs.config")
    done = told(host, "proxy", "revert")
    assert "removed the lines of anywhere from /etc/ecs/ecs.config, which was edited since" in done.stdout
    assert "  - removed /etc/systemd/system/ecs.service.d/zz-anywhere-proxy.conf\n" in done.stdout
    assert "write" not in done.stdout and "merge" not in done.stdout
    assert host.sh("cat /etc/ecs/ecs.config") == "ECS_CLUSTER=a\nB=2\n"


@pytest.mark.region
@root
def test_a_revert_of_rules_names_rules_and_settings(host: BareHost) -> None:
    assert told(host, "rules", "apply", "--no-persist").returncode == 0
    done = told(host, "rules", "revert").stdout
    assert "set net.ipv4.conf.all.route_localnet back to 0" in done
    assert "removed the rules of anywhere from iptables" in done and "loopback-guard" in done
    assert "removed the host route to 169.254.170.2" in done


@pytest.mark.region
@root
def test_a_failed_apply_ends_with_the_state_of_the_host(host: BareHost) -> None:
    """A file that is a mount of its own cannot be replaced: the steps before it are done, and can be taken back."""
    host.sh(
        "mkdir -p /etc/ecs && echo ECS_CLUSTER=a > /etc/ecs/ecs.config && mount --bind /etc/ecs/ecs.config /etc/ecs/ecs.config"
    )
    done = told(host, "proxy", "apply", *PROXY)
    host.sh("umount /etc/ecs/ecs.config")
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and sum(line.startswith("  + write ") for line in lines) == 3
    now = done.stdout[done.stdout.index("  Now: ") :]
    assert "FAILED: merge HTTP_PROXY, HTTPS_PROXY, NO_PROXY into /etc/ecs/ecs.config: exit code 1" in done.stdout
    assert "3 of 5 steps done, step 4 failed, 1 not begun" in now and "proxy revert" in now
    assert told(host, "proxy", "revert").stdout.count("removed ") == 3


@pytest.mark.region
@root
def test_an_apply_that_is_refused_says_that_nothing_was_changed(host: BareHost) -> None:
    host.sh("mkdir -p /etc/systemd/system/amazon-ssm-agent.service.d")
    host.sh("mount -t tmpfs -o ro none /etc/systemd/system/amazon-ssm-agent.service.d")
    done = told(host, "proxy", "apply", *PROXY)
    host.sh("umount /etc/systemd/system/amazon-ssm-agent.service.d")
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == "  Now: nothing was changed."


@pytest.mark.region
@root
@pytest.mark.parametrize(
    "command", [("rules", "apply", "--no-persist"), ("rules", "plan"), ("proxy", "revert"), ("update",)]
)
def test_without_root_one_line_names_the_command(
    host: BareHost, command: tuple[str, ...], copy: dict[str, str]
) -> None:
    words = [*host.enter, *NOBODY, python(), "-B", "-m", "anywhere", *command]
    done = subprocess.run(words, capture_output=True, text=True, env=copy, cwd="/")
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    (line,) = done.stderr.splitlines()
    assert "run: sudo " in line and line.endswith(f"anywhere {' '.join(command)}")


def test_a_failed_step_is_followed_by_what_was_done_and_what_not() -> None:
    done = (Step("file:/etc/a", "write /etc/a", Command(("true",))),)
    now = "1 of 3 steps done, step 2 failed, 1 not begun; `anywhere rules revert` undoes what was done"
    text = changed("apply", (Outcome("a", State.FAILED, done, "write /etc/b: exit code 1: no room", now=now),))
    assert text.splitlines()[0] == "  + write /etc/a"
    assert text.splitlines()[1] == "a: FAILED: write /etc/b: exit code 1: no room"
    assert text.splitlines()[2].startswith("  Now: 1 of 3 steps done, step 2 failed, 1 not begun;")


def test_rows_wrap_under_their_beginning() -> None:
    step = Step("rules:nft:4", " ".join(["word"] * 40), Command(("true",)))
    rows = planned((Outcome("a", State.PLANNED, (step,)),), Style(width=60)).splitlines()
    assert len(rows) > 3 and all(len(row) <= 60 for row in rows)
    assert rows[1].startswith("   1  word") and all(row.startswith("      word") for row in rows[2:])
    assert "rules:nft" not in " ".join(rows)


def test_undos_without_words_of_their_own_name_their_files() -> None:
    new, old = PutBack("/etc/a", None, "x"), PutBack("/etc/b", b"1", "x")
    assert words("t", "", (new, old)) == "remove /etc/a, restore /etc/b"
    assert words("t", "", ()) == "" and words("t", "", (Command(("true",)),)) == "undo t"
    assert past("stop and disable x.service") == "stopped and disabled x.service"
    assert past("set a back to 0") == "set a back to 0" and past("remove /etc/stop") == "removed /etc/stop"


@pytest.mark.region
@root
def test_a_terminal_of_80_columns_is_not_overrun(host: BareHost) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*host.enter, *ANYWHERE, "rules", "plan"],
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "80"},
    ):
        os.close(follower)
        text = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            text += piece
    lines = text.decode().splitlines()
    assert len(lines) > 6 and max(map(len, lines)) <= 80


@pytest.mark.region
@root
def test_the_last_line_names_the_next_command_and_notes_only_what_was_done(host: BareHost) -> None:
    assert "apply --url http://proxy.example.com:3128` does it" in told(host, "proxy", "plan", *PROXY).stderr
    none = told(host, "proxy", "revert")
    assert "nothing to undo" in none.stdout and none.stderr == ""
    done = told(host, "proxy", "apply", *PROXY, "--format", "table", "--wave=1")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("A service uses the profile from its next start on.")
    assert lines[-1].startswith("Next: ") and lines[-1].endswith("proxy verify --url http://proxy.example.com:3128")
    again = told(host, "proxy", "apply", *PROXY)
    assert "already in place" in again.stdout and again.stderr == ""
    assert "keeps its old environment" in told(host, "proxy", "revert").stderr


def test_what_a_host_lacks_after_a_revert_is_its_last_line() -> None:
    lacks = "this host is registered: `anywhere rules apply` adds them"
    done = changed("revert", (Outcome("a", State.DONE, ("stop x",), now=lacks),)).splitlines()
    assert done[0] == "a: 1 step undone" and done[-1].startswith("  Now: this host is registered")
    ahead = undoable((Outcome("a", State.PLANNED, ("stop x",), now=lacks),)).splitlines()
    assert ahead[-1].startswith("  Then: this host is registered")
    assert undoable((Outcome("a", State.PLANNED, ("stop x",)),)).splitlines()[-1] == "  - stop x"
