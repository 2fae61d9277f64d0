"""Measured figures with their limits: `python -m tests.bench [NAME...]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured and what it may be at most, in the same unit; `note` says how it came about."""

    name: str
    value: float
    limit: float
    unit: str = "s"
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.value <= self.limit


def show(title: str, figures: Sequence[Figure]) -> int:
    """Print the figures as a table; 1 when a limit is missed."""
    print(f"\n{title}")
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        mark = "✓" if figure.holds else "✗"
        value, limit = f"{figure.value:.3g}", f"{figure.limit:.3g}"
        print(
            f"  {mark} {figure.name:<{width}}  {value:>7} {figure.unit:<4} at most {limit:>6}  {figure.note}".rstrip()
        )
    return 0 if all(figure.holds for figure in figures) else 1
