"""What the verbs that change hosts have in common: their progress, their output, their exit code."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from anywhere.cli.hosts import FORMATS, PLAN_FORMATS
from anywhere.cli.output import progress, write
from anywhere.cli.say import note
from anywhere.errors import BadInput
from anywhere.flows import change
from anywhere.flows.change import Interrupted, Work, as_scripts, asked, exit_code, held
from anywhere.flows.hosts import Hosts
from anywhere.program import program
from anywhere.report.changes import as_json, changed, planned, undoable
from anywhere.report.shown.commands import command_line
from anywhere.report.style import style_for
from anywhere.windows import is_root


def require_root(hosts: Hosts) -> None:
    """Raise BadInput, with the command to run, where this host is to be changed and only root may."""
    if not is_root() and any(entry.spec == "local" for entry in hosts.entries):
        raise BadInput(f"root is needed; run: {shlex.join(('sudo', *program(by_sudo=True), *sys.argv[1:]))}")


def interrupting() -> None:
    """What Ctrl-C is answered with while a step runs; written at once, since a stream may be in use just then."""
    with suppress(OSError):
        os.write(2, b"anywhere: interrupted, the current step is finished first (Ctrl-C again: end at once)\n")


def ended(code: int) -> int:
    """The exit code of a run that may have been interrupted."""
    return Interrupted.exit_code if code and asked() else code


def plan(work: Work, hosts: Hosts, format: str) -> int:
    """Print the steps of every host; nothing is changed. The exit code."""
    BadInput.require("format", format, PLAN_FORMATS)
    found = change.plan(work, hosts)
    if format == "json":
        write(as_json(work.verb, "plan", found))
    elif format == "shell":
        write(as_scripts(found), exact=True)
        if failed := [one for one in found if one.error]:
            note(planned(failed, style_for(sys.stderr)))
    else:
        if len(found) == 1 and found[0].error:
            require_root(hosts)
        write(planned(found, style_for(sys.stdout)))
        if any(one.steps for one in found):
            apply = typed(work.verb, "plan", "apply")
            note(f"Nothing was changed: `{apply}` does it, `--format shell` prints it as a script.")
    return exit_code(found)


def apply(work: Work, hosts: Hosts, wave: str, format: str, said: str = "") -> int:
    """Apply, in waves where asked; the exit code is 0 when every host has the desired state. `said` is noted where
    something was done."""
    BadInput.require("format", format, FORMATS)
    require_root(hosts)
    with held(interrupting):
        found = change.apply(work, hosts, wave, _on_wave, progress)
        code = ended(_show(work, "apply", found, format, said))
    if format == "table" and not code and _done(found):
        note(f"Next: {typed(work.verb, 'apply', 'verify')}")
    return code


def plan_revert(work: Work, hosts: Hosts, format: str) -> int:
    """Print what a revert would undo; nothing is changed. The exit code."""
    BadInput.require("format", format, FORMATS)
    require_root(hosts)
    found = change.plan_revert(work, hosts)
    if format == "json":
        write(as_json(work.verb, "revert", found))
    else:
        write(undoable(found, style_for(sys.stdout)))
        if any(one.steps for one in found):
            note("Nothing was changed: the same command without --dry-run does it.")
    return exit_code(found)


def revert(
    work: Work,
    hosts: Hosts,
    wave: str,
    format: str,
    after: Callable[[Any], object] | None = None,
    *,
    force_missing: bool = False,
    said: str = "",
) -> int:
    """Undo, in waves where asked, and do what comes after on each host where something was undone; the exit code is 0
    when all was undone everywhere. `said` is noted where something was undone."""
    BadInput.require("format", format, FORMATS)
    require_root(hosts)
    with held(interrupting):
        found = change.revert(work, hosts, wave, _on_wave, after, force_missing=force_missing)
        return ended(_show(work, "revert", found, format, said))


def typed(verb: str, old: str, new: str) -> str:
    """The command that was typed with another sub-command, without the options that only the first one knows."""
    words = sys.argv[3:] if sys.argv[1:3] == [verb, old] else []
    kept: list[str] = []
    for before, word in zip(("", *words), words):
        if word not in _OF_THIS_RUN and before not in _WITH_VALUE and not word.startswith(_JOINED):
            kept.append(word)
    return command_line(("anywhere", verb, new, *kept))


_WITH_VALUE = ("--format", "--wave")
_JOINED = tuple(f"{name}=" for name in _WITH_VALUE)
_OF_THIS_RUN = (*_WITH_VALUE, "--restart")


def _done(found: Sequence[change.Outcome]) -> bool:
    return any(one.state is change.State.DONE for one in found)


def _show(work: Work, command: str, found: Sequence[change.Outcome], format: str, said: str) -> int:
    if format == "json":
        write(as_json(work.verb, command, found))
    else:
        write(changed(command, found, style_for(sys.stdout)))
    if said and _done(found):
        note(said)
    if format == "json":
        return exit_code(found)
    if any(one.state is change.State.UNTOUCHED for one in found):
        failed = ", ".join(one.name for one in found if one.error)
        note(f"Stopped at the first failing wave. Fix {failed}, then run the same command again: it goes on.")
    return exit_code(found)


def _on_wave(number: int, of: int, wave: Sequence[str]) -> None:
    note(f"wave {number} of {of}{' (canary)' if number == 1 and of > 1 else ''}: {', '.join(wave)}")
