"""Why systemd does not run a unit: masked, missing, queued behind another unit, a condition that is not met, its files.

Only units that should run and do not are asked for in detail. Sources: systemd.unit(5), systemd.service(5), systemctl(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from anywhere.errors import NotRecorded
from anywhere.facts.files import has_folder, read_text
from anywhere.facts.system.quoting import parse_section
from anywhere.facts.system.units import CONTAINERD, Unit, parse_blocks
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

DETAILS = (
    "systemctl",
    "show",
    "--no-pager",
    "-p",
    "Id,Description,LoadState,ActiveState,SubState,Job,StateChangeTimestamp,After",
)
DEPTH = 6  # units in a row that wait for each other
MANY = 60  # units that one waits for: more are not asked for
_CONDITION = re.compile(r"(?:Condition|Assert)[A-Z]\w+$")
_NEEDS = ("Requires", "BindsTo", "Requisite")


@frozen
class Waiting:
    """The unit that has to end first: its name, what it is, since when (as systemd writes it; empty where not known), and
    the units in between that wait for it too."""

    unit: str
    description: str = ""
    since: str = ""
    through: tuple[str, ...] = ()


@frozen
class Condition:
    """A line of a unit file that keeps the unit from starting, with its place."""

    place: str
    line: str


@frozen
class Missing:
    """A unit that is required and cannot be started: `why` is `masked`, `missing` or `failed`."""

    unit: str
    why: str


def waits_for(host: Host, unit: Unit) -> Waiting | None:
    """What a queued start job waits for; None where none is queued or nothing is seen to hold it up."""
    if not unit.job or unit.is_running or unit.active == "deactivating":
        return None
    name = unit.name
    through: list[str] = []
    for _ in range(DEPTH):
        before = _show(host, (name,)).get(name, {}).get("After", "").split()
        others = (
            {key: value for key, value in _show(host, tuple(before[:MANY])).items() if key != name} if before else {}
        )
        busy = [
            key for key, one in others.items() if one.get("ActiveState") in ("activating", "reloading", "deactivating")
        ]
        queued = [key for key, one in others.items() if one.get("Job", "0") not in ("", "0") and key not in through]
        if busy:
            one = others[busy[0]]
            return Waiting(busy[0], one.get("Description", ""), one.get("StateChangeTimestamp", ""), tuple(through))
        if not queued:
            return None
        name = queued[0]
        through.append(name)
    return None


def _show(host: Host, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    done = host.run((*DETAILS, *names), timeout=3)
    return {block.get("Id", ""): block for block in map(dict, parse_blocks(done.stdout))} if done.ok else {}


def unmet_conditions(host: Host, unit: Unit) -> tuple[Condition, ...]:
    """The conditions and assertions that kept the unit from starting, as far as they are not met now."""
    if not unit.unmet or unit.is_running:
        return ()
    found = list(_conditions(host, unit))
    return tuple(one for one, met in found if met is False) or tuple(one for one, met in found if met is None)


def _conditions(host: Host, unit: Unit) -> Iterator[tuple[Condition, bool | None]]:
    for path in filter(None, (unit.fragment, *unit.drop_ins)):
        for number, key, value in parse_section(read_text(host, path).content, "[Unit]"):
            if _CONDITION.match(key) and value:
                yield Condition(f"{path}:{number}", f"{key}={value}"), _is_met(host, key, value)


def _is_met(host: Host, key: str, value: str) -> bool | None:
    """Whether a condition on a path is met; None for every other kind."""
    path = value.lstrip("|!")
    if not key.endswith(("PathExists", "PathIsDirectory", "FileNotEmpty")) or not path.startswith("/"):
        return None
    folder = has_folder(host, path)
    text = read_text(host, path) if not folder else None
    there = folder or (text.exists if text else None)
    if there is None:
        return None
    if key.endswith("PathIsDirectory"):
        there = folder
    elif key.endswith("FileNotEmpty"):
        there = bool(text and text.content)
    return there if "!" not in value[: len(value) - len(path)] else not there


def missing_needs(host: Host, unit: Unit, found: Mapping[str, Unit]) -> tuple[Missing, ...]:
    """Units that this one requires and that are masked or not there, or have failed, while it does not run either. `found`
    are the units that are known already. What containerd says of itself is reported with docker's own words."""
    needed, mounts = _needs(host, unit)
    unknown = tuple(name for name in needed if name not in found and "%" not in name)
    shown = _show(host, unknown) if unknown else {}
    states = {name: found[name].load for name in needed if name in found}
    states |= {name: one.get("LoadState", "") for name, one in shown.items()}
    kinds = {"masked": "masked", "not-found": "missing"}
    if gone := tuple(Missing(name, kinds[state]) for name, state in states.items() if state in kinds):
        return gone
    if unit.is_running:
        return ()
    known = {name: found[name] for name in needed if name in found and name != CONTAINERD}
    failed = [name for name, one in known.items() if one.active == "failed" and not one.result.endswith(FOLLOWS)]
    failed += [name for name, one in (shown | _mounted(host, mounts)).items() if one.get("ActiveState") == "failed"]
    return tuple(Missing(name, "failed") for name in failed)


# A socket fails with the service that it starts (systemd src/core/socket.c, socket_trigger_notify).
FOLLOWS = ("limit-hit",)


def _mounted(host: Host, mounts: tuple[str, ...]) -> dict[str, dict[str, str]]:
    try:
        return _show(host, mounts) if mounts else {}
    except NotRecorded:
        return {}  # a bundle of a run that did not ask


def _needs(host: Host, unit: Unit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The units that its files require by name, and those of the mounts that it requires by a path in them."""
    names: dict[str, None] = {}
    mounts: dict[str, None] = {}
    for path in filter(None, (unit.fragment, *unit.drop_ins)):
        for _, key, value in parse_section(read_text(host, path).content, "[Unit]"):
            if key in _NEEDS:
                names |= dict.fromkeys(value.split())
            elif key == "RequiresMountsFor":
                mounts |= {name: None for one in value.split() for name in _mounts_of(one)}
    return tuple(names), tuple(mounts)


def _mounts_of(path: str) -> Iterator[str]:
    """The mount units of a path and of the folders above it: `/srv/docker` is `srv-docker.mount` (systemd.unit(5))."""
    parts = [part for part in path.split("/") if part]
    for count in range(1, len(parts) + 1):
        yield "-".join(map(_escaped, parts[:count])) + ".mount"


def _escaped(part: str) -> str:
    kept = re.sub(r"[^A-Za-z0-9:_.]", lambda found: "".join(f"\\x{byte:02x}" for byte in found[0].encode()), part)
    return f"\\x2e{kept[1:]}" if kept.startswith(".") else kept
