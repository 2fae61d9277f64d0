"""What a change is: a pure function from the observed to steps. No steps means: already so.

Plan prints the steps, apply journals each undo before its step runs, verify asks for an empty plan, revert undoes in
reverse. Every undo is idempotent and harmless when its step never ran, so that a run may die anywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from anywhere.changes.script import own_script
from anywhere.errors import AnywhereError
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

Planner = Callable[[Host], "tuple[Step, ...]"]


class ChangeFailed(AnywhereError):
    """A step or an undo did not work; what was done so far is in the journal (exit code 1)."""

    exit_code = 1


class NeedsRoot(ChangeFailed):
    """This user may not read what has to be known: the same command works as root."""


class JournalDamaged(ChangeFailed):
    """The record of what was changed is not what was written: it is never acted on as if it were."""


class Halted(ChangeFailed):
    """A step of several did not work. `done` were run before it; `left` are the others, itself first."""

    def __init__(self, why: str, done: tuple[Step, ...], left: tuple[Step, ...]) -> None:
        super().__init__(why)
        self.done, self.left = done, left


class HostBusy(ChangeFailed):
    """Another run is changing the same host."""


@frozen
class Command:
    """A command with its standard input. A `secret` input is never printed and never in the journal's JSON. `shown` is
    what a person would type to the same end, where the command itself is longer because it guards against crashes."""

    argv: tuple[str, ...]
    input: bytes = b""
    secret: bool = False
    timeout: float = 60.0
    shown: tuple[str, ...] = ()


@frozen
class PutBack:
    """The undo of a written file: `content` is what was there before (None: no file), `wrote` the SHA-256 of what the
    step writes. A file that is neither any more was edited by someone else: then only the `lines` that are still ours
    go back to what they were (None: away), or, where there are none, the file is left alone and said so. `folders` are
    the parents that the step made, deepest first. `mode` is octal, `owner` is `uid:gid`. `also` are the digests of what
    other steps have written there, before or after. `mixed` is whether someone else edited the file between two of our
    writes, or what was there before is lost: then only lines can be taken out."""

    path: str
    content: bytes | None
    wrote: str
    mode: str = "0644"
    owner: str = "0:0"
    folders: tuple[str, ...] = ()
    lines: tuple[tuple[str, str | None], ...] = ()
    also: tuple[str, ...] = ()
    mixed: bool = False


Undo = Command | PutBack


@frozen
class Step:
    """One thing to do. `key` names what is changed: of several steps with one key the first undo holds, because it
    saw the original. `folder` is where it writes, empty when it writes no file. `back` says in the imperative what its
    undo does, where that is more than putting files back. `gate` is whether nothing before it may be undone while it
    is not: what it has started would do that again."""

    key: str
    title: str
    do: Command
    undo: tuple[Undo, ...] = ()
    folder: str = ""
    back: str = ""
    gate: bool = False


def set_sysctl(key: str, path: str, old: str, new: str, why: str) -> Step:
    """Set a kernel setting now; its undo puts the old value back unless somebody has set another one since. The setting
    is gone after a reboot."""
    return Step(
        f"sysctl:{key}",
        f"set {key} = {new} (was {old or 'empty'}): {why}",
        write_proc(path, new),
        (Command(own_script("restore", path, new), f"{old}\n".encode()),),
        back=f"set {key} back to {old or 'empty'}",
    )


def write_proc(path: str, value: str) -> Command:
    """Write a file of /proc/sys. An empty value is written as a line end, as a list of ports is emptied by it."""
    return Command(own_script("setting", path), f"{value}\n".encode(), shown=("tee", path))
