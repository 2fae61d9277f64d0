"""Holds the lock files against pyproject.toml and against what is installed: `python -m tests.tools.lock`.

Says nothing about known vulnerabilities: `make audit` asks PyPI for them, and needs its advisories.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "requirements"
# What a virtual environment brings along, and this project itself.
UNLOCKED = {"pip", "ecs-anywhere-toolkit"}
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(text: str) -> list[str]:
    """The entries of a requirements file, continued lines joined, comments left out."""
    plain = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [entry.strip() for entry in "\n".join(plain).replace("\\\n", " ").splitlines() if entry.strip()]


def pins(text: str) -> tuple[dict[str, Requirement], list[str]]:
    """The locked packages by name, and a line for each entry that is not exactly one version with its hashes."""
    found: dict[str, Requirement] = {}
    wrong = []
    for entry in entries(text):
        head = entry.partition("--hash")[0].strip()
        try:
            one = Requirement(head)
        except InvalidRequirement:
            wrong.append(f"not a package: {head[:80]}")
            continue
        operators = [specifier.operator for specifier in one.specifier]
        if operators != ["=="] or one.url or not _HASH.search(entry):
            wrong.append(f"not one version with its hashes: {head}")
        found[canonicalize_name(one.name)] = one
    return found, wrong


def missing(wanted: list[str], locked: Mapping[str, Requirement]) -> Iterator[str]:
    """Requirements of the project that the lock does not fulfill."""
    for requirement in map(Requirement, wanted):
        found = locked.get(canonicalize_name(requirement.name))
        if found is None:
            yield f"{requirement} is not locked"
        elif not requirement.specifier.contains(_version(found), prereleases=True):
            yield f"{requirement} is required, {_version(found)} is locked"


def differs(locked: Mapping[str, Requirement], installed: Mapping[str, str]) -> Iterator[str]:
    """Where an environment is not what the lock says."""
    for name, one in locked.items():
        if (one.marker is None or one.marker.evaluate()) and installed.get(name) != _version(one):
            yield f"{one.name} {_version(one)} is locked, {installed.get(name, 'none')} is installed"
    for name in sorted(set(installed) - set(locked) - UNLOCKED):
        yield f"{name} {installed[name]} is installed, and not locked"


def _version(one: Requirement) -> str:
    return next(iter(one.specifier)).version


def problems() -> list[str]:
    """Everything that is wrong with the lock files here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    dev, found = pins((FOLDER / "dev.txt").read_text())
    release, more = pins((FOLDER / "release.txt").read_text())
    found += more
    found += missing(
        [text for group in ([project["dependencies"]], extras.values()) for part in group for text in part], dev
    )
    found += missing([*project["dependencies"], *extras["ssh"], *extras["aws"]], release)
    found += [f"{name} is locked in two versions" for name in release if _version(release[name]) != _version(dev[name])]
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in distributions()}
    return [*found, *differs(dev, installed)]


def main() -> int:
    """Print what is wrong; 1 when anything is."""
    found = problems()
    for line in found:
        print(f"lock: {line}", file=sys.stderr)
    if found:
        print("lock: run `make lock` after a change of pyproject.toml, then `make lint`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
