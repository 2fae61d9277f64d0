"""`manifest.json`: what a folder of artifacts holds, with hashes and who vouched for each file when it was fetched.

The manifest is a list, not a proof: every signature is verified again before a package is used.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict

from anywhere.documents.json import parse_record
from anywhere.errors import BadInput, ParseError
from anywhere.files import open_input
from anywhere.frozen import frozen
from anywhere.hosts.codec import decode

SCHEMA = "anywhere/artifacts/1"
NAME = "manifest.json"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,200}")


@frozen
class Artifact:
    """One package: file names without folders, size in bytes, fingerprint and source of the key that vouched."""

    package: str
    name: str
    signature: str
    sha256: str
    size: int
    url: str = ""
    key: str = ""
    key_source: str = ""


@frozen
class Manifest:
    """What was fetched, for which region, processor (kernel's name) and format (`deb` or `rpm`)."""

    region: str
    arch: str
    kind: str
    fetched: str
    artifacts: tuple[Artifact, ...]


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Write it whole or not at all."""
    path = os.path.join(folder, NAME)
    body = json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=2) + "\n"
    try:
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from None


def read_manifest(folder: str) -> Manifest:
    """The manifest of a folder. Raises BadInput for a folder without one, or one that is damaged."""
    path = os.path.join(folder, NAME)
    try:
        with open_input(path) as file:
            return parse_manifest(file.read(1 << 20), path)
    except FileNotFoundError:
        raise BadInput(f"{folder} holds no {NAME}: fill it with `anywhere artifacts fetch --to {folder}`") from None
    except NotADirectoryError:
        raise BadInput(f"{folder} is not a folder: name the one that `anywhere artifacts fetch` filled") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None


def parse_manifest(data: bytes, path: str) -> Manifest:
    """The text of a manifest. Raises BadInput."""
    try:
        body = parse_record(data)
        if not isinstance(body, dict) or body.get("schema") != SCHEMA:
            raise ParseError("another schema")
        found = decode(Manifest, body)
    except BadInput:
        raise BadInput(f"{path} is damaged or from another version: fetch again") from None
    assert isinstance(found, Manifest)
    _require_plain_names(found.artifacts, path)
    return found


def _require_plain_names(rows: Sequence[Artifact], path: str) -> None:
    for row in rows:
        for name in (row.name, row.signature):
            if not (isinstance(name, str) and _SAFE.fullmatch(name)):
                raise BadInput(f"{path}: {str(name)[:60]!r} is not a plain file name")
