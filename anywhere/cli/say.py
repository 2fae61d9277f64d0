"""What is said beside the result: on standard error, without secrets, and harmless to a terminal."""

from __future__ import annotations

import contextlib
import sys


def say(text: str) -> None:
    """One line, with the program's name before it."""
    note(f"anywhere: {' '.join(text.split())}")


def note(text: str) -> None:
    """Text of one or many lines as it is. A standard error that is closed or full is no reason to stop."""
    from anywhere.printable import printable_lines
    from anywhere.redact import redact

    with contextlib.suppress(OSError, ValueError):
        print(printable_lines(redact(text.removesuffix("\n"))), file=sys.stderr)
