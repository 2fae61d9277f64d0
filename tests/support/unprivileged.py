"""The program for a user who cannot read this folder: root's clone is under /root, or was made with umask 077."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def readable_copy(folder: Path, *packages: str) -> dict[str, str]:
    """Copy packages of this repository with all that they import; the environment in which every user can run them."""
    folder.mkdir(exist_ok=True)
    for package in packages:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "cases"))
    for name in sorted(_required("ecs-anywhere-toolkit") - {"ecs-anywhere-toolkit"}):
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = folder / "lib" / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": f"{folder}:{folder}/lib"}


def python() -> str:
    """An interpreter of this version that every user can start."""
    own = Path(os.path.realpath(sys.executable))
    if all(parent.stat().st_mode & 0o001 for parent in own.parents):
        return str(own)
    return f"/usr/bin/python3.{sys.version_info.minor}"


def _required(name: str) -> set[str]:
    """The names of a distribution and of all that it requires here, without extras."""
    found: set[str] = set()
    open_names = [name]
    while open_names:
        found.add(one := open_names.pop())
        open_names += [required for required in _requires(one) if required not in found]
    return found


def _requires(name: str) -> Iterator[str]:
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name
