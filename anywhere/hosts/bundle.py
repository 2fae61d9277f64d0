"""Bundles: what was observed on one host, as one JSON file (gzip when its name ends in .gz)."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

from anywhere import __version__
from anywhere.errors import BadInput
from anywhere.hosts.recording import Recording

SCHEMA = "anywhere/bundle/1"
LARGEST = 256 * 1024 * 1024  # bytes, unpacked


def save(recording: Recording, path: str, captured: str, settings: dict[str, Any]) -> None:
    """Write a bundle in one piece (a temporary file, then a rename). Raises BadInput where it cannot be written."""
    body = {
        "schema": SCHEMA,
        "tool": {"name": "anywhere", "version": __version__},
        "host": recording.name,
        "captured": captured,
        "settings": settings,
        "observations": recording.observations(),
    }
    data = json.dumps(body, indent=1, sort_keys=True).encode()
    write_file(path, gzip.compress(data, mtime=0) if path.endswith(".gz") else data)


def write_file(path: str, data: bytes) -> None:
    """Write a file whole or not at all. Raises BadInput with the reason."""
    target = Path(path)
    scratch = target.parent / f".{target.name}.{os.getpid()}"
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        with open(scratch, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, target)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from error


def load(path: str) -> dict[str, Any]:
    """A bundle's content, checked. Raises BadInput: unreadable, cut off, of another schema, of a newer version."""
    try:
        data = Path(path).read_bytes()
        if data[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise BadInput(f"{path}: larger than a bundle can be")
        body = json.loads(data)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise BadInput(f"{path}: the file is cut off or damaged: copy it again") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: not a bundle saved by `anywhere check --save`") from error
    return _checked(path, body)


def _checked(path: str, body: Any) -> dict[str, Any]:
    schema = body.get("schema") if isinstance(body, dict) else None
    if not isinstance(schema, str) or not schema.startswith("anywhere/bundle/"):
        raise BadInput(f"{path}: not a bundle saved by `anywhere check --save`")
    if schema != SCHEMA:
        raise BadInput(f"{path}: {schema} comes from another version of anywhere; this one reads {SCHEMA}")
    if not isinstance(body.get("observations"), dict) or not isinstance(body.get("settings", {}), dict):
        raise BadInput(f"{path}: the bundle has no observations: save it anew")
    checked: dict[str, Any] = body
    return checked


def replay(path: str) -> Recording:
    """The host of a bundle."""
    body = load(path)
    return Recording(None, body["observations"], str(body.get("host") or path))
