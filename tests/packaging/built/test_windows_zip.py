"""The wheels for Windows: pip finds all that it needs among them, for each Python that README.txt names."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.built.conftest import package

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_pip_installs_from_it_without_internet(tmp_path: Path, python: str) -> None:
    with zipfile.ZipFile(package("*-windows-amd64.zip")) as archive:
        archive.extractall(tmp_path / "zip")
    (folder,) = (tmp_path / "zip").iterdir()
    readme = (folder / "README.txt").read_bytes()
    assert python.encode() in readme and readme.count(b"\n") == readme.count(b"\r\n")
    names = {re.sub("[-_.]+", "-", path.name.split("-")[0]) for path in folder.glob("*.whl")}
    assert "colorama" in names  # pip here reads the marks of this system, which does without
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--isolated", "--no-index", "--find-links", str(folder)]
    argv += ["--only-binary", ":all:", "--platform", "win_amd64", "--python-version", python, "--implementation", "cp"]
    done = subprocess.run(
        [*argv, "--target", str(tmp_path / "target"), "ecs-anywhere-toolkit[ssh,aws]"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "target/anywhere/__main__.py").exists()
