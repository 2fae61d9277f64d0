"""Commands end in their time, with all their children, and with the program."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from anywhere.hosts.base import Deadline
from anywhere.hosts.local import NO_SUCH_PROGRAM, NOT_EXECUTABLE, TIMED_OUT, LocalHost
from tests.support.pace import within


def host(seconds: float = 10.0) -> LocalHost:
    return LocalHost(Deadline(seconds))


def alive(marker: str) -> list[str]:
    """Command lines of processes that hold this word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if marker in words and "pytest" not in words:
                found.append(words)
    return found


def test_output_and_code() -> None:
    done = host().run(("sh", "-c", "echo out; echo err >&2; exit 3"))
    assert (done.rc, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert host().run(("cat",), input=b"in").stdout == "in"
    assert host().run(("cat",)).stdout == ""


def test_a_large_output_does_not_block() -> None:
    assert len(host().run(("sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")).stdout) == 3_000_000


def test_what_cannot_be_started(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert host().run(("no-such-program-1",)).rc == NO_SUCH_PROGRAM
    assert host().run((str(plain),)).rc == NOT_EXECUTABLE
    assert host().run((str(tmp_path),)).rc == NOT_EXECUTABLE
    assert host().run((str(plain / "below"),)).rc == NOT_EXECUTABLE


def test_a_command_is_cut_off_with_what_it_said_so_far() -> None:
    started = time.monotonic()
    done = host().run(("sh", "-c", "echo begun; sleep 60"), timeout=0.3)
    assert time.monotonic() - started < within(0.6)
    assert (done.rc, done.stdout) == (TIMED_OUT, "begun\n")


def test_children_end_with_it_also_when_they_hold_its_pipes() -> None:
    marker = f"8641{os.getpid()}"
    started = time.monotonic()
    done = host().run(("sh", "-c", f"sleep {marker} & sleep {marker}"), timeout=0.3)
    assert time.monotonic() - started < within(0.6)
    assert done.rc == TIMED_OUT
    time.sleep(0.1)
    assert alive(marker) == []


def test_a_child_that_left_the_session_does_not_hold_the_run() -> None:
    started = time.monotonic()
    done = host().run(("setsid", "sleep", "3"), timeout=0.3)
    assert time.monotonic() - started < within(0.8)
    assert done.rc in (0, TIMED_OUT)


def test_nothing_is_started_after_the_deadline() -> None:
    started = time.monotonic()
    assert host(0.0).run(("sleep", "60")).rc == TIMED_OUT
    assert time.monotonic() - started < within(0.1)


def test_a_deadline_counts_for_every_command() -> None:
    one = host(0.3)
    started = time.monotonic()
    assert [one.run(("sleep", "60")).rc for _ in range(3)] == [TIMED_OUT] * 3
    assert time.monotonic() - started < within(0.7)


def test_a_named_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    started = time.monotonic()
    with pytest.raises(OSError, match="is a pipe, not a file"):
        host().read(str(tmp_path / "pipe"))
    assert time.monotonic() - started < within(0.2)


def test_the_tail_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"0123456789")
    assert host().read(str(tmp_path / "log"), tail=4) == b"6789"
    assert host().read(str(tmp_path / "log"), tail=40) == b"0123456789"


@pytest.mark.parametrize("path", ["/no/such/file", "/etc/passwd/below", "/etc"])
def test_errors_are_the_builtin_ones(path: str) -> None:
    with pytest.raises((FileNotFoundError, NotADirectoryError, IsADirectoryError)):
        host().read(path)


def test_the_end_of_the_program_ends_its_commands() -> None:
    marker = f"9753{os.getpid()}"
    script = f"""
import threading, time
from anywhere.hosts.base import Deadline
from anywhere.hosts.local import LocalHost
from anywhere.hosts.processes import end_all
host = LocalHost(Deadline(60))
def work():
    while True:
        host.run(("sh", "-c", "sleep {marker} & sleep {marker}"))
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.5)
end_all()
import os
os._exit(7)
"""
    done = subprocess.run([sys.executable, "-c", script], timeout=20)
    assert done.returncode == 7
    time.sleep(0.2)
    assert alive(f"sleep {marker}") == []


def test_many_at_once() -> None:
    one, results = host(), []
    threads = [threading.Thread(target=lambda: results.append(one.run(("echo", "x")).stdout)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["x\n"] * 20
