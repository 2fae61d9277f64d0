"""The session for the names of a check: open before the names are known, and no loss where sshd allows it not."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from anywhere.hosts.base import Query
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.host import SSHHost
from tests.hosts.ssh.test_files import SHELLS
from tests.support.ssh.sshd import Server, serving

pytestmark = pytest.mark.region


def counted(host: SSHHost) -> list[str]:
    """The commands for which sessions are opened from now on."""
    asked: list[str] = []
    inner: Any = host.connection.inner
    create = inner.create_session

    async def counting(factory: object, command: str, **more: object) -> object:
        asked.append(command)
        return await create(factory, command, **more)

    inner.create_session = counting
    return asked


@pytest.mark.parametrize(("sessions", "refused"), [(10, 0), (1, 1)])
def test_names_need_no_session_of_their_own(room: Path, sessions: int, refused: int) -> None:
    with serving(Server(room / f"standby{sessions}", f"MaxSessions {sessions}")) as server:
        host = server.open()
        asked = counted(host)
        host.prefetch([("uname",)], [], [])
        assert host.run(("uname",)).ok
        assert asked[1:] == [script.WAITING]
        time.sleep(0.3)
        assert "127.0.0.1" in host.resolve(Query("localhost")).addresses
        assert asked.count(script.WAITING) >= 1 + refused and len(asked) <= 2 + 25 * refused
        assert host.run(["echo", "more"]).stdout == "more\n"
        host.close()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_script_whose_length_comes_first(shell: tuple[str, ...]) -> None:
    inner = script.WAITING.partition("'")[2].rpartition("'")[0]
    program = shutil.which(shell[0])
    if program is None:
        pytest.skip(f"{shell[0]} is not installed")
    sent = script.sized(b"echo first\necho 'second\n\nthird'\n")
    done = subprocess.run([program, *shell[1:], "-c", inner], input=sent, capture_output=True, check=True)
    assert done.stdout == b"first\nsecond\n\nthird\n"
    assert subprocess.run([program, *shell[1:], "-c", inner], input=b"", capture_output=True).returncode
