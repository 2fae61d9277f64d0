"""Many observations by one shell: what hangs is ended over there, the rest goes on, and nobody is ended by mistake."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence

import pytest

from anywhere.errors import HostUnreachable
from anywhere.hosts.bounds import ANSWER, LISTING, OUTPUT
from anywhere.hosts.probe.castore import STORES
from anywhere.hosts.recording import Recording
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.batch import HEAD, SLACK, Batch, Moment
from anywhere.hosts.ssh.channels.session import Enough, Session
from anywhere.hosts.ssh.host import SSHHost
from tests.hosts.ssh.test_files import SHELLS
from tests.hosts.ssh.test_standby import counted
from tests.support.pace import within
from tests.support.ssh.sshd import Server, serving

pytestmark = pytest.mark.region
MARK = script.token()
DIGEST = "d" * 64
CUT = script.Part("137", b"", b"")


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


def batch(told: list[script.Part], lines: Sequence[str] = ("run a", "inventory", "run c", "run d")) -> Batch:
    """One whose lines have begun."""
    found = Batch(MARK, "", lines, 60.0, told.append, lambda _: None)
    found.feed(f"\n{MARK} start\n".encode(), False)
    found.feed(f"\n{MARK}\n".encode(), True)
    for _ in range(HEAD):
        feed(found, 0)
    return found


def feed(to: Batch, word: int) -> None:
    out, err = marked(word)
    to.feed(err, True)
    to.feed(out, False)


def overdue(one: Batch, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Let the line that runs take too long, and have it ended: what is said for that."""
    with monkeypatch.context() as patch:
        patch.setattr("anywhere.hosts.ssh.batch.LINE_SECONDS", 0.0)
        reply = one.stalled()
    assert reply and not reply.last
    return reply.data


