"""The moment at which something started, as reports write it."""

from datetime import UTC, datetime


def now() -> str:
    """UTC in ISO 8601, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
