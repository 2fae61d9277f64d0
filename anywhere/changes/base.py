"""What a change is: a pure function from the observed state to steps. No steps: the host is in the desired state.

`plan` prints the steps, `apply` journals each undo before its step runs, `verify` expects an empty plan, `revert` undoes in
reverse order. Every undo is idempotent, and harmless if its step never ran, so that a run may be killed at any point.
"""

from __future__ import annotations

from collections.abc import Callable

from anywhere.changes.script import own_script
from anywhere.errors import AnywhereError
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

Planner = Callable[[Host], "tuple[Step, ...]"]


class ChangeFailed(AnywhereError):
    """A step or an undo failed; what was done so far is in the journal (exit code 1)."""

    exit_code = 1


class NeedsRoot(ChangeFailed):
    """This user may not read something that the plan needs: run the same command as root."""


class JournalDamaged(ChangeFailed):
    """The journal on the host is not what was written: it is never acted on."""


class Halted(ChangeFailed):
    """One of several steps failed. `done` ran before it; `left` are the failed one and those after it."""

    def __init__(self, why: str, done: tuple[Step, ...], left: tuple[Step, ...]) -> None:
        super().__init__(why)
        self.done, self.left = done, left


class HostBusy(ChangeFailed):
    """Another run is changing the same host."""


@frozen
class Command:
    """A command with its standard input. A `secret` input is never printed and never in the journal's JSON. `shown` is
    the shorter command that a person would type, where the real one also guards against crashes."""

    argv: tuple[str, ...]
    input: bytes = b""
    secret: bool = False
    timeout: float = 60.0
    shown: tuple[str, ...] = ()


@frozen
class PutBack:
    """The undo of a written file: `content` is the former content (None: no file), `wrote` the SHA-256 of what the step
    writes. If the file is neither of these any more, someone else edited it: then only the `lines` that are still ours
    are set back (None: removed); without any, the file stays as it is and the run reports it. `folders` are the parent
    folders that the step made, deepest first. `mode` is octal, `owner` is `uid:gid`. `also` are the digests of what other
    steps wrote there, before or after. `mixed` is whether someone else edited the file between two of our writes, or the
    former content is lost: then only lines can be removed."""

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
    """One thing to do. `key` names what is changed: of several steps with the same key the first undo counts, since it
    saw the original. `folder` is where it writes (empty: no file). `back` says in the imperative what its undo does, where
    that is more than restoring files. `gate` is whether earlier steps may be undone only after this one: what it started
    would otherwise make them again."""

    key: str
    title: str
    do: Command
    undo: tuple[Undo, ...] = ()
    folder: str = ""
    back: str = ""
    gate: bool = False


def set_sysctl(key: str, path: str, old: str, new: str, why: str) -> Step:
    """Set a kernel setting until the next reboot; its undo restores the old value unless someone has set another since."""
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
