"""Many observations by one shell: what hangs is ended over there, the rest goes on, and nobody is ended by mistake."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.batch import HEAD, Batch
from anywhere.hosts.ssh.channels.session import Enough, Session
from anywhere.hosts.ssh.host import SSHHost
from tests.hosts.ssh.test_standby import counted
from tests.support.pace import within
from tests.support.ssh.sshd import Server, serving

pytestmark = pytest.mark.region
MARK = script.token()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    room = tmp_path_factory.mktemp("batch")
    room.chmod(0o755)
    with serving(Server(room)) as found:
        yield found


@pytest.fixture
def remote(server: Server) -> Iterator[SSHHost]:
    host = server.open(budget=60)
    yield host
    host.close()


def marked(word: int) -> tuple[bytes, bytes]:
    return f"\n{MARK} {word}\n".encode(), f"\n{MARK}\n".encode()


def batch(told: list[script.Part], size: int = 5) -> Batch:
    """One whose lines have begun."""
    found = Batch(MARK, "", size, 60.0, told.append, lambda _: None)
    found.feed(f"\n{MARK} start\n".encode(), False)
    found.feed(f"\n{MARK}\n".encode(), True)
    for _ in range(HEAD):
        feed(found, 0)
    return found


def feed(to: Batch, word: int) -> None:
    out, err = marked(word)
    to.feed(err, True)
    to.feed(out, False)


def overdue(one: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the line that runs take too long, and have it ended."""
    with monkeypatch.context() as patch:
        patch.setattr("anywhere.hosts.ssh.batch.LINE_SECONDS", 0.0)
        reply = one.stalled()
    assert reply and reply.data == script.NEXT and not reply.last


def test_a_line_that_was_ended_is_a_part_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[script.Part] = []
    one = batch(told)
    overdue(one, monkeypatch)
    feed(one, 137)
    overdue(one, monkeypatch)
    feed(one, 137)
    feed(one, 0)
    assert [part.rc for part in told] == [137, 137, 0] and not one.has_missed


def test_a_line_that_ended_by_itself_meanwhile_is_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[script.Part] = []
    one = batch(told)
    overdue(one, monkeypatch)
    for word in (0, 0, 137):  # the last was killed by somebody else
        feed(one, word)
    assert [part.rc for part in told] == [0, 0, 137] and not one.has_missed


def test_the_next_line_ended_by_mistake_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[script.Part] = []
    one = batch(told)
    overdue(one, monkeypatch)
    feed(one, 1)
    with pytest.raises(Enough):
        feed(one, 137)
    assert [part.rc for part in told] == [1] and one.has_missed


def test_patience_ends_with_the_line_and_then_with_the_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anywhere.hosts.ssh.batch.QUIET", 7.0)
    one = batch([])
    assert 4 < one.patience() <= 5
    overdue(one, monkeypatch)
    assert one.stalled() is None  # it is not yet time to end it once more: the host is given up


def test_what_hangs_is_ended_over_there_and_the_same_shell_goes_on(
    remote: SSHHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anywhere.hosts.ssh.batch.LINE_SECONDS", 0.6)
    asked = counted(remote)
    dribbling = "run sh -c 'while :; do echo x; sleep 0.1 # 4711\ndone'"
    started = time.monotonic()
    parts = remote.shell.gather(["echo one; mark 0", "run sleep 4711", dribbling, "echo four; mark 0"], {})
    assert time.monotonic() - started < within(5)
    assert [part.rc for part in parts] == [0, 137, 137, 0]
    assert parts[2].stdout.startswith(b"x\nx\n") and parts[3].stdout == b"four\n"
    assert len(asked) == 1
    assert subprocess.run(["pgrep", "-f", "4711"], capture_output=True, check=False).stdout == b""


def test_a_line_that_was_hit_by_mistake_runs_again(remote: SSHHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word to end a line comes so late that the next one has begun."""
    monkeypatch.setattr("anywhere.hosts.ssh.batch.LINE_SECONDS", 0.8)
    send = Session.send

    def late(self: Session, data: bytes, is_last: bool) -> None:
        if data == script.NEXT:
            self._loop.call_later(0.7, send, self, data, is_last)
        else:
            send(self, data, is_last)

    monkeypatch.setattr(Session, "send", late)
    asked = counted(remote)
    parts = remote.shell.gather(["run sleep 1.1", "run sleep 0.7", "echo three; mark 0"], {})
    assert [part.rc for part in parts] == [0, 0, 0]
    assert len(asked) <= 3
