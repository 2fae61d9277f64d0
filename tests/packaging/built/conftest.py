"""What the tests of built packages share. `make package` builds them; without, these tests are skipped and say so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DIST = ROOT / "dist"
INSTALLED = "usr/lib/ecs-anywhere-toolkit"


def package(pattern: str) -> Path:
    """A file of dist/. With ANYWHERE_PACKAGES=required, as `make test-package` sets it, its absence is a failure."""
    found = sorted(DIST.glob(pattern))
    if not found and os.environ.get("ANYWHERE_PACKAGES") == "required":
        pytest.fail(f"dist/ holds no {pattern}: run `make package`")
    if not found:
        pytest.skip(f"dist/ holds no {pattern}: `make package` builds it")
    return found[-1]


def unpacked(pattern: str, folder: Path) -> Path:
    """The tree of a deb."""
    subprocess.run(["dpkg-deb", "--extract", str(package(pattern)), str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def deb() -> Path:
    """The deb for this kind of machine."""
    return package("*_amd64.deb")


@pytest.fixture(scope="session")
def rpm() -> Path:
    """The rpm for this kind of machine."""
    return package("*.x86_64.rpm")


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked deb for x86_64."""
    return unpacked("*_amd64.deb", tmp_path_factory.mktemp("amd64"))


@pytest.fixture(scope="session")
def arm_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked deb for aarch64."""
    return unpacked("*_arm64.deb", tmp_path_factory.mktemp("arm64"))


@pytest.fixture(scope="module")
def home(shared_room: Path) -> Path:
    """A keyring with one key."""
    folder = shared_room / "gnupg"
    folder.mkdir(mode=0o700)
    argv = [
        "gpg",
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-generate-key",
        "Site <site@example.com>",
        "rsa3072",
        "sign",
        "never",
    ]
    subprocess.run(argv, env={**os.environ, "GNUPGHOME": str(folder)}, check=True)
    return folder
