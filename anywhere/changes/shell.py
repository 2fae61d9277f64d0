"""A plan as a shell script, for those who want to read it, keep it, or run it themselves."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from anywhere.changes.base import Command, Step
from anywhere.redact import redact

_END = "END_OF_INPUT"


def script(steps: Sequence[Step], host: str) -> str:
    """A POSIX script that does the same as the steps, without journal and undo. Credentials are left out: a step that
    needs them stops the script with a line that says so."""
    head = f"#!/bin/sh\n# {host}, steps: {len(steps)}. Made by `anywhere ... plan --format shell`.\n"
    if not steps:
        return head + "# Nothing to do: it is already so.\n"
    parts = [head + "# `apply` does the same and can take it back; this script cannot.\nset -eu\n"]
    parts += [f"# {number}. {redact(step.title)}\n{command(step.do)}" for number, step in enumerate(steps, 1)]
    return "\n".join(parts)


def command(do: Command) -> str:
    """One command with its input as a here-document."""
    line = shlex.join(do.shown or do.argv)
    if not do.input:
        return line + "\n"
    text = do.input.decode("utf-8", "replace")
    if do.secret or redact(text) != text:
        path = do.shown[-1] if do.shown else "the file"
        said = f"write {path} by hand: it holds credentials, which are not printed"
        return f"echo {shlex.quote(said)} >&2; exit 1\n"
    if not text.endswith("\n"):
        return f"printf %s {shlex.quote(text)} | {line}\n"
    quiet = " >/dev/null" if do.shown[:1] == ("tee",) else ""
    return f"{line}{quiet} <<'{_END}'\n{text}{_END}\n"
