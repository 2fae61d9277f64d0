"""Nothing is written where another user points: links, pipes, folders and second names that somebody else laid there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anywhere.errors import BadInput
from anywhere.files import open_file, writable, write_file

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as whom it is dangerous")
OTHER = 65534
PRECIOUS = "root:secret\n"


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder like /tmp, and one file of root's that nobody else may write."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    precious = tmp_path / "precious"
    precious.write_text(PRECIOUS)
    precious.chmod(0o600)
    yield folder
    assert precious.read_text() == PRECIOUS
    assert (precious.stat().st_mode & 0o777, precious.stat().st_uid) == (0o600, 0)


def link(path: Path, target: Path | str) -> None:
    path.symlink_to(target)
    os.lchown(path, OTHER, OTHER)


PLANTS: dict[str, Callable[[Path], None]] = {
    "link": lambda folder: link(folder / "out", folder.parent / "precious"),
    "dangling link": lambda folder: link(folder / "out", folder.parent / "new"),
    "link over a link": lambda folder: (link(folder / "a", folder.parent / "precious"), link(folder / "out", "a"))[0],
    "pipe": lambda folder: (os.mkfifo(folder / "out"), os.chown(folder / "out", OTHER, OTHER))[0],
    "file": lambda folder: ((folder / "out").write_text("x"), os.chown(folder / "out", OTHER, OTHER))[1],
}


@pytest.mark.parametrize("write", ["write_file", "open_file", "append", "writable"])
@pytest.mark.parametrize("plant", PLANTS)
def test_what_another_user_laid_in_a_folder_for_all_is_refused(shared: Path, plant: str, write: str) -> None:
    PLANTS[plant](shared)
    calls: dict[str, Callable[[str], object]] = {
        "write_file": lambda path: write_file(path, b"report"),
        "open_file": open_file,
        "append": lambda path: open_file(path, append=True),
        "writable": writable,
    }
    with pytest.raises(BadInput, match="another user"):
        calls[write](str(shared / "out"))
    assert not (shared.parent / "new").exists()


def test_a_folder_that_is_a_link_of_another_user_is_not_entered(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    link(shared / "dir", tmp_path / "etc")
    with pytest.raises(BadInput, match="another user"):
        write_file(str(shared / "dir" / "out"), b"x")
    with pytest.raises(BadInput, match="another user"):
        write_file(str(shared / "dir" / ".." / "out"), b"x")
    assert not list((tmp_path / "etc").iterdir())


def test_in_the_home_of_the_caller_a_report_is_written_and_a_link_is_not_followed(tmp_path: Path) -> None:
    """As `sudo anywhere check --save ~/host.json`."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, OTHER, OTHER)
    write_file(str(home / "host.json"), b"1")
    os.chown(home / "host.json", OTHER, OTHER)
    write_file(str(home / "host.json"), b"2")
    assert (home / "host.json").read_bytes() == b"2"
    link(home / "other.json", tmp_path / "victim")
    with pytest.raises(BadInput, match="another user"):
        write_file(str(home / "other.json"), b"x")


def test_a_second_name_of_a_file_of_roots_is_not_written_through(shared: Path, tmp_path: Path) -> None:
    os.link(tmp_path / "precious", shared / "out")
    with pytest.raises(BadInput, match="second name"):
        open_file(str(shared / "out"))
    write_file(str(shared / "out"), b"x")
    assert (shared / "out").read_bytes() == b"x"


def test_a_pipe_of_our_own_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for write in (lambda path: write_file(path, b"x"), open_file):
        with pytest.raises(BadInput, match="nobody reads"):
            write(str(tmp_path / "pipe"))


def test_pieces_are_added_or_begin_anew(tmp_path: Path) -> None:
    for text, append in ((b"1", False), (b"2", True), (b"3", True)):
        with open_file(str(tmp_path / "x"), append=append) as file:
            file.write(text)
    assert (tmp_path / "x").read_bytes() == b"123"
    with open_file(str(tmp_path / "x")) as file:
        file.write(b"4")
    assert (tmp_path / "x").read_bytes() == b"4"


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_the_standard_output_by_its_path(tmp_path: Path, path: str, kind: str) -> None:
    code = f"from anywhere.files import write_file; write_file({path!r}, b'report')"
    if kind == "pipe":
        assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE).stdout == b"report"
        return
    with (tmp_path / "out").open("wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert (tmp_path / "out").read_bytes() == b"report"


@pytest.mark.parametrize("word", ["--save", "--output"])
def test_the_command_refuses_before_the_work(shared: Path, word: str) -> None:
    link(shared / "out", shared.parent / "precious")
    argv = [
        sys.executable,
        "-m",
        "anywhere",
        "check",
        "--region",
        "us-east-1",
        word,
        str(shared / "out"),
        "--budget",
        "1",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "another user" in done.stderr and done.stderr.count("\n") == 1


def test_the_mode_that_another_user_gave_is_not_kept(tmp_path: Path) -> None:
    """Their file may be readable or writable for all, and root's content would be too."""
    path = tmp_path / "out"
    path.write_text("theirs")
    path.chmod(0o666)
    os.chown(path, OTHER, OTHER)
    before = os.umask(0o027)
    try:
        write_file(str(path), b"report")
    finally:
        os.umask(before)
    assert (path.read_bytes(), path.stat().st_mode & 0o777, path.stat().st_uid) == (b"report", 0o640, 0)
