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
    _to_stderr(shown)
    log(shown)


def log(text: str) -> None:
    """A text of the log file alone: a line of the result that belongs between the messages. It has no secrets."""
    for path in _LOGS[-1:]:
        _to_log(path, text)


def _to_stderr(shown: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(shown, file=sys.stderr)


def _to_log(path: str, shown: str) -> None:
    """One that cannot be written any more is reported once, and is no reason to stop either."""
    from anywhere.errors import BadInput
    from anywhere.files import open_file
    from anywhere.wording import now

    try:
        with open_file(path, append=True) as file:
            file.write("".join(f"{now()} {line}\n" for line in shown.splitlines()).encode("utf-8", "replace"))
    except BadInput as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot write {path}: {error.strerror}"
    else:
        return
    _LOGS.clear()
    _to_stderr(f"anywhere: --log-file is incomplete: {problem}")


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
