"""Saved observations: what a file holds, and what two of them differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anywhere.errors import BadInput
from anywhere.flows.check import examine_bundle
from anywhere.hosts.bundle import load
from anywhere.report.bundle import Difference, differences

__all__ = ["compare", "found", "load"]


def compare(old: str, new: str) -> tuple[dict[str, Any], dict[str, Any], tuple[Difference, ...]]:
    """Both bundles, and what changed between them. Raises BadInput."""
    before, after = load(old), load(new)
    changed = differences(examine_bundle(old), examine_bundle(new), before["observations"], after["observations"])
    return before, after, tuple(changed)


def found(kept: Mapping[str, object], wanted: str) -> dict[str, object]:
    """The observations with this text in what was asked. Raises BadInput where there is none."""
    keys = [key for key in kept if wanted in key] or [key for key in kept if wanted in key.replace('", "', " ")]
    if not keys:
        raise BadInput(f"the bundle holds no observation with {wanted[:80]!r}: `anywhere bundle show` lists them")
    return {key: kept[key] for key in keys}
