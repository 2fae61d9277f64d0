"""The software bill of materials of the packages, CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/).

`sbom.py VERSION EPOCH ARCH WHEELS SOURCES-LOCK`, or in place of the lock a ready interpreter archive. The serial number is
made from the content, so that the same build gives the same file.
"""

from __future__ import annotations

import email
import hashlib
import json
import sys
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_NAME = "ecs-anywhere-toolkit"
_CLASSIFIERS = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
}
# What wheels state in the old field, in words of their own, and what only their license file states.
_SPELLED = {"Apache Software License": "Apache-2.0", "ISC License": "ISC", "MIT License": "MIT"}
_BY_FILE = {"python-dateutil": "Apache-2.0 OR BSD-3-Clause", "rpgp-py": "MIT"}


def bom(version: str, epoch: int, arch: str, wheels: Path, interpreter: Path) -> dict[str, Any]:
    """The document. `interpreter` is the lock of source packages or an interpreter archive."""
    parts = [*(_sources(interpreter) if interpreter.suffix == ".lock" else _archive(interpreter))]
    parts += [_wheel(path) for path in sorted(wheels.glob("*.whl"))]
    digest = hashlib.sha256(json.dumps([version, epoch, arch, parts], sort_keys=True).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": _NAME,
                "name": _NAME,
                "version": version,
                "licenses": _license("Apache-2.0"),
                "properties": [{"name": "architecture", "value": arch}],
            },
        },
        "components": parts,
        "dependencies": [{"ref": _NAME, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def _license(expression: str) -> list[dict[str, Any]]:
    return [{"expression": expression}]


def _component(name: str, version: str, purl: str, license: str, sha256: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": _license(license),
        **({"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}),
    }


def _sources(lock: Path) -> Iterator[dict[str, Any]]:
    rows = [line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    for name, version, license, sha256 in rows:
        if len(sha256) < 64:  # the package that holds it
            yield _component(name, version, f"pkg:generic/{name}@{version}?bundled-in={sha256}", license, "")
            continue
        purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch=source&distro=trixie"
        yield _component(name, version, purl, license, sha256)


def _archive(path: Path) -> Iterator[dict[str, Any]]:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    yield _component("python", path.name, f"pkg:generic/python?checksum=sha256:{sha256}", "PSF-2.0", sha256)


def _wheel(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        meta = email.message_from_bytes(wheel.read(name))
    name, version = meta["Name"].lower(), meta["Version"]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return _component(name, version, f"pkg:pypi/{name}@{version}", _license_of(meta), sha256)


def _license_of(meta: email.message.Message) -> str:
    """An SPDX expression, or LicenseRef-unknown."""
    said = _BY_FILE.get(meta["Name"]) or (meta["License-Expression"] or meta["License"] or "").strip()
    said = _SPELLED.get(said, said)
    if said and len(said) < 60 and "\n" not in said:
        return said
    known = [_CLASSIFIERS[one] for one in meta.get_all("Classifier", []) if one in _CLASSIFIERS]
    return " OR ".join(known) or "LicenseRef-unknown"


if __name__ == "__main__":
    version, epoch, arch, wheels, interpreter = sys.argv[1:]
    document = bom(version, int(epoch), arch, Path(wheels), Path(interpreter))
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
