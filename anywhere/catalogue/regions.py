"""AWS regions and partitions: the table in data/regions.json, and how a name given by hand is judged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from anywhere.errors import BadInput, did_you_mean
from anywhere.frozen import frozen

# \w+ in the patterns of botocore would take every typing mistake; all names so far end in one of these and a number.
_AREA = re.compile(r"(?:.+-)?(?:central|north|south|east|west|northeast|northwest|southeast|southwest)-[0-9]{1,2}")


@frozen
class Partition:
    """A part of AWS with accounts and DNS names of its own.

    `pattern` is what its region names look like. `dualstack_suffix` is empty where dual-stack names are not
    established. `fips` and `fips_dualstack` give, by service and region, the host names that are known to exist.
    """

    name: str
    pattern: str
    suffix: str
    dualstack_suffix: str
    note: str
    regions: tuple[str, ...]
    fips: Mapping[str, Mapping[str, str]]
    fips_dualstack: Mapping[str, Mapping[str, str]]


@frozen
class RegionInfo:
    """A region and its DNS suffixes; `note` says what is not certain about it, `listed` whether the table has it."""

    name: str
    partition: str
    suffix: str
    dualstack_suffix: str
    note: str = ""
    listed: bool = True


@cache
def partitions() -> Mapping[str, Partition]:
    """All partitions by name. Source: botocore's partitions.json and endpoints.json."""
    text = Path(__file__).with_name("data").joinpath("regions.json").read_text(encoding="utf-8")
    rows = json.loads(text)["partitions"]
    return {name: Partition(name, **{**row, "regions": tuple(row["regions"])}) for name, row in rows.items()}


def regions() -> tuple[str, ...]:
    """Every region of the table that has both an ECS and an SSM endpoint, partition by partition."""
    return tuple(region for partition in partitions().values() for region in partition.regions)


def find_region(name: str) -> RegionInfo:
    """The region of this name; one that is not in the table but fits a partition comes with a note.

    Raises BadInput, naming near misses, for anything else.
    """
    for partition in partitions().values():
        if name in partition.regions:
            return _info(name, partition, partition.note)
    for partition in partitions().values():
        if re.fullmatch(partition.pattern, name) and _AREA.fullmatch(name):
            note = f"not in the table; fits the {partition.name} partition"
            return _info(name, partition, f"{note}; {partition.note}" if partition.note else note, listed=False)
    raise BadInput(f"unknown region {name[:80]!r}{near_region(name)}")


def is_region(name: str) -> bool:
    """Whether a region of this name exists, or fits a partition."""
    try:
        find_region(name)
    except BadInput:
        return False
    return True


def _info(name: str, partition: Partition, note: str, *, listed: bool = True) -> RegionInfo:
    return RegionInfo(name, partition.name, partition.suffix, partition.dualstack_suffix, note, listed)


def near_region(name: str) -> str:
    """What was probably meant, as the end of a sentence."""
    wanted = name.strip().lower()[:80]
    if zone := re.fullmatch(r"(.*[0-9])[a-z]", wanted):
        wanted = zone[1]  # us-east-1a is an availability zone
    return "; " + did_you_mean(wanted, regions(), "a region is named like us-east-1", 0.7)
