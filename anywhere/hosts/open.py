"""From a SPEC to a host: `local`, `[user@]host[:port]`, or the path of a bundle."""

from __future__ import annotations

import os

from anywhere.hosts.base import Deadline
from anywhere.hosts.bundle import replay
from anywhere.hosts.local import LocalHost
from anywhere.hosts.recording import Recording

BUNDLES = (".json", ".json.gz")


def open_recorded(spec: str, budget: float) -> Recording:
    """A host to judge. Raises BadInput or HostUnreachable."""
    if is_bundle(spec):
        return replay(spec)
    return Recording(LocalHost(Deadline(budget), budget))


def is_bundle(spec: str) -> bool:
    """Whether a SPEC names a saved bundle."""
    return spec.endswith(BUNDLES) or os.path.isfile(spec)
