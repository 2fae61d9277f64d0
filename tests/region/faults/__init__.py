"""The table of faults and healthy variations. One small function each, in the file of its topic."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tests.region.world import World

FILES = (
    "names.dns",
    "path.egress",
    "host.firewall",
    "proxy.site",
    "proxy.effect",
    "tls.inspection",
    "path.http",
    "host.clock",
    "host.system",
    "host.containers",
    "host.containers_egress",
    "host.containers_way",
    "host.kernel",
    "host.client_ports",
    "host.daemons",
    "host.daemon_words",
    "agents.registered",
    "agents.words",
    "agents.init",
    "agents.answers",
    "agents.features",
    "agents.sandbox",
    "agents.settings",
    "agents.named",
    "agents.sdk",
    "agents.life",
    "agents.ssm",
    "agents.shared",
    "agents.loops",
    "agents.since",
    "host.netfilter",
    "variations",
    "path.alike",
    "proxy.alike",
    "path.links",
    "names.answers",
    "names.own",
    "names.options",
    "path.own_routes",
    "proxy.drifted",
    "tls.handshakes",
    "proxy.private",
    "proxy.declared",
    "path.requests",
    "path.own",
    "path.own_nat",
    "path.own_links",
)


class UnknownFault(ValueError):
    """No such name; the message lists the near misses."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`causes` are the codes that a check must name, and no other: none for a healthy variation. `arguments` are
    what the checking command needs in addition, `options` how the region must be built."""

    name: str
    description: str
    topic: str
    causes: frozenset[str]
    arguments: tuple[str, ...]
    apply: Callable[[World], None]
    options: Mapping[str, Any]

    @property
    def is_healthy(self) -> bool:
        """Whether this is a variation and no fault."""
        return not self.causes


TABLE: dict[str, Fault] = {}
Changer = Callable[[World], None]


def fault(
    name: str, description: str, *causes: str, arguments: tuple[str, ...] = (), **options: Any
) -> Callable[[Changer], Changer]:
    """Put a function into the table."""

    def register(function: Changer) -> Changer:
        if name in TABLE:
            raise ValueError(f"two faults are called {name}")
        topic = function.__module__.removeprefix(f"{__name__}.").partition(".")[0]
        TABLE[name] = Fault(name, description, topic, frozenset(causes), arguments, function, options)
        return function

    return register


def variation(
    name: str, description: str, *, arguments: tuple[str, ...] = (), **options: Any
) -> Callable[[Changer], Changer]:
    """Put a healthy variation into the table."""
    return fault(name, description, arguments=arguments, **options)


def table() -> dict[str, Fault]:
    """Every fault and variation by name."""
    for file in FILES:
        import_module(f"tests.region.faults.{file}")
    return TABLE


def find(name: str) -> Fault:
    """A fault by its name. Raises UnknownFault."""
    known = table()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 3, 0.5) or [one for one in known if name in one][:3]
    raise UnknownFault(f"no fault {name!r}" + (f": did you mean {', '.join(near)}?" if near else "; see --list"))
