"""Files that a user names: what has no end or never answers is refused at once, in bounded memory, in one line."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anywhere.errors import BadInput
from anywhere.files import read_file
from tests.support.pace import within

KEYS = str(Path(__file__).parents[1] / "anywhere/catalogue/data/keys/amazon-ecs-agent.asc")
COMMANDS = (
    ("report", "merge", "{}"),
    ("check", "--region", "us-east-1", "--inventory", "{}"),
    ("taskdef", "check", "{}"),
    ("proxy", "plan", "--url-file", "{}"),
    ("proxy", "plan", "--url", "http://p:1", "--ca", "{}"),
    ("proxy", "plan", "--url", "http://p:1", "--credentials-file", "{}"),
    ("bundle", "show", "{}"),
    ("check", "--region", "us-east-1", "--resume", "{}"),
    *(
        ("register", option, "{}", "--region", "us-east-1", "--dry-run")
        for option in ("--keyring", "--activation-file", "--resume", "--ca", "--proxy-url-file")
    ),
    ("register", "--exec-binaries", "{}", "--region", "us-east-1", "--dry-run", "--keyring", KEYS),
    ("update", "--keyring", "{}", "--dry-run"),
    ("taskdef", "fit", "{}"),
    ("activation", "plan", "-i", "{}"),
)
MOST = 400 << 20  # bytes of address space beyond which the program is ended: it has some 100 MiB of libraries


def run(words: tuple[str, ...], path: str, stdin: str = os.devnull) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))

    argv = [sys.executable, "-m", "anywhere", *(word.format(path) for word in words)]
    with open(stdin, "rb") as file:
        return subprocess.run(argv, stdin=file, capture_output=True, text=True, timeout=60, preexec_fn=limit)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:3]))
@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "/dev/tty", "folder"])
def test_what_is_no_file_is_refused_at_once(words: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    path = kind if kind.startswith("/") else str(tmp_path / kind)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    done = run(words, path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1 and path in done.stderr


@pytest.mark.parametrize("words", [("artifacts", "verify", "{}"), ("artifacts", "verify", "{}/manifest.json")])
def test_a_pipe_in_the_place_of_a_manifest_is_refused_at_once(words: tuple[str, ...], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    done = run(words, str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and str(tmp_path) in done.stderr


def test_zeros_without_end_on_standard_input_are_refused_in_bounded_memory() -> None:
    started = time.monotonic()
    done = run(("report", "merge", "-"), "", "/dev/zero")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert time.monotonic() - started < within(20)


@pytest.mark.parametrize(
    "text", ["", "\n", "{}", "[]", "null", '{"targets": []}', '{"schema": "anywhere/report/1"}', '{"verdict": "ready"}']
)
def test_a_report_without_a_host_is_no_report(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    done = run(("report", "merge", "{}"), str(path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_what_the_shell_hands_over_is_read(tmp_path: Path) -> None:
    """`report merge <(ssh web1 anywhere check ...)`."""
    read, write = os.pipe()
    os.write(write, b"hello")
    os.close(write)
    try:
        assert read_file(f"/dev/fd/{read}", 100) == b"hello"
    finally:
        os.close(read)


def test_a_file_may_have_its_largest_size_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 2**20)
    assert len(read_file(str(path), 2**20)) == 2**20
    path.write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(BadInput, match="larger than 1 MiB"):
        read_file(str(path), 2**20)
