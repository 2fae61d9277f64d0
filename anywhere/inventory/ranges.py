"""Host ranges as Ansible has them: `web[01:20]`, `db-[a:f]`, `rack[1:9:2]-node[1:4]`."""

from __future__ import annotations

import ipaddress
import re

from anywhere.errors import BadInput

_RANGE = re.compile(r"\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]")
MOST = 65536  # hosts of one pattern


def expand(pattern: str) -> tuple[str, ...]:
    """The names that a pattern stands for, in its order. Raises BadInput."""
    if _is_address(pattern) or "[" not in pattern:
        return (pattern,)
    found = _RANGE.search(pattern)
    if not found:
        raise BadInput(f"{pattern[:80]!r}: a range is written [01:20] or [a:f]")
    start, end, step = found.groups()
    values = _values(pattern, start, end, int((step or "1")[:6]))
    rests = expand(pattern[found.end() :])
    if len(values) * len(rests) > MOST:
        raise BadInput(f"{pattern[:80]!r} stands for more than {MOST} hosts")
    return tuple(pattern[: found.start()] + value + rest for value in values for rest in rests)


def _values(pattern: str, start: str, end: str, step: int) -> list[str]:
    if start.isdigit() != end.isdigit() or step < 1 or len(start + end) > 20:
        raise BadInput(f"{pattern[:80]!r}: a range is written [01:20] or [a:f]")
    if not start.isdigit():
        values = [chr(code) for code in range(ord(start), ord(end) + 1, step)]
        values = [value for value in values if value.isalpha()]
    else:
        if int(end) - int(start) > MOST:
            raise BadInput(f"{pattern[:80]!r} stands for more than {MOST} hosts")
        width = len(start) if start.startswith("0") else 0
        values = [str(number).zfill(width) for number in range(int(start), int(end) + 1, step)]
    if not values:
        raise BadInput(f"{pattern[:80]!r}: the range ends before it starts")
    return values


def _is_address(pattern: str) -> bool:
    """Whether the brackets are those of an IPv6 address: `root@[2001:db8::1]:22`."""
    inside = pattern.partition("[")[2].partition("]")[0]
    try:
        return ipaddress.ip_address(inside.partition("%")[0]).version == 6
    except ValueError:
        return False
