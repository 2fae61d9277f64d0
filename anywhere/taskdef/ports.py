"""Port mappings: what a mapping claims of its host in each network mode."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.taskdef.rule import Case
from anywhere.taskdef.source.node import Node, NotKnown

# What the ECS agent keeps for itself and its host, TCP. Source: agent/config/config_unix.go, config_windows.go.
RESERVED_LINUX = frozenset({22, 2375, 2376, 51678, 51679})
RESERVED_WINDOWS = frozenset({53, 135, 139, 445, 2375, 2376, 3389, 5985, 5986, 51678, 51679})
# In the documentation's list (51678-51680) and not in the agent's.
RESERVED_BY_PAGE = frozenset({51680})
# net.ipv4.ip_local_port_range of an unchanged Linux kernel, and what the agent takes on Windows.
DYNAMIC_LINUX = (32768, 60999)
DYNAMIC_WINDOWS = (49152, 65535)
MOST_RESERVED = 100
_RANGE = re.compile(r"(\d{1,5})-(\d{1,5})\Z")


def port_range(text: str) -> tuple[int, int] | None:
    """First and last port of `8000-8010`; None for what is no range of ports."""
    match = _RANGE.match(text)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    return (first, last) if 1 <= first < last <= 65535 else None


def protocol(mapping: Node) -> str:
    """`tcp` or `udp`; ECS takes anything else for tcp. Raises NotKnown."""
    return "udp" if mapping.at("protocol").text() == "udp" else "tcp"


def claimed(mode: str, mapping: Node) -> Node | None:
    """The node whose number is taken on the host while a task runs, None where the mapping takes none there. Raises
    NotKnown."""
    if mode == "host":
        return mapping.at("containerPort") if mapping.at("containerPort").present else None
    host = mapping.at("hostPort")
    return host if mode in ("bridge", "default") and host.number() else None


def claims(case: Case) -> Iterator[tuple[int, str, Node]]:
    """Port, protocol and node of every fixed port that one task takes on its host. Raises NotKnown."""
    for container in case.containers:
        for mapping in container.at("portMappings").each():
            node = claimed(case.mode, mapping)
            if node is not None and (port := node.number()):
                yield port, protocol(mapping), node


def has_fixed_port(case: Case) -> bool | None:
    """Whether a task takes a fixed port on its host; None where that cannot be known."""
    try:
        return next(claims(case), None) is not None
    except NotKnown:
        return None
