"""The password of sudo, given with -K, is found nowhere: not in files, logs or process lists of either side."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.barehost import BareHost
from tests.support.ssh.entered import entered
from tests.support.ssh.sshd import Account, Server

pytestmark = pytest.mark.region
MARK = f"Pw{secrets.token_hex(8)}"  # other runs on this machine plant their own
RIGHT, WRONG = f"{MARK}-r1ght", f"{MARK}-wr0ng"
SUDO = {"asks": "ALL=(ALL) ALL", "free": "ALL=(ALL) NOPASSWD: ALL"}
LOGS = "Defaults logfile=/var/lib/sudo.log, loglinelen=0\n"
APPLY = {
    "rules": ("rules", "apply", "--no-persist"),
    "proxy": ("proxy", "apply", "--url", "http://10.0.0.1:3128"),
}


class Seen(threading.Thread):
    """Looks through the arguments and environments of all processes until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.found: set[str] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.01):
            for entry in filter(str.isdigit, os.listdir("/proc")):
                for name in ("cmdline", "environ"):
                    try:
                        data = Path(f"/proc/{entry}/{name}").read_bytes()
                    except OSError:
                        continue
                    if MARK.encode() in data:
                        self.found.add(data.decode("utf-8", "replace"))


@pytest.fixture
def far(room: Path) -> Iterator[tuple[BareHost, Server]]:
    accounts = [Account(name, sudo=sudo, password=RIGHT) for name, sudo in SUDO.items()]
    accounts[0] = Account("asks", sudo=f"{SUDO['asks']}\n{LOGS}", password=RIGHT)
    with BareHost() as bare, entered(bare, room, "LogLevel DEBUG3", accounts=accounts) as server:
        yield bare, server


def planted(*folders: Path) -> list[str]:
    done = subprocess.run(["grep", "-rlaF", MARK, *folders], capture_output=True, text=True)
    return [path for path in done.stdout.splitlines() if "/etc/shadow" not in path]


CASES = [(verb, sudo, word) for verb in APPLY for sudo in SUDO for word in (RIGHT, WRONG)]


@pytest.mark.parametrize(
    ("verb", "sudo", "password"),
    [pytest.param(*case, marks=() if place in (2, 4) else pytest.mark.broad) for place, case in enumerate(CASES)],
    ids=[f"{verb}-{sudo}-{'right' if word == RIGHT else 'wrong'}" for verb, sudo, word in CASES],
)
def test_the_password_is_nowhere(
    far: tuple[BareHost, Server], tmp_path: Path, verb: str, sudo: str, password: str
) -> None:
    bare, server = far
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(server.known_hosts.read_text())
    spec = f"{sudo}@127.0.0.1:{server.port}"
    seen = Seen()
    seen.start()

    def anywhere(*words: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", f"--net=/proc/{bare.pid}/ns/net", "env", "-i", "PATH=/usr/bin:/bin", f"HOME={home}"]
        argv = [*enter, sys.executable, "-m", "anywhere", *words, "--host", spec, "-K", "--ssh-key", str(server.key)]
        return subprocess.run(argv, input=f"{password}\n", capture_output=True, text=True, timeout=90)

    applied = anywhere(*APPLY[verb])
    reverted = anywhere(verb, "revert")
    time.sleep(0.1)
    seen.stopped.set()
    seen.join()
    is_refused = sudo == "asks" and password == WRONG
    assert (applied.returncode == 0) is not is_refused, applied.stdout + applied.stderr
    if is_refused:
        said = " ".join(f"{reverted.stdout} {reverted.stderr}".split())
        assert "refused the password" in said and "--ask-become-pass" in said, said
    if not is_refused:
        assert reverted.returncode == 0, reverted.stdout + reverted.stderr
        assert "undone" in reverted.stdout
    assert MARK not in applied.stdout + applied.stderr + reverted.stdout + reverted.stderr
    assert not seen.found
    assert not planted(home, bare.root / "up", server.folder)
