"""Which hosts a run is for, how to reach them, and what each word that names one stands for."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from anywhere.errors import BadInput
from anywhere.hosts.open import BUNDLES, HOST_SECONDS, is_bundle
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target
from anywhere.inventory import Entry

PARALLEL = 16
CHANGE_SECONDS = 300.0  # for one host, from login to the last step


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts in the order of the report, how to log in, how many at once, and the seconds that each may take.

    `given` is whether any was named: this host is meant where none was.
    """

    entries: tuple[Entry, ...]
    ssh: SSHOptions = field(default_factory=SSHOptions)
    parallel: int = PARALLEL
    seconds: float = HOST_SECONDS
    given: bool = False

    def also(self, specs: Sequence[str]) -> Hosts:
        """These hosts and more. Raises BadInput for what is none."""
        more = [entry for spec in specs for entry in named(spec)]
        return replace(self, entries=once([*(self.entries if self.given else ()), *more]), given=True) if more else self


def seconds_for(hosts: Hosts) -> float:
    """What one host may take: a change takes longer than a look, unless the caller has set a limit."""
    return CHANGE_SECONDS if hosts.seconds == HOST_SECONDS else hosts.seconds


def once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.name, entry)
    return tuple(first.values())


def named(spec: str) -> tuple[Entry, ...]:
    """What one `--host` stands for: a host, a bundle, or all bundles of a folder or a pattern."""
    if spec == "local":
        return (Entry(spec, spec),)
    if os.path.isdir(spec):
        paths = sorted(os.path.join(spec, name) for name in os.listdir(spec) if name.endswith(BUNDLES))
        return tuple(Entry(path, path) for path in _some(spec, paths))
    if any(mark in spec for mark in "*?") and spec.endswith(BUNDLES):
        return tuple(Entry(path, path) for path in _some(spec, sorted(glob.glob(spec))))
    if is_bundle(spec):
        return (Entry(spec, spec),)
    target: SSHTarget = parse_target(spec)
    return (Entry(str(target), target),)


def titles(entries: Sequence[Entry]) -> dict[str, str]:
    """What a report on many hosts calls bundles that were saved as `local`: their files' names, or their paths where
    two files have one name."""
    files = {e.name: _stem(e.name) for e in entries if isinstance(e.spec, str) and is_bundle(e.spec)}
    counted = Counter(files.values())
    return {path: stem if counted[stem] == 1 else path for path, stem in files.items()}


def _stem(path: str) -> str:
    return os.path.basename(path).removesuffix(".gz").removesuffix(".json")


def _some(spec: str, paths: list[str]) -> list[str]:
    if not paths:
        raise BadInput(f"{spec}: no saved bundle there (*.json, *.json.gz)")
    return paths
