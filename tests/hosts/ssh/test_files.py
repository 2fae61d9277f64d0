"""Many files by one `head`: told apart exactly, whatever stands in them, by each shell that a host may have."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.files import MOST, FileGroup, spelling
from anywhere.hosts.ssh.script import Part
from tests.support.ssh.shells import run_script

SHELLS = [
    pytest.param((name,), marks=pytest.mark.skipif(not shutil.which(name), reason=f"no {name} here"))
    for name in ("dash", "bash")
] + [
    pytest.param(("busybox", "sh"), marks=pytest.mark.skipif(not shutil.which("busybox"), reason="no busybox here")),
]


def read(group: FileGroup, shell: tuple[str, ...] = ("sh",), path: str = os.environ["PATH"]) -> dict[str, Part]:
    mark = script.token()
    text = script.script(mark, [group.line, "echo after; mark 0"])
    done = run_script(shell, text, environment={"PATH": path})
    part, after = script.parse(mark, done.stdout, done.stderr)
    assert after.stdout == b"after\n"
    return group.split(part)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "plain").write_bytes(b"one\ntwo\n")
    (tmp_path / "no newline").write_bytes(b"last")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "bytes").write_bytes(bytes(range(256)) + b"\n\n==> /etc/hosts <==\nforged\n\n")
    (tmp_path / "large").write_bytes(b"x" * MOST)
    (tmp_path / "folder").mkdir()
    (tmp_path / "nowhere").symlink_to("gone")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def whole(room: Path) -> FileGroup:
    names = ("absent", "plain", "no newline", "empty", "folder", "bytes", "large", "pipe", "nowhere")
    return FileGroup((*(str(room / name) for name in names), "/proc/version", "/etc/hosts"), spelling())


@pytest.mark.parametrize("shell", SHELLS)
def test_each_file_comes_exactly_or_with_its_own_error(room: Path, shell: tuple[str, ...]) -> None:
    found = {path.removeprefix(f"{room}/"): part for path, part in read(whole(room), shell).items()}
    for name in ("plain", "no newline", "empty", "bytes"):
        assert found.pop(name) == Part("0", (room / name).read_bytes(), b"")
    for path in ("/proc/version", "/etc/hosts"):
        assert found.pop(path) == Part("0", Path(path).read_bytes(), b"")
    assert {name: (part.rc, part.stderr.rpartition(b": ")[2]) for name, part in found.items()} == {
        "absent": (1, b"No such file or directory"),
        "folder": (1, b"Is a directory"),
        "nowhere": (1, b"No such file or directory"),
        "pipe": (1, b"is a pipe, not a file"),
    }  # what is too long is asked for by itself


def test_the_programs_of_busybox_do_as_well(room: Path) -> None:
    busybox = shutil.which("busybox")
    if not busybox:
        pytest.skip("no busybox here")
    folder = room / "programs"
    folder.mkdir()
    for name in ("head", "cat", "timeout", "id", "true"):
        (folder / name).symlink_to(busybox)
    group = whole(room)
    found = read(group, ("/bin/sh",), f"{folder}:/usr/bin:/bin")
    assert {path: (part.rc, part.stdout) for path, part in found.items()} == {
        path: (part.rc, part.stdout) for path, part in read(group).items()
    }


def test_one_file_alone_is_told_too(room: Path) -> None:
    group = FileGroup((str(room / "plain"),), spelling())
    assert read(group) == {str(room / "plain"): Part("0", b"one\ntwo\n", b"")}


def test_what_was_cut_off_is_not_taken_for_a_file() -> None:
    group = FileGroup(("/a", "/b"), "/./")
    start = b"\n\n==> /.//a <==\nwhole\n\n==> /.//b <==\npart of it"
    assert group.split(Part("137", start, b"")) == {"/a": Part("0", b"whole\n", b"")}
    assert group.split(Part("137", b"", b"")) == {}


def test_nonsense_is_no_file() -> None:
    group = FileGroup(("/a",), "/.")
    for text in (
        b"7 no\n\n\n",
        b"x\n\n==> /./a",
        b"99999999999999999 no\n\n\n",
        b"\n\n==> /./z <==\nq\n==> /./dev/null <==\n",
    ):
        assert group.split(Part("0", text, b"")) == {}


def test_no_two_runs_spell_alike() -> None:
    ways = {spelling() for _ in range(100)}
    assert len(ways) == 100
    assert all(os.path.samefile(way + "/etc", "/etc") for way in ways)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_is_listed_by_the_shell_as_by_ls(tmp_path: Path, shell: tuple[str, ...]) -> None:
    names = {
        "full": ["*", ".[!.]*", "..?*", "..two dots", ".hidden", "-n", "a b", "ünï"],
        "hidden": [".x"],
        "empty": [],
    }
    for folder, inside in names.items():
        (tmp_path / folder).mkdir()
        for name in inside:
            (tmp_path / folder / name).touch()
    (tmp_path / "full" / "nowhere").symlink_to("gone")
    (tmp_path / "file").touch()
    mark = script.token()
    listed = (*names, "file", "absent")
    lines = [script.folder_line(str(tmp_path / name)) for name in listed] + ["pwd; mark 0"]
    done = run_script(shell, script.script(mark, lines))
    *parts, place = script.parse(mark, done.stdout, done.stderr)
    found = {name: (part.rc, part.stdout.decode().splitlines()) for name, part in zip(listed, parts, strict=True)}
    assert {name: sorted(found[name][1]) for name in names} == {
        **{name: sorted(inside) for name, inside in names.items()},
        "full": sorted([*names["full"], "nowhere"]),
    }
    assert [bool(rc) for rc, _ in found.values()] == [False, False, False, True, True]
    assert place.stdout == b"/\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_program_is_not_started_for_files_that_are_all_absent(tmp_path: Path, shell: tuple[str, ...]) -> None:
    (tmp_path / "there").write_text("key=value\n")
    mark = script.token()
    both = ("sed", "-n", "s/=.*/=/p", str(tmp_path / "absent"), str(tmp_path / "there"))
    lines = [script.run_line(both), script.run_line(both[:-1])]
    done = run_script(shell, 'sed() { echo begun; command sed "$@"; }\n' + script.script(mark, lines))
    one, none = script.parse(mark, done.stdout, done.stderr)
    assert one.stdout == b"begun\nkey=\n"
    assert (none.rc, none.stdout, none.stderr) == (2, b"", f"{tmp_path}/absent: No such file or directory\n".encode())
