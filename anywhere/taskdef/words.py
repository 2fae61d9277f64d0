"""Tables of names that are written as one text."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, which spaces part."""
    return frozenset(text.split())
