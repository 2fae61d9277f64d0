"""Several names by one process of the far side: which are asked together, and whose answer is whose. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from anywhere.frozen import frozen
from anywhere.hosts.base import RANDOM_LABEL
from anywhere.hosts.ssh import script

MOST = 12  # names of one process: it asks them in turn
SOON = 0.15  # seconds after which a resolver is slow: then it is asked for all at once, and needs all the time there is
FEW = 3  # names that are asked one by one in any case


@frozen
class Plan:
    """How names are asked: the first by itself, which tells whether the resolver is slow, and the others in groups."""

    first: str
    groups: tuple[tuple[str, ...], ...]

    @property
    def lines(self) -> list[str]:
        """The lines of the far side's script."""
        return script.names_lines(self.first, self.groups, SOON)

    def of(self, key: str) -> tuple[str, ...]:
        """The names of a record for several; none for one of a single name."""
        together = (*self.groups, (self.first, *(name for group in self.groups for name in group)))
        return next((names for names in together if len(names) > 1 and " ".join(names) == key), ())


def planned(names: Sequence[str]) -> Plan | None:
    """None for few names. `getent` does not say which of several has no address: so the first is the one that nobody
    publishes, if it is among them."""
    if len(names) <= FEW or any(name.split() != [name] for name in names):
        return None
    first, *rest = sorted(names, key=lambda name: not name.startswith(RANDOM_LABEL))
    count = math.ceil(len(rest) / MOST)
    return Plan(first, tuple(tuple(rest[place::count]) for place in range(count)))


def divided(names: Sequence[str], text: str) -> Mapping[str, str]:
    """What `getent ahosts` wrote of all these names, by name; empty where it is not certain whose is whose.

    The canonical name, which may be another, stands behind the first address of each:
    ```
    10.0.0.1        STREAM d111.cloudfront.net
    10.0.0.1        DGRAM
    ```
    """
    parts: list[list[str]] = []
    for line in text.splitlines():
        if len(line.split()) > 2:
            parts.append([])
        if parts:
            parts[-1].append(line)
    return dict(zip(names, map("\n".join, parts), strict=True)) if len(parts) == len(names) else {}
