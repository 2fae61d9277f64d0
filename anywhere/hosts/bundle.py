"""Bundles: what was observed on one host, as one JSON file (gzip when its name ends in .gz)."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import stat
import zlib
from typing import Any

from anywhere import __version__
from anywhere.documents.json import parse_record
from anywhere.errors import BadInput, ParseError
from anywhere.files import write_file
from anywhere.hosts.codec import decode
from anywhere.hosts.recording import Recording
from anywhere.settings import Settings
from anywhere.windows import O_NONBLOCK

SCHEMA = "anywhere/bundle/1"
LARGEST = 64 * 1024 * 1024  # bytes, unpacked: a hundred times what a host with many rules gives
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?")


def save(recording: Recording, path: str, captured: str, settings: dict[str, object]) -> None:
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


def load(path: str) -> dict[str, Any]:
    """A bundle's content, checked. Raises BadInput: unreadable, cut off, of another schema, of a newer version."""
    try:
        data = _bytes(path)
        if len(data) > LARGEST:
            raise BadInput(f"{path}: larger than a bundle can be ({LARGEST >> 20} MiB)")
        body = parse_record(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{path}: the file is cut off or damaged: copy it again") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except ParseError as error:
        raise BadInput(f"{path}: not JSON: not a bundle saved by `anywhere check --save`") from error
    return _checked(path, body)


def _bytes(path: str) -> bytes:
    """The unpacked content, or a little more than a bundle may have. Raises OSError, EOFError, zlib.error."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a file")
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not packed:
            return file.read(LARGEST + 1)
        with gzip.open(file) as content:
            return content.read(LARGEST + 1)


def _checked(path: str, body: Any) -> dict[str, Any]:
    schema = body.get("schema") if isinstance(body, dict) else None
    if not isinstance(schema, str) or not schema.startswith("anywhere/bundle/"):
        raise BadInput(f"{path}: not a bundle saved by `anywhere check --save`")
    if schema != SCHEMA:
        raise BadInput(f"{path}: {schema[:40]} comes from another version of anywhere; this one reads {SCHEMA}")
    if not isinstance(body.get("observations"), dict):
        raise BadInput(f"{path}: the bundle has no observations: save it anew")
    checked: dict[str, object] = {"host": path, "captured": "", "settings": {}, **body}
    host, moment = checked["host"], checked["captured"]
    if not (isinstance(host, str) and host.isprintable() and _MOMENT.fullmatch(str(moment))):
        raise BadInput(f"{path}: the bundle's host or time is damaged: save it anew")
    try:
        decode(Settings, checked["settings"])
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return checked


def looks_like_bundle(path: str) -> bool:
    """Whether a file is one by its content, whatever its name and however damaged."""
    try:
        data = _bytes(path)
    except (EOFError, zlib.error, OSError):
        return False
    return data.lstrip()[:1] == b"{" and b'"anywhere/bundle/' in data


def replay(path: str) -> Recording:
    """The host of a bundle."""
    body = load(path)
    return Recording(None, body["observations"], body["host"] or path)