def test_each_line_is_ended_by_its_own_number(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[script.Part] = []
    one = batch(told)
    assert overdue(one, monkeypatch) == script.ending(1) == b"-1.\n"
    feed(one, 137)
    feed(one, 0)
    assert overdue(one, monkeypatch) == script.ending(3)
    feed(one, 0)  # it ended by itself meanwhile
    feed(one, 137)  # somebody else has killed it
    assert [part.rc for part in told] == [137, 0, 0, 137]
    assert one.patience() > 5  # nothing runs any more


def test_of_several_programs_the_exit_code_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[script.Part] = []
    one = batch(told)
    feed(one, 0)
    overdue(one, monkeypatch)
    one.feed(b"uid 0", False)
    feed(one, 0)
    assert [(part.rc, part.stdout) for part in told] == [(0, b""), (137, b"uid 0")]


def test_a_word_is_a_sign_of_life_of_several_programs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anywhere.hosts.ssh.batch.LINE_SECONDS", 0.5)
    one = batch([])
    time.sleep(0.6)
    one.feed(b"x", False)
    assert one.patience() <= 0
    feed(one, 0)
    time.sleep(0.3)
    one.feed(b"x", False)
    assert 0.3 < one.patience() <= 0.5


def test_what_cannot_be_ended_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    one = batch([])
    assert one.stalled() is None and 4 < one.patience() <= 5
    for _ in range(3):
        overdue(one, monkeypatch)
    monkeypatch.setattr("anywhere.hosts.ssh.batch.LINE_SECONDS", 0.0)
    assert one.stalled() is None


ROUTE = "run ip -4 route get 10.0.0.1"


def test_a_line_that_has_no_end_is_cut_at_its_own_limit() -> None:
    told: list[script.Part] = []
    one = batch(told, (ROUTE, "read_file /etc/hosts 9", ROUTE))
    one.feed(b"x" * ANSWER.size + f"\n{MARK}".encode(), False)  # all that it may say, and the mark comes in pieces
    one.feed(b" 0\n", False)
    one.feed(
        b"y" * (ANSWER.size + SLACK + 1), False
    )  # the next line's, before the errors of the first are known to end
    one.feed(f"\n{MARK}\n".encode(), True)
    one.feed(b"y", False)
    assert [len(part.stdout) for part in told] == [ANSWER.size]
    feed(one, 0)
    with pytest.raises(Enough):
        one.feed(b"z" * (ANSWER.size + SLACK + 1), False)
    assert len(told) == 2 and one.met == ANSWER.met
    listing = batch(told, ("run iptables-save",))
    with pytest.raises(Enough):
        listing.feed(b"z" * (LISTING.size + 1), False)
    assert listing.met == LISTING.met


def test_what_comes_before_the_lines_is_not_measured_by_the_first() -> None:
    one = Batch(MARK, "", (ROUTE,), 60.0, lambda _: None, lambda _: None)
    one.feed(f"\n{MARK} start\n".encode() + b"x" * 2 * ANSWER.size, False)


def test_look_ups_that_had_not_begun_are_ended_too() -> None:
    pace = Moment()
    for _ in range(3):
        assert pace.stalled().data == script.END_GROUPS and 0.5 < pace.patience() <= 1


def test_what_met_a_limit_is_reported_though_nobody_came_to_ask(remote: SSHHost) -> None:
    endless, short = ("yes", "4712"), ("echo", "x")
    remote.prefetch((endless, short), (), ())
    assert remote.run(short).stdout == "x\n"
    until = time.monotonic() + within(10)
    while not remote.cut() and time.monotonic() < until:
        time.sleep(0.05)
    assert Recording(remote).limits_met() == (("yes 4712", OUTPUT.met),)
    assert remote.cut() == []


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


def test_a_word_that_comes_too_late_hits_nothing_else(remote: SSHHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anywhere.hosts.ssh.batch.LINE_SECONDS", 0.8)
    send = Session.send

    def late(self: Session, data: bytes, is_last: bool) -> None:
        if data == script.ending(1):
            self._loop.call_later(0.7, send, self, data, is_last)
        else:
            send(self, data, is_last)

    monkeypatch.setattr(Session, "send", late)
    asked = counted(remote)
    parts = remote.shell.gather(["run sleep 1.1", "run sleep 0.7", "echo three; mark 0"], {})
    assert [part.rc for part in parts] == [0, 0, 0] and len(asked) == 1


@pytest.mark.parametrize(("second", "text"), [(script.Part("0", f"{DIGEST}\n".encode(), b""), "kept text"), (CUT, "")])
def test_a_store_that_was_cut_off_is_asked_for_once_more_and_is_never_an_empty_one(
    remote: SSHHost, monkeypatch: pytest.MonkeyPatch, second: script.Part, text: str
) -> None:
    monkeypatch.setitem(STORES._texts, DIGEST, "kept text")
    monkeypatch.setattr(remote._gathering, "take", lambda *_: CUT)
    monkeypatch.setattr(remote, "_look", lambda _: second)
    if text:
        assert remote._trust("").decode() == text
    else:
        with pytest.raises(HostUnreachable, match="CA store") as raised:
            remote._trust("")
        assert raised.value.timed and raised.value.was_up


def test_an_inventory_that_was_cut_off_is_asked_for_once_more(remote: SSHHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote._gathering, "take", lambda *_: CUT)
    assert remote.inventory().is_root and remote.inventory().memory_total > 0


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_in_every_shell(shell: tuple[str, ...]) -> None:
    """The second line is ended by its number, also by busybox, whose grep knows less."""
    program = shutil.which(shell[0])
    if program is None:
        pytest.skip(f"{shell[0]} is not installed")
    text = script.script(MARK, ["run echo one", "run sleep 4712", "run echo three"], {}, 20)
    with subprocess.Popen([program, *shell[1:], "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as done:
        assert done.stdin and done.stdout
        time.sleep(0.5)
        done.stdin.write(script.ending(2))
        done.stdin.flush()
        said = done.stdout.read()
    words = re.findall(rf"{MARK} (\w+)", said.decode())
    assert words == ["start", "0", "137", "0"] and b"three" in said
    assert subprocess.run(["pgrep", "-fx", "sleep 4712"], capture_output=True, check=False).stdout == b""
