"""`packaging/repo.sh`: apt installs from it and refuses what is not signed; dnf reads it and checks its signature."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.booted.machine import base
from tests.packaging.built.conftest import DIST, ROOT

pytestmark = [pytest.mark.soak, pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
_ENTER = 'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"; shift 2; exec "$@"'


def make(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run repo.sh."""
    argv = [str(ROOT / "packaging/repo.sh"), *arguments]
    return subprocess.run(
        argv, env={"PATH": os.environ["PATH"], "GNUPGHOME": str(home)}, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def repository(deb: Path, rpm: Path, home: Path, shared_room: Path) -> Path:
    """A repository of dist/."""
    if not shutil.which("createrepo_c") or not shutil.which("apt-ftparchive"):
        pytest.skip("createrepo-c or apt-utils is not installed: `make test-package` installs them")
    target = shared_room / "mirror"
    done = make(home, str(target))
    assert done.returncode == 0, done.stderr
    return target


def apt(repository: Path, room: Path) -> subprocess.CompletedProcess[str]:
    """Install from the repository on a Debian without network, and run the program."""
    for part in ("upper", "work", "root"):
        (room / part).mkdir(exist_ok=True)
    script = f"""set -e
      mount --bind {repository} $0/mnt; mount --rbind /proc $0/proc
      rm -rf $0/etc/apt/sources.list*
      echo 'deb [signed-by=/mnt/key.asc] file:///mnt/apt stable main' >$0/etc/apt/sources.list
      chroot $0 apt-get update -o APT::Update::Error-Mode=any -qq
      chroot $0 apt-get install -y -qq --no-install-recommends ecs-anywhere-toolkit
      chroot $0 anywhere --version"""
    lower = str(base("bookworm", "ca-certificates"))
    argv = [
        "unshare",
        "--mount",
        "--net",
        "sh",
        "-c",
        _ENTER,
        "sh",
        lower,
        str(room),
        "sh",
        "-c",
        script,
        str(room / "root"),
    ]
    return subprocess.run(
        argv, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "noninteractive"}
    )


def test_apt_installs_from_it(repository: Path, room: Path) -> None:
    done = apt(repository, room)
    assert done.returncode == 0, done.stderr
    assert "anywhere 0." in done.stdout


def test_apt_refuses_what_was_changed_after_signing(repository: Path, room: Path) -> None:
    changed = room / "changed"
    shutil.copytree(repository, changed)
    index = next(changed.glob("apt/dists/stable/main/binary-amd64/Packages"))
    for path in index.parent.iterdir():
        path.unlink()
    index.write_text("Package: ecs-anywhere-toolkit\nVersion: 9\nArchitecture: amd64\nFilename: pool/x.deb\nSize: 1\n")
    assert apt(changed, room).returncode != 0


@pytest.mark.skipif(not shutil.which("dnf"), reason="dnf is not installed: `make test-package` installs it")
@pytest.mark.parametrize("changed", [False, True])
def test_dnf_reads_it_and_checks_the_signature(repository: Path, room: Path, changed: bool) -> None:
    copy = room / "mirror"
    shutil.copytree(repository, copy)
    if changed:
        with (copy / "rpm/x86_64/repodata/repomd.xml").open("a") as file:
            file.write("<!-- changed -->\n")
    (room / "dnf.conf").write_text(
        f"[main]\nreposdir={room}\ncachedir={room}/cache\nlogdir={room}\npersistdir={room}/persist\n"
        f"[anywhere]\nname=anywhere\nbaseurl=file://{copy}/rpm/x86_64\ngpgkey=file://{copy}/key.asc\nrepo_gpgcheck=1\ngpgcheck=0\n"
    )
    argv = [
        "dnf",
        "-c",
        str(room / "dnf.conf"),
        "--installroot",
        str(room / "target"),
        "--releasever",
        "9",
        "-y",
        "repoquery",
    ]
    done = subprocess.run(
        [*argv, "--repo", "anywhere", "--requires", "ecs-anywhere-toolkit"], capture_output=True, text=True
    )
    if changed:
        assert done.returncode != 0
    else:
        assert done.returncode == 0 and "glibc >= 2.17" in done.stdout


def test_the_same_folder_is_replaced_and_another_never(repository: Path, home: Path, room: Path) -> None:
    assert make(home, str(repository), str(DIST)).returncode == 0
    foreign = room / "foreign"
    foreign.mkdir()
    done = make(home, str(foreign))
    assert (done.returncode, done.stderr) == (2, f"repo.sh: {foreign} exists and is not a repository\n")


def test_without_a_key_nothing_is_made(room: Path) -> None:
    empty = room / "empty"
    empty.mkdir(mode=0o700)
    done = make(empty, str(room / "mirror"), str(room))
    assert done.returncode == 2 and "no secret key" in done.stderr and not (room / "mirror").exists()
