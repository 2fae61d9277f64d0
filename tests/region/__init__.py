"""The embedded AWS region: an AWS region and a server's site in network namespaces on one machine, and their faults.

`Region` brings one up, runs unmodified commands on its host and takes it down; `python -m tests.region --help` is the
same from the shell. `faults` is the table of named faults and healthy variations.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.region.options import Options
    from tests.region.region import Region, RegionError

__all__ = ["Options", "Region", "RegionError"]


_HOMES = {"Options": "options", "Region": "region", "RegionError": "region"}


def __getattr__(name: str) -> Any:
    """Load what is asked for: the programs inside the region share this package and must start fast."""
    if name in _HOMES:
        return getattr(import_module(f"tests.region.{_HOMES[name]}"), name)
    raise AttributeError(name)
