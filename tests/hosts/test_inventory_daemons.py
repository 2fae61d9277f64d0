"""Whose processes count: the agents' own, as seen from here and by the far side's shell. Not those of a container, not those
of a user who calls his process by an agent's name."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from anywhere.hosts.base import Daemon
from anywhere.hosts.inventory import inventory
from anywhere.hosts.ssh import inventory as inventory_sh
from anywhere.hosts.ssh import script
from tests.support.ssh.shells import run_script

pytestmark = pytest.mark.region
SLEEP = shutil.which("sleep") or "/bin/sleep"
# The program in a place where only root puts programs, without a trace on this machine.
IN_PLACE = ("unshare", "--mount", "sh", "-ec", f"mount -t tmpfs tmpfs /opt; cp {SLEEP} /opt/$1; exec /opt/$1 60", "sh")
CONTAINER = ("unshare", "--pid", "--fork", "--kill-child")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
Start = Callable[[Sequence[str], dict[str, str]], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process, and returns its number, or that of its child where it makes one."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(argv: Sequence[str], environment: dict[str, str]) -> int:
        process = subprocess.Popen(argv, env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL)
        running.append(process)
        time.sleep(0.5)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return int(children[0]) if children else process.pid

    yield begin
    for process in running:
        process.kill()
        process.wait()


def seen() -> Iterator[tuple[str, dict[int, Daemon]]]:
    """What each view finds, by process number."""
    yield "local", {one.pid: one for one in inventory().daemons}
    for shell in (["sh"], ["bash"], ["busybox", "sh"]):
        mark = script.token()
        done = run_script(shell, script.script(mark, ["inventory"], inventory_sh.settings()))
        (part,) = script.parse(mark, done.stdout, done.stderr)
        found = inventory_sh.parse_inventory(part.stdout.decode()).daemons
        yield " ".join(shell), {one.pid: one for one in found}


@pytest.mark.parametrize("name", ["dockerd", "amazon-ssm-agent"])
def test_roots_program_in_its_place_counts(start: Start, name: str) -> None:
    pid = start([*IN_PLACE, name], {"HTTPS_PROXY": "http://p:1", "OTHER": "x"})
    for view, found in seen():
        assert found[pid].sure, view
        assert dict(found[pid].environment) == {"HTTPS_PROXY": "http://p:1"}, view


def test_a_daemon_in_a_container_is_not_the_hosts(start: Start) -> None:
    pid = start([*CONTAINER, *IN_PLACE, "dockerd"], {})
    for view, found in seen():
        assert pid not in found, view


def test_a_user_process_by_an_agents_name_does_not_count(start: Start, room: Path) -> None:
    shutil.copy(SLEEP, room / "amazon-ssm-agent")
    pid = start([*NOBODY, str(room / "amazon-ssm-agent"), "60"], {"HTTPS_PROXY": "http://evil:1"})
    for view, found in seen():
        assert pid not in found, view


def test_a_program_that_runs_as_root_for_a_user_does_not_count(start: Start, room: Path) -> None:
    """As a link to a program with the set-user-ID bit: the name and the environment are the user's."""
    setuid = room / "setuid"
    shutil.copy(SLEEP, setuid)
    setuid.chmod(0o4755)
    (room / "amazon-ssm-agent").symlink_to(setuid)
    pid = start([*NOBODY, str(room / "amazon-ssm-agent"), "60"], {"HTTPS_PROXY": "http://evil:1"})
    assert os.stat(f"/proc/{pid}").st_uid == 0
    for view, found in seen():
        assert pid not in found, view


def test_roots_program_by_another_name_or_elsewhere_is_not_sure(start: Start, room: Path) -> None:
    (room / "dockerd").symlink_to(sys.executable)
    pid = start([str(room / "dockerd"), "-c", "import time; time.sleep(60)"], {"HTTPS_PROXY": "http://evil:1"})
    for view, found in seen():
        assert not found[pid].sure, view


def test_the_process_of_a_unit_counts_wherever_its_program_lies(start: Start, room: Path) -> None:
    shutil.copy(SLEEP, room / "dockerd")
    top = Path("/sys/fs/cgroup")
    group = (top if (top / "cgroup.procs").exists() else top / "systemd") / "system.slice/docker.service"
    made = [one for one in (group.parent, group) if not one.exists()]
    for one in made:
        one.mkdir()
    try:
        into = f"echo $$ >{shlex.quote(str(group))}/cgroup.procs; exec {shlex.quote(str(room / 'dockerd'))} 60"
        pid = start(["sh", "-c", into], {"HTTPS_PROXY": "http://p:1"})
        for view, found in seen():
            assert found[pid].sure, view
        os.kill(pid, 9)
        time.sleep(0.2)
    finally:
        for one in reversed(made):
            one.rmdir()
