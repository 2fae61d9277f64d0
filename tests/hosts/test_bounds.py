"""Limits of what is read of a host, and what is said when one is met."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from anywhere.errors import BadInput
from anywhere.hosts import bounds
from anywhere.hosts.base import Deadline
from anywhere.hosts.bounds import NotAFile, TooLarge, kept_addresses, limit_of_command, limit_of_file
from anywhere.hosts.local import TIMED_OUT, LocalHost, command_environment, unfit_for_lookups
from anywhere.hosts.recording import Recording
from tests.support.pace import within


@pytest.fixture
def host() -> LocalHost:
    return LocalHost(Deadline(20))


@pytest.mark.parametrize("size", [bounds.SETTINGS.size, bounds.SETTINGS.size + 1])
def test_a_file_as_large_as_it_may_be_and_one_byte_more(host: LocalHost, tmp_path: Path, size: int) -> None:
    (tmp_path / "f").write_bytes(b"x" * size)
    if size == bounds.SETTINGS.size:
        assert len(host.read(str(tmp_path / "f"))) == size
        return
    with pytest.raises(TooLarge, match=r"larger than 1 MiB \(limit for a settings file\)"):
        host.read(str(tmp_path / "f"))


def test_many_short_lines(host: LocalHost, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\n" * (bounds.SETTINGS.lines + 1))
    with pytest.raises(TooLarge, match="50,000 lines"):
        host.read(str(tmp_path / "f"))


def test_a_sparse_file_of_gigabytes_costs_nothing(host: LocalHost, tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(1 << 33)
    started = time.monotonic()
    with pytest.raises(TooLarge):
        host.read(str(tmp_path / "f"))
    assert host.read(str(tmp_path / "f"), tail=10) == b"\0" * 10
    assert time.monotonic() - started < within(0.2)


def test_only_files_are_opened(host: LocalHost, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        for path, kind in (("/dev/zero", "device"), (tmp_path / "pipe", "pipe"), (tmp_path / "socket", "socket")):
            with pytest.raises(NotAFile, match=f"is a {kind}, not a file"):
                host.read(str(path))
            with pytest.raises(NotAFile):
                host.read(str(path), tail=5)
    assert host.read("/dev/null") == b""
    (tmp_path / "masked").symlink_to("/dev/null")
    assert host.read(str(tmp_path / "masked")) == b""


def test_a_folder_of_too_many_names(host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        (tmp_path / str(number)).touch()
    assert len(host.listdir(str(tmp_path))) == 12
    monkeypatch.setattr("anywhere.hosts.reading.FOLDER", bounds.Limit("the names in a folder", 10))
    with pytest.raises(TooLarge, match="larger than 10"):
        host.listdir(str(tmp_path))


@pytest.mark.parametrize("words", ["yes", "cat /dev/zero", "yes >&2", "yes & sleep 60"])
def test_a_command_without_end(host: LocalHost, words: str) -> None:
    started = time.monotonic()
    done = host.run(("sh", "-c", words))
    assert (done.rc, done.stdout) == (TIMED_OUT, "")
    assert done.cut == "larger than 4 MiB (limit for the output of a command)"
    assert len(done.stderr) <= bounds.ERRORS_KEPT
    assert time.monotonic() - started < within(3)


def test_many_lines_of_a_command(host: LocalHost) -> None:
    done = host.run(("seq", str(bounds.OUTPUT.lines + 1)))
    assert (done.rc, done.stdout, "50,000 lines" in done.cut) == (TIMED_OUT, "", True)


@pytest.mark.parametrize(
    "words", ["setsid sleep {} & sleep 60", "(setsid sleep {} &) ; sleep 60", "setsid -f sleep {}; exec sleep 60"]
)
def test_a_child_that_left_the_session_ends_too(host: LocalHost, words: str) -> None:
    mark = f"{7000 + os.getpid()}.125"
    assert host.run(("sh", "-c", words.format(mark)), timeout=0.5).rc == TIMED_OUT
    time.sleep(0.2)
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _is_there(path)]
    assert not [line for line in running if line == b"sleep\0" + mark.encode() + b"\0"]


def _is_there(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def test_which_limit_counts() -> None:
    assert limit_of_file("/etc/hosts") is bounds.HOSTS_FILE
    assert limit_of_file("/etc/ssl/certs/x.pem") is bounds.STORE
    assert limit_of_file("/var/log/ecs/ecs-agent.log") is bounds.LOG
    assert limit_of_file("/etc/docker/daemon.json") is bounds.SETTINGS
    assert limit_of_command(("iptables-save", "-t", "nat")) is bounds.LISTING
    assert limit_of_command(("env", "A=b", "ip6tables-nft-save")) is bounds.LISTING
    assert limit_of_command(("docker", "info")) is bounds.OUTPUT
    assert limit_of_command(("ip", "-4", "route", "get", "10.0.0.1")) is bounds.ANSWER
    assert limit_of_command(("ip", "-4", "rule", "show")) is bounds.OUTPUT
    assert limit_of_command(("ip", "-4", "route", "show", "table", "all")) is bounds.OUTPUT


def test_a_host_gives_no_more_than_is_kept_of_one(monkeypatch: pytest.MonkeyPatch, host: LocalHost) -> None:
    monkeypatch.setattr("anywhere.hosts.recording.TOTAL", bounds.Limit("all that is kept of one host", 100_000))
    seen = Recording(host)
    assert seen.run(("head", "-c", "60000", "/dev/zero")).ok
    late = seen.run(("head", "-c", "70000", "/dev/zero"))
    assert (late.rc, late.stdout, "all that is kept" in late.cut) == (TIMED_OUT, "", True)
    assert seen.run(("echo", "small")).stdout == "small\n"
    assert [said for _, said in seen.limits_met()] == [late.cut]


def test_what_met_a_limit_is_in_the_bundle_too(host: LocalHost) -> None:
    seen = Recording(host)
    with pytest.raises(NotAFile):
        seen.read("/dev/zero")
    again = Recording(None, seen.observations())
    with pytest.raises(OSError, match="not a file"):
        again.read("/dev/zero")
    assert again.limits_met() == (("/dev/zero", "is a device, not a file"),)


def test_many_addresses() -> None:
    found, said = kept_addresses(tuple(f"10.0.{n // 250}.{n % 250}" for n in range(1200)))
    assert (len(found), said) == (64, "1200 addresses, the first 64 are used")
    assert kept_addresses(("10.0.0.1",), "as it was") == (("10.0.0.1",), "as it was")


def test_the_c_library_is_not_asked_where_its_files_have_no_end(
    host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unfit_for_lookups() == ""
    monkeypatch.setattr("anywhere.hosts.local.RESOLVERS_FILES", (str(tmp_path / "absent"), "/dev/zero"))
    assert unfit_for_lookups() == "/dev/zero is a device, not a file"


def test_root_finds_no_program_of_another_users(room: Path, monkeypatch: pytest.MonkeyPatch, host: LocalHost) -> None:
    if os.geteuid():
        pytest.skip("needs root")
    theirs, shared = room / "theirs", room / "shared"
    for folder in (theirs, shared):
        folder.mkdir()
        (folder / "docker").write_text("#!/bin/sh\necho evil\n")
        (folder / "docker").chmod(0o755)
    os.chown(theirs, 65534, 65534)
    shared.chmod(0o777)
    monkeypatch.setenv("PATH", f".::{theirs}:{shared}:/usr/bin:/bin")
    monkeypatch.chdir(shared)
    assert command_environment()["PATH"].split(":")[:2] == ["/usr/bin", "/bin"]
    assert "evil" not in host.run(("env", "docker")).stdout
    assert host.run(("pwd",)).stdout == "/\n"


@pytest.mark.parametrize("kind", ["zero", "pipe", "sparse", "bracket"])
def test_lists_of_hosts_without_an_end(tmp_path: Path, kind: str) -> None:
    from anywhere.inventory import load

    path = tmp_path / "hosts"
    if kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "bracket":
        path.write_text("[" * 1_000_000)
    else:
        with path.open("wb") as file:
            file.truncate(1 << 33)
        path.chmod(0o755)
    started = time.monotonic()
    with pytest.raises(BadInput):
        load(str(path))
    assert time.monotonic() - started < within(1)


def test_variables_beside_a_list_without_an_end(tmp_path: Path) -> None:
    from anywhere.inventory import load

    (tmp_path / "hosts").write_text("a\n")
    (tmp_path / "group_vars").mkdir()
    with (tmp_path / "group_vars" / "all.yml").open("wb") as file:
        file.truncate(1 << 33)
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "a").symlink_to("/dev/zero")
    entries, notes = load(str(tmp_path / "hosts"))
    assert [entry.name for entry in entries] == ["a"]
    assert "left out" in str(notes[0])
