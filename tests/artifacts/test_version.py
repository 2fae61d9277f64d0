"""The version of a package, read without its package manager."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from anywhere.artifacts.manifest import SCHEMA, parse_manifest
from anywhere.artifacts.version import package_version
from anywhere.errors import BadInput
from tests.region.packages.build import packages


def rpm(tags: dict[int, str], padded: int = 4) -> bytes:
    """A file with the lead, a signature header of a length that needs padding, and a header."""

    def header(values: dict[int, str]) -> bytes:
        store, index = b"", b""
        for tag, text in values.items():
            index += struct.pack(">IIII", tag, 6, len(store), 1)
            store += text.encode() + b"\0"
        return b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">II", len(values), len(store)) + index + store

    signature = header({269: "x" * (padded - 1)})
    return b"\xed\xab\xee\xdb".ljust(96, b"\0") + signature + bytes(-padded % 8) + header(tags)


def test_a_deb() -> None:
    assert package_version(str(packages() / "ecs/amazon-ecs-init-latest.amd64.deb")) == "1.105.1-1"


@pytest.mark.parametrize("padded", [1, 4, 8, 13])
def test_an_rpm(tmp_path: Path, padded: int) -> None:
    path = tmp_path / "a.rpm"
    path.write_bytes(rpm({1000: "amazon-ecs-init", 1001: "1.105.1", 1002: "1.el9"}, padded))
    assert package_version(str(path)) == "1.105.1-1.el9"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"!<arch>\n",
        b"!<arch>\n" + b"x" * 60,
        rpm({1001: "1"}),
        rpm({})[:120],
        b"!<arch>\n" + b" " * 200,
    ],
)
def test_what_is_no_package(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="version"):
        package_version(str(path))


MANIFEST = {"schema": SCHEMA, "region": "eu-west-1", "arch": "x86_64", "kind": "deb", "fetched": "", "artifacts": []}
ROW = {"package": "p", "name": "p.deb", "signature": "p.deb.asc", "sha256": "0", "size": 1}


@pytest.mark.parametrize(
    "changed",
    [
        *({"artifacts": [{**ROW, name: value}]} for name, value in (("size", "1"), ("size", None), ("name", 5), ("key", []))),
        {"artifacts": [{}]},
        {"artifacts": "x"},
        {"region": 5},
        {"schema": "anywhere/artifacts/0"},
        {"kind": json.loads("[" * 100 + "]" * 100)},
    ],
)  # fmt: skip
def test_a_damaged_manifest_is_refused(changed: dict[str, object]) -> None:
    whole = json.dumps({**MANIFEST, "artifacts": [ROW]}).encode()
    assert parse_manifest(whole, "m").artifacts[0].size == 1
    with pytest.raises(BadInput, match="m is damaged or from another version"):
        parse_manifest(json.dumps({**MANIFEST, **changed}).encode(), "m")
