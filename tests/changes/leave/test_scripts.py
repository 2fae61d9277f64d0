"""The scripts that remove things, against files, links and mounts as a host may have them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.changes.leave.plan import script

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
KEYS = "aws_access_key_id = ASIA1\naws_secret_access_key = s\naws_session_token = t\n"


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that only root may write to, on the way too."""
    path = Path(f"/root/.anywhere-test-{os.getpid()}")
    subprocess.run(["rm", "-rf", "--one-file-system", str(path)], check=True)
    path.mkdir(mode=0o700)
    yield path
    subprocess.run(["rm", "-rf", "--one-file-system", str(path)], check=True)


def clean(*paths: Path, before: str = "true") -> list[str]:
    """What the script says was left; in a mount namespace of its own, after these commands."""
    argv = script("clean", *map(str, paths))
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{before}; exec "$@"', "x", *argv], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


def test_a_folder_goes_with_all_that_is_in_it(root: Path) -> None:
    folder = root / "ecs"
    for name in ("a b", ".hidden", "-rf", "new\nline", "*"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("x")
    assert clean(folder, root / "not there") == []
    assert not folder.exists()


def test_links_are_removed_and_never_followed(root: Path) -> None:
    kept, folder = root / "kept", root / "ecs"
    kept.mkdir()
    (kept / "file").write_text("x")
    folder.mkdir()
    (folder / "link").symlink_to(kept)
    os.link(kept / "file", folder / "hard")
    assert clean(folder) == []
    assert (kept / "file").read_text() == "x" and not folder.exists()
    folder.symlink_to(kept)
    said = clean(folder)
    assert len(said) == 1 and "symbolic link" in said[0] and (kept / "file").exists()
    (root / "way").symlink_to(root)
    said = clean(root / "way" / "kept")
    assert "symbolic link" in said[0] and (kept / "file").exists()


@pytest.mark.parametrize("name", ["volumes", "a b", "x*y", "deep/er"])
def test_mounts_stay_with_all_that_is_in_them(root: Path, name: str) -> None:
    kept, folder = root / "kept", root / "ecs"
    kept.mkdir()
    (kept / "file").write_text("x")
    (folder / name).mkdir(parents=True)
    (folder / "other").mkdir()
    (folder / "other" / "file").write_text("x")
    said = clean(folder, before=f"mount --bind '{kept}' '{folder / name}'")
    assert said == [f"{folder / name}: a file system is mounted there"]
    assert (kept / "file").read_text() == "x" and not (folder / "other").exists()


def test_a_folder_that_is_a_mount_stays(root: Path) -> None:
    folder = root / "ecs"
    folder.mkdir()
    (folder / "file").write_text("x")
    said = clean(folder, before=f"mount --bind '{folder}' '{folder}'")
    assert said == [f"{folder}: a file system is mounted there"] and (folder / "file").exists()


def test_a_folder_that_others_may_write_to_is_left(root: Path) -> None:
    (root / "open").mkdir()
    (root / "open").chmod(0o777)
    (root / "open" / "ecs").mkdir()
    assert "others than root" in clean(root / "open" / "ecs")[0]
    assert (root / "open" / "ecs").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"[default]\n{KEYS}", None),
        (f"\n[ default ]\n{KEYS}\n", None),
        (f"[default]\n{KEYS}region = x\n", "[default]\nregion = x\n"),
        (
            f"# mine\n[default]\n{KEYS}[other]\naws_access_key_id = AKIA\n",
            "# mine\n[default]\n[other]\naws_access_key_id = AKIA\n",
        ),
        ("[default]\naws_access_key_id = AKIA\naws_secret_access_key = s\n", "same"),
        (f"[other]\n{KEYS}", "same"),
        (f"[other]\n{KEYS}[default]\naws_access_key_id = AKIA\n", "same"),
        ("", "same"),
    ],
)
def test_only_keys_with_a_session_token_in_the_default_profile_go(root: Path, before: str, after: str | None) -> None:
    file = root / ".aws" / "credentials"
    file.parent.mkdir()
    file.write_text(before)
    file.chmod(0o640)
    done = subprocess.run(script("keys", str(file)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if after is None:
        assert not file.parent.exists()
        return
    assert file.read_text() == (before if after == "same" else after)
    assert file.stat().st_mode & 0o777 == 0o640 and len(list(file.parent.iterdir())) == 1


def test_credentials_behind_a_link_are_not_touched(root: Path) -> None:
    (root / "elsewhere").write_text(f"[default]\n{KEYS}")
    (root / ".aws").mkdir()
    (root / ".aws" / "credentials").symlink_to(root / "elsewhere")
    subprocess.run(script("keys", str(root / ".aws" / "credentials")), check=True)
    assert "ASIA1" in (root / "elsewhere").read_text()


def test_aside_and_back_keep_the_original(root: Path) -> None:
    state, kept = root / "agent.db", root / "agent.db.before-move"
    state.write_text("old")
    for newer in ("new", "newer"):
        subprocess.run(script("aside", str(state), str(kept)), check=True)
        assert kept.read_text() == "old" and not state.exists()
        state.write_text(newer)
    for _ in range(2):
        subprocess.run(script("back", str(state), str(kept)), check=True)
        assert state.read_text() == "old" and not kept.exists()
