"""`manifest.json`: what a folder of artifacts holds, with hashes and who vouched for each file when it was fetched.

The manifest is a list, not a proof: every signature is verified again before a package is used.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict

from anywhere.errors import BadInput
from anywhere.files import open_input
from anywhere.frozen import frozen

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
        body = json.loads(data)
        if body["schema"] != SCHEMA:
            raise ValueError("another schema")
        rows = tuple(Artifact(**row) for row in body["artifacts"])
        found = Manifest(body["region"], body["arch"], body["kind"], body["fetched"], rows)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is damaged or from another version ({type(error).__name__}): fetch again") from None
    _require_plain_names(rows, path)
    return found


def _require_plain_names(rows: Sequence[Artifact], path: str) -> None:
    for row in rows:
        for name in (row.name, row.signature):
            if not (isinstance(name, str) and _SAFE.fullmatch(name)):
                raise BadInput(f"{path}: {str(name)[:60]!r} is not a plain file name")
