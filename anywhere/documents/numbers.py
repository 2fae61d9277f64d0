"""Whole numbers in text that others wrote."""

from __future__ import annotations

MOST_DIGITS = 20  # of 2**64 - 1, the largest number that the kernel, systemd or docker writes


def whole(text: str) -> int | None:
    """The number that a text writes in ASCII digits; None for every other text: `str.isdigit` also accepts `²`, which
    int() refuses, as it refuses more than 4300 digits (Python 3.11, sys.set_int_max_str_digits)."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None
