"""Which Docker engines and ECS agents work with each other: a dated table, kept as data so that it can be updated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from anywhere.frozen import frozen

PATH = Path(__file__).parent / "data" / "compatibility.json"

Version = tuple[int, ...]


@frozen
class Situation:
    """What is compared with the table; an empty version is one that is not known, and no row about it applies.

    `virtualization` is the container manager that this host itself lives in (`lxc`); `containerd_package` the version of
    containerd.io with its revision, which decides the runc that it brings; `agent_down` whether no agent runs: one that
    does proves that containers start; `without_ipv6` whether the running kernel has no IPv6."""

    engine: Version = ()
    agent: Version = ()
    cgroup: int = 0
    bridge: str = ""
    min_api_variable: Version = ()
    apparmor: bool = False
    virtualization: str = ""
    containerd_package: Version = ()
    runc: Version = ()
    apparmor_parser: bool = True
    apparmor_parser_version: Version = ()
    without_ipv6: bool = False
    agent_down: bool = False


@frozen
class Pair:
    """A combination that does not work. Every condition that the row names must hold; `severity` is fail or warn."""

    id: str
    severity: str
    text: str
    fix: str
    source: str
    engine_from: Version = ()
    engine_before: Version = ()
    agent_from: Version = ()
    agent_before: Version = ()
    cgroup: int = 0
    bridge: str = ""
    min_api_variable_below: Version = ()
    apparmor: bool = False
    virtualization: str = ""
    containerd_package_from: Version = ()
    containerd_package_before: Version = ()
    runc_from: Version = ()
    runc_before: Version = ()
    without_apparmor_parser: bool = False
    apparmor_parser_before: Version = ()
    without_ipv6: bool = False
    agent_down: bool = False

    def applies(self, situation: Situation) -> bool:
        """Whether this is the situation, as far as it is known."""
        wanted = (
            (self.engine_from, bool(situation.engine) and situation.engine >= self.engine_from),
            (self.agent_from, bool(situation.agent) and situation.agent >= self.agent_from),
            (self.agent_before, bool(situation.agent) and situation.agent < self.agent_before),
            (self.cgroup, situation.cgroup == self.cgroup),
            (self.bridge, situation.bridge == self.bridge),
            (self.apparmor, situation.apparmor),
            (self.virtualization, situation.virtualization == self.virtualization),
            (self.without_apparmor_parser, not situation.apparmor_parser),
            (self.without_ipv6, situation.without_ipv6),
            (self.agent_down, situation.agent_down),
            *(
                (bound, bool(known) and holds)
                for bound, known, holds in (
                    (self.engine_before, situation.engine, situation.engine < self.engine_before),
                    (
                        self.apparmor_parser_before,
                        situation.apparmor_parser_version,
                        situation.apparmor_parser_version < self.apparmor_parser_before,
                    ),
                    (self.runc_from, situation.runc, situation.runc >= self.runc_from),
                    (self.runc_before, situation.runc, situation.runc < self.runc_before),
                    (
                        self.containerd_package_from,
                        situation.containerd_package,
                        situation.containerd_package >= self.containerd_package_from,
                    ),
                    (
                        self.containerd_package_before,
                        situation.containerd_package,
                        situation.containerd_package < self.containerd_package_before,
                    ),
                )
            ),
            (
                self.min_api_variable_below,
                bool(situation.min_api_variable) and situation.min_api_variable < self.min_api_variable_below,
            ),
        )
        return all(holds for condition, holds in wanted if condition)


@frozen
class Table:
    """The table and its date. A daemon is in the window when its lowest and highest API versions reach into it."""

    dated: str
    lowest_at_most: Version
    highest_at_least: Version
    source: str
    pairs: tuple[Pair, ...]


@cache
def table() -> Table:
    """The table that is shipped."""
    found = json.loads(PATH.read_text(encoding="utf-8"))
    window = found["window"]
    return Table(
        dated=found["dated"],
        lowest_at_most=numbers(window["lowest_at_most"]),
        highest_at_least=numbers(window["highest_at_least"]),
        source=window["source"],
        pairs=tuple(_pair(row) for row in found["pairs"]),
    )


def numbers(text: str) -> Version:
    """`1.44` as (1, 44)."""
    return tuple(int(part) for part in text.split("."))


def _pair(row: Mapping[str, Any]) -> Pair:
    versions = (
        *("engine_from", "agent_from", "agent_before", "min_api_variable_below", "runc_from", "runc_before"),
        *("containerd_package_from", "containerd_package_before", "engine_before", "apparmor_parser_before"),
    )
    values: dict[str, Any] = {key: numbers(value) if key in versions else value for key, value in row.items()}
    return Pair(**values)
