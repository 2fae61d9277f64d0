"""Moments, numbers and lists as messages and reports write them."""

from collections.abc import Sequence, Sized


def now() -> str:
    """This moment in UTC, ISO 8601, full seconds."""
    from datetime import UTC, datetime  # most of what needs the other functions needs no clock

    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def count(items: Sized, noun: str, plural: str = "") -> str:
    """`1 endpoint`, `14 endpoints`; `plural` where an `s` does not make it."""
    return f"{len(items)} {noun if len(items) == 1 else plural or f'{noun}s'}"


def some(names: Sequence[str], most: int = 3) -> str:
    """`a, b, c and 2 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
