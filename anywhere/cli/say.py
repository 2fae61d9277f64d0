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
        from anywhere.errors import BadInput
        from anywhere.files import open_file
        from anywhere.wording import now

        with contextlib.suppress(OSError, BadInput), open_file(_LOGS[-1], append=True) as file:
            file.write("".join(f"{now()} {line}\n" for line in shown.splitlines()).encode("utf-8", "replace"))


_LOGS: list[str] = []


def log_to(path: str) -> None:
    """Keep what is noted from here on in a file as well. Raises BadInput where it cannot be written."""
    from anywhere.errors import BadInput
    from anywhere.files import open_file

    try:
        with open_file(path, append=True):
            _LOGS.append(path)
    except BadInput as error:
        raise BadInput(f"--log-file: {error}") from None
