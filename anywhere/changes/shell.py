"""A plan as a shell script, for those who want to read it, keep it, or run it themselves.

What a host's files contain is data in it and nothing else: contents and words are quoted, what a terminal or an editor
would act on is written as an escape, and no line of a content can end the here-document that holds it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import count

from anywhere.changes.base import Command, Step
from anywhere.redact import redact

_END = "END_OF_INPUT"
# As under sudo with a secure_path: no program of the caller's folder is ever run as root.
_HEAD = "set -eu\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\ncd /\n"


def script(steps: Sequence[Step], host: str) -> str:
    """A POSIX script that does the same as the steps, without journal and undo. Credentials are left out: a step that
    needs them stops the script with a line that says so."""
    head = f"#!/bin/sh\n# {_comment(host)}, steps: {len(steps)}. Made by `anywhere ... plan --format shell`.\n"
    if not steps:
        return head + "# Nothing to do: it is already so.\n"
    parts = [f"{head}# `apply` does the same and can take it back; this script cannot.\n{_HEAD}"]
    parts += [f"# {number}. {_comment(redact(step.title))}\n{command(step.do)}" for number, step in enumerate(steps, 1)]
    return "\n".join(parts)


def command(do: Command) -> str:
    """One command with its input."""
    line = " ".join(_word(word) for word in do.shown or do.argv)
    if not do.input:
        return line + "\n"
    if do.secret or redact(do.input.decode("utf-8", "replace")) != do.input.decode("utf-8", "replace"):
        path = do.shown[-1] if do.shown else "the file"
        said = f"write {path} by hand: it holds credentials, which are not printed"
        return f"printf '%s\\n' {_word(said)} >&2; exit 1\n"
    quiet = " >/dev/null" if do.shown[:1] == ("tee",) else ""
    text = _plain(do.input)
    if text is None or not text.endswith("\n"):
        return f"printf {_format(do.input)} | {line}{quiet}\n"
    lines = set(text.splitlines())
    end = next(word for number in count(1) if (word := f"{_END}_{number}" if number > 1 else _END) not in lines)
    return f"{line}{quiet} <<'{end}'\n{text}{end}\n"


def _plain(data: bytes) -> str | None:
    """The text where every character is one that is only shown; None where not."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(char in "\n\t" or char.isprintable() for char in text) else None


def _word(text: str) -> str:
    """A word of a command line. One with control characters is made by printf, without the line ends at its end, which
    the shell would cut off: no path or option has any."""
    if all(char in "\n\t" or char.isprintable() for char in text):
        return shlex.quote(text)
    return f'"$(printf {_format(text.encode("utf-8", "surrogateescape"))})"'


def _format(data: bytes) -> str:
    """A printf format that gives these bytes: whatever is not plain ASCII is an octal escape, and so is a hyphen that
    would begin an option."""
    shown = "".join(_escape(byte) for byte in data)
    return f"'{shown}'" if not shown.startswith("-") else f"'\\055{shown[1:]}'"


def _escape(byte: int) -> str:
    if byte == 0x25:
        return "%%"
    if byte == 0x0A:
        return "\\n"
    if byte in (0x27, 0x5C) or not 0x20 <= byte < 0x7F:
        return f"\\{byte:03o}"
    return chr(byte)


def _comment(text: str) -> str:
    """Text that stays on the line of its comment."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
