"""Other versions of the region's stand-in package of the ECS agent, signed as the first one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from anywhere.artifacts.manifest import Artifact, Manifest, read_manifest, write_manifest
from anywhere.artifacts.verify import sha256
from anywhere.catalogue.signing_keys import ECS
from tests.region.packages.keys import sign

# An agent that is installed and never comes up.
BROKEN = "#!/bin/sh\nexit 1\n"


def newer(artifacts: Path, folder: Path, version: str, program: str = "") -> Path:
    """A folder of artifacts whose ECS package has this version, and this ecs-init where one is given."""
    shutil.copytree(artifacts, folder)
    manifest = read_manifest(str(folder))
    row = next(one for one in manifest.artifacts if one.package == ECS)
    tree, path = folder / "tree", folder / row.name
    subprocess.run(["dpkg-deb", "-R", str(path), str(tree)], check=True)
    control = tree / "DEBIAN/control"
    lines = [
        f"Version: {version}" if line.startswith("Version:") else line for line in control.read_text().splitlines()
    ]
    control.write_text("\n".join(lines) + "\n")
    if program:
        (tree / "usr/libexec/amazon-ecs-init").write_text(program)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", str(tree), str(path)], check=True, capture_output=True
    )
    shutil.rmtree(tree)
    sign(path, folder / row.signature, armor=True)
    made = Artifact(ECS, row.name, row.signature, sha256(str(path)), path.stat().st_size)
    rows = tuple(made if one.package == ECS else one for one in manifest.artifacts)
    write_manifest(str(folder), Manifest(manifest.region, manifest.arch, manifest.kind, manifest.fetched, rows))
    return folder
