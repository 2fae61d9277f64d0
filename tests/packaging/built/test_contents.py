"""The files of the packages: old enough symbols, hardening, sizes, no trace of the build, and the same in deb and rpm."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.packaging.built.conftest import DIST, INSTALLED, ROOT, package, unpacked

pytestmark = pytest.mark.slow
MIB = 1 << 20


def elf_files(tree: Path) -> list[Path]:
    return [path for path in tree.rglob("*") if path.is_file() and path.read_bytes().startswith(b"\x7fELF")]


def readelf(*arguments: object) -> str:
    return subprocess.run(["readelf", *map(str, arguments)], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("pattern", ["*_amd64.deb", "*_arm64.deb"])
def test_no_file_needs_a_newer_glibc(tmp_path: Path, pattern: str) -> None:
    files = elf_files(unpacked(pattern, tmp_path))
    assert len(files) >= 5
    for path in files:
        versions = re.findall(r"GLIBC_(\d+)\.(\d+)", readelf("-V", path))
        assert max((tuple(map(int, version)) for version in versions), default=(0, 0)) <= (2, 17), path.name


@pytest.mark.parametrize("pattern", ["*_amd64.deb", "*_arm64.deb"])
def test_the_interpreter_is_hardened(tmp_path: Path, pattern: str) -> None:
    program = unpacked(pattern, tmp_path) / INSTALLED / "bin/python3"
    assert re.search(r"Type:\s+DYN", readelf("-h", program))
    segments, dynamic = readelf("-lW", program), readelf("-dW", program)
    assert "GNU_RELRO" in segments and re.search(r"BIND_NOW|FLAGS.*NOW", dynamic)
    assert re.search(r"GNU_STACK.*RW ", segments) and not re.search(r"LOAD.*RWE", segments)
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    allowed = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libutil.so.1", "librt.so.1", "libcrypt.so.1"}
    assert needed <= allowed | {"ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2"}


@pytest.mark.parametrize("pattern", ["*_amd64.deb", "*_arm64.deb"])
def test_sizes(tmp_path: Path, pattern: str) -> None:
    assert package(pattern).stat().st_size <= 22 * MIB
    files = [path for path in unpacked(pattern, tmp_path).rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) <= 60 * MIB


def test_nothing_names_the_folders_of_the_build(tree: Path) -> None:
    cache = os.environ.get("ANYWHERE_CACHE", "/anywhere-packaging/").encode()
    assert [path for path in tree.rglob("*") if path.is_file() and cache in path.read_bytes()] == []


def test_modes_and_owners_are_those_of_a_system_package(deb: Path) -> None:
    rows = subprocess.run(["dpkg-deb", "--contents", str(deb)], capture_output=True, text=True, check=True).stdout
    for row in rows.splitlines():
        mode, owner, *_ = row.split()
        assert mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "lrwxrwxrwx"), row
        assert owner in ("root/root", "0/0"), row


def test_deb_and_rpm_hold_the_same(tree: Path, rpm: Path) -> None:
    listed = subprocess.run(
        ["rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]", str(rpm)], capture_output=True, text=True
    )
    of_rpm = {row.split(" ", 1)[1].lstrip("/") for row in listed.stdout.splitlines() if row.startswith("-")}
    of_deb = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert {name for name in of_deb ^ of_rpm if name.startswith(INSTALLED)} == set()
    assert of_rpm - of_deb == {"usr/share/zsh/site-functions/_anywhere"}


def test_everything_shipped_is_in_the_bill_of_materials(tree: Path) -> None:
    bom = json.loads((tree / "usr/share/doc/ecs-anywhere-toolkit/sbom.cdx.json").read_text())
    named = {re.sub("[-_.]+", "-", part["name"]) for part in bom["components"]} | {"ecs-anywhere-toolkit"}
    infos = {path.name.removesuffix(".dist-info").rpartition("-")[0] for path in tree.rglob("*.dist-info")}
    assert {re.sub("[-_.]+", "-", name.lower()) for name in infos} <= named
    assert "LicenseRef-unknown" not in json.dumps(bom)


def test_checksums_are_those_of_the_files() -> None:
    lines = package("SHA256SUMS").read_text().splitlines()
    for digest, name in (line.split() for line in lines):
        assert hashlib.sha256((DIST / name).read_bytes()).hexdigest() == digest, name
    kinds = {".deb", ".rpm", ".whl", ".gz", ".json", ".zip"}
    assert {Path(line.split()[1]).suffix for line in lines} == kinds


@pytest.mark.soak
def test_lintian_finds_nothing(deb: Path) -> None:
    done = subprocess.run(["lintian", "--fail-on", "error,warning", str(deb)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.soak
def test_rpmlint_finds_nothing(rpm: Path) -> None:
    done = subprocess.run(
        ["rpmlint", "-c", "packaging/rpmlint.toml", str(rpm)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout, done.stdout
    names = subprocess.run(["rpm", "-qpl", str(rpm)], capture_output=True, text=True, check=True).stdout.split()
    assert "/usr/share/man/man1/anywhere.1.gz" in names
