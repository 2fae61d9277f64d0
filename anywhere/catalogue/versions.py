"""The newest versions of the agents that are known, with the date of the table."""

from __future__ import annotations

from anywhere.catalogue.compatibility import Version, numbers

DATED = "2026-11-29"
# amazon-ecs-agent CHANGELOG (a minor version alone where the patch level is not established); amazon-ssm-agent releases.
NEWEST: dict[str, str] = {"ecs-agent": "1.108", "ssm-agent": "3.3.5828.0"}


def is_older(version: str, newest: str) -> bool | None:
    """Whether a version is older than the newest known one; None where either is not a version."""
    found, known = _numbers(version), _numbers(newest)
    if not found or not known:
        return None
    return found[: len(known)] < known


def _numbers(text: str) -> Version:
    try:
        return numbers(text.partition("-")[0])
    except ValueError:
        return ()
