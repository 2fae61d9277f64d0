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

    shown = printable_lines(redact(text.removesuffix("\n")))
    with contextlib.suppress(OSError, ValueError):
        print(shown, file=sys.stderr)
    if _LOGS:
        from anywhere.stamp import now

        with contextlib.suppress(OSError), open(_LOGS[-1], "a", encoding="utf-8") as file:
            file.writelines(f"{now()} {line}\n" for line in shown.splitlines())


_LOGS: list[str] = []


def log_to(path: str) -> None:
    """Keep what is noted from here on in a file as well. Raises BadInput where it cannot be written."""
    from anywhere.errors import BadInput

    try:
        with open(path, "a", encoding="utf-8"):
            _LOGS.append(path)
    except OSError as error:
        raise BadInput(f"--log-file {path}: {error.strerror}") from error
