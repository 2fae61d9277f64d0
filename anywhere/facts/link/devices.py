"""The devices under a card.

Source: kernel Documentation/ABI/testing/sysfs-class-net (lower_*).
"""

from __future__ import annotations

from anywhere.errors import NotRecorded
from anywhere.facts.files import list_folder
from anywhere.hosts.base import Host

FOLDER, LOWER = "/sys/class/net", "lower_"
DEPTH = 4  # a VLAN on a bridge on a bond of cards


def below(host: Host, device: str) -> tuple[str, ...]:
    """The devices that a card's packets pass under it: ports of a bridge, members of a bond, the card of a VLAN."""
    found: dict[str, None] = {}
    level = [device]
    for _ in range(DEPTH):
        level = [name for one in level for name in _lower(host, one) if name not in found]
        found |= dict.fromkeys(level)
    return tuple(found)


def is_bridge(host: Host, device: str) -> bool:
    """Whether a card is a bridge."""
    return "brif" in _folder(host, f"{FOLDER}/{device}")


def _lower(host: Host, device: str) -> list[str]:
    names = _folder(host, f"{FOLDER}/{device}")
    return sorted(name.removeprefix(LOWER) for name in names if name.startswith(LOWER))


def _folder(host: Host, path: str) -> tuple[str, ...]:
    try:
        return tuple(list_folder(host, path) or ())
    except NotRecorded:
        return ()
