"""`packaging/build.sh` from the cache: signed with a key that is given, and the same bytes whoever builds."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.built.conftest import ROOT

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="builds for x86_64"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
CACHE = Path(os.environ.get("ANYWHERE_CACHE") or Path.home() / ".cache/anywhere-packaging")
# What is made in seconds, from wheels and sources, is made again.
LATE = "wheels- tools- distributions- windows- tree- pages- sbom- packages-"
_AFRESH = """mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$1"
for name in $3; do rm -rf "$1/$name"*; done
exec packaging/build.sh x86_64"""


def build(folder: Path, *enter: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A clone of the last commit, built there; `folder/dist` holds what it made."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder), "ANYWHERE_CACHE": str(CACHE), "CACHED_ONLY": "1"}
    argv = [*enter] or ["packaging/build.sh", "x86_64"]
    done = subprocess.run(argv, cwd=folder, env={**plain, **environment}, capture_output=True, text=True)
    if done.returncode == 75:
        pytest.skip(f"the interpreter is not in {CACHE}: `make package` compiles it")
    return done


@pytest.fixture(scope="module")
def signed(home: Path, shared_room: Path) -> Path:
    """The folder of packages that were signed, and the public key beside them."""
    secret = shared_room / "secret.asc"
    environment = {**os.environ, "GNUPGHOME": str(home)}
    for words, file in ((("--export-secret-keys",), secret), (("--export",), shared_room / "public.asc")):
        argv = ["gpg", "--batch", "--armor", "--output", str(file), *words]
        subprocess.run(argv, env=environment, check=True, capture_output=True)
    done = build(shared_room / "signed", SIGNING_KEY_FILE=str(secret))
    assert done.returncode == 0, done.stderr
    shutil.copy(shared_room / "public.asc", shared_room / "signed/dist")
    return shared_room / "signed/dist"


def test_rpm_verifies_the_signature(signed: Path, room: Path) -> None:
    (package,) = signed.glob("*.x86_64.rpm")
    verify = ["rpm", "--dbpath", str(room), "--checksig", str(package)]
    assert subprocess.run(verify, capture_output=True).returncode != 0  # signed, by nobody that is known
    subprocess.run(["rpm", "--dbpath", str(room), "--import", str(signed / "public.asc")], check=True)
    done = subprocess.run(verify, capture_output=True, text=True)
    assert done.returncode == 0 and "signatures OK" in done.stdout


@pytest.mark.parametrize("changed", [False, True], ids=["as-built", "changed"])
def test_the_signature_of_the_deb_is_over_its_three_parts(signed: Path, room: Path, changed: bool) -> None:
    (package,) = signed.glob("*_amd64.deb")
    subprocess.run(["ar", "x", str(package)], cwd=room, check=True)
    parts = [(room / "debian-binary").read_bytes()]
    parts += [path.read_bytes() for kind in ("control", "data") for path in room.glob(f"{kind}.tar*")]
    assert len(parts) == 3
    ring = room / "ring.gpg"
    subprocess.run(["gpg", "--dearmor", "--output", str(ring), str(signed / "public.asc")], check=True)
    argv = ["gpgv", "--keyring", str(ring), str(room / "_gpgorigin"), "-"]
    done = subprocess.run(argv, input=b"".join(parts) + b"x" * changed, capture_output=True)
    assert (done.returncode == 0) is not changed, done.stderr.decode()


def test_a_key_that_is_none_stops_the_build(room: Path) -> None:
    wrong = room / "wrong.asc"
    wrong.write_text("no key\n")
    done = build(room / "clone", SIGNING_KEY_FILE=str(wrong))
    assert done.returncode == 1 and "packages-x86_64 failed" in done.stderr


def test_two_builds_are_the_same_byte_for_byte(room: Path) -> None:
    """In two folders, at two times, with wheels that were fetched twice; compiling again is left to the bench."""
    made = []
    for number in (1, 2):
        own = room / f"own{number}"
        for part in ("upper", "work"):
            (own / part).mkdir(parents=True)
        enter = ("unshare", "--mount", "sh", "-ec", _AFRESH, "sh", str(CACHE), str(own), LATE)
        done = build(room / f"clone{number}", *enter)
        assert done.returncode == 0, done.stderr
        made.append({path.name: path.read_bytes() for path in (room / f"clone{number}/dist").iterdir()})
    assert made[0].keys() == made[1].keys() and len(made[0]) >= 7
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []
