"""The installed program: isolated from the host's Python, independent of the environment, and healthy in the region."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.built.conftest import INSTALLED, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
# A mount namespace in which the package is installed: its files over this machine's own.
_INSTALLED = """
set -e
mount -t overlay overlay -o lowerdir="$TREE/usr":/usr /usr
cd "$AT"
exec "$@"
"""


@pytest.fixture(scope="module")
def python(tree: Path) -> Path:
    return tree / INSTALLED / "bin/python3"


def anywhere(tree: Path, *arguments: str, at: str = "/", **environment: str) -> subprocess.CompletedProcess[str]:
    """`/usr/bin/anywhere` of the package, in an empty environment."""
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", _INSTALLED, "sh", "env", "-u", "TREE", "-u", "AT", "anywhere", *arguments],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TREE": str(tree), "AT": at, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose modules would take over any program that looks for modules there."""
    for name in ("typer", "os", "json", "encodings", "sitecustomize", "anywhere"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken over')\n")
    return tmp_path


def test_the_version(tree: Path) -> None:
    done = anywhere(tree, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("anywhere ")


def test_neither_folder_nor_environment_takes_it_over(tree: Path, hostile: Path) -> None:
    names = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONPLATLIBDIR")
    done = anywhere(tree, "--version", at=str(hostile), HOME=str(hostile), **dict.fromkeys(names, str(hostile)))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("environment", [{}, {"LANG": "C"}, {"LC_ALL": "de_DE.ISO-8859-1"}, {"HOME": "/nonexistent"}])
def test_it_runs_in_any_environment(tree: Path, environment: dict[str, str]) -> None:
    done = anywhere(tree, "explain", "tls.expired", **environment)
    assert (done.returncode, done.stderr) == (0, "") and "tls.expired" in done.stdout


def test_it_writes_nothing_beside_its_modules(tree: Path) -> None:
    before = sorted(tree.rglob("*"))
    anywhere(tree, "taskdef", "--help")
    anywhere(tree, "endpoints", "--region", "eu-west-1")
    assert sorted(tree.rglob("*")) == before


def test_a_healthy_host_is_ready(python: Path) -> None:
    argv = [sys.executable, "-m", "tests.region", "--", str(python), "-I", "-B", "-m", "anywhere", "check"]
    done = subprocess.run(
        [*argv, "--region", "us-east-1", "--format", "json"], cwd=ROOT, capture_output=True, text=True
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (0, "ready"), [t["causes"] for t in report["targets"]]


def seconds(python: Path, *arguments: str) -> Iterator[float]:
    for _ in range(7):
        began = time.monotonic()
        subprocess.run([str(python), "-I", "-B", "-m", "anywhere", *arguments], capture_output=True, check=True)
        yield time.monotonic() - began


@pytest.mark.soak
@pytest.mark.parametrize(("arguments", "most"), [(("--version",), 0.10), (("check", "--help"), 0.25)])
def test_start_with_a_warm_cache(python: Path, arguments: tuple[str, ...], most: float) -> None:
    assert min(seconds(python, *arguments)) <= most


def test_what_it_reads_of_libraries(python: Path) -> None:
    code = (
        "import ssl, lzma, bz2, zlib, ctypes, pwd, psutil, asyncssh, yaml, xml.etree.ElementTree as e, openpgp.composed;"
        "from anywhere.hosts.probe.go.long_chains import allow;"
        "assert allow(ssl.create_default_context()); assert e.fromstring('<a/>').tag == 'a';"
        "assert pwd.getpwuid(0).pw_name == 'root'; assert psutil.Process().pid; assert yaml.__with_libyaml__"
    )
    done = subprocess.run([str(python), "-I", "-B", "-c", code], env={}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
