"""Tables of names that are written as one text."""

from __future__ import annotations


def named(text: str) -> str:
    """A value in a sentence: an empty one as quotes, so that it can be seen."""
    return text or '""'


def words(text: str) -> frozenset[str]:
    """The words of a text, which spaces part."""
    return frozenset(text.split())
