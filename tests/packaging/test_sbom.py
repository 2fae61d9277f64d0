"""The bill of materials: every part with its version, license and hash, and the same bytes for the same build."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def wheel(folder: Path, name: str, *meta: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join((f"Name: {name}", "Version: 1.0", *meta, "", "text")))
    return path


def bom(wheels: Path, interpreter: Path = ROOT / "packaging/sources.lock") -> str:
    argv = [
        sys.executable,
        str(ROOT / "packaging/generate/sbom.py"),
        "0.1.0",
        "1700000000",
        "x86_64",
        str(wheels),
        str(interpreter),
    ]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def parts(text: str) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in json.loads(text)["components"]}


@pytest.mark.parametrize(
    ("meta", "license"),
    [
        ("License-Expression: MIT-0", "MIT-0"),
        ("License: ISC License", "ISC"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("License: a text\n over lines", "LicenseRef-unknown"),
        ("Summary: nothing of a license", "LicenseRef-unknown"),
    ],
)
def test_the_license_of_a_wheel_is_an_spdx_expression(tmp_path: Path, meta: str, license: str) -> None:
    wheel(tmp_path, "some", meta)
    assert parts(bom(tmp_path))["some"]["licenses"] == [{"expression": license}]


def test_every_part_has_version_and_hash(tmp_path: Path) -> None:
    path = wheel(tmp_path, "some", "License-Expression: MIT")
    found = parts(bom(tmp_path))
    assert {"python3.13", "openssl", "expat", "some"} <= set(found)
    assert found["some"]["hashes"][0]["content"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(part["version"] and part["licenses"] and part["purl"] for part in found.values())
    assert {name for name, part in found.items() if "hashes" not in part} == {"expat", "libmpdec"}


def test_the_same_build_gives_the_same_file(tmp_path: Path) -> None:
    wheel(tmp_path, "some", "License-Expression: MIT")
    first = bom(tmp_path)
    assert first == bom(tmp_path)
    wheel(tmp_path, "other", "License-Expression: MIT")
    assert json.loads(bom(tmp_path))["serialNumber"] != json.loads(first)["serialNumber"]


def test_a_ready_interpreter_stands_in_place_of_the_sources(tmp_path: Path) -> None:
    archive = tmp_path / "cpython-3.13.9-x86_64.tar.gz"
    archive.write_bytes(b"archive")
    found = parts(bom(tmp_path, archive))
    assert list(found) == ["python"]
    assert found["python"]["hashes"][0]["content"] == hashlib.sha256(b"archive").hexdigest()
