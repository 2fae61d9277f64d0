"""The result of a plan, an apply or a revert on one host."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from anywhere.changes.base import Halted, Step
from anywhere.changes.interrupts import Interrupted
from anywhere.frozen import frozen
from anywhere.model import Cause, Finding


class State(StrEnum):
    """`planned`: what would be done. `already`: nothing had to be done. `untouched`: a wave before this host failed."""

    PLANNED = "planned"
    ALREADY = "already"
    DONE = "done"
    FAILED = "failed"
    UNTOUCHED = "untouched"


@frozen
class Outcome:
    """One host. `steps` ran or would run; of a revert they are titles. `error` is why it failed, and `now` the state of the
    host after that. A host that could not be reached has the same `finding` and `cause` as with every other command."""

    name: str
    state: State
    steps: tuple[Step | str, ...] = ()
    error: str = ""
    finding: Finding | None = None
    cause: Cause | None = None
    now: str = ""


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 if nothing failed; 3 if the only failures are hosts that could not be reached; else 1."""
    failed = [outcome for outcome in outcomes if outcome.state is State.FAILED]
    if not failed:
        return 0
    return 3 if all(outcome.cause for outcome in failed) else 1


def halted(found: Halted, revert: str) -> str:
    """How far an apply came, and what to do next."""
    done, all_steps = len(found.done), len(found.done) + len(found.left)
    if not found.left:
        return f"all {done} steps ran; `{revert}` undoes them"
    if isinstance(found, Interrupted):
        undone = f", `{revert}` undoes what was done" if done else ""
        return f"{done} of {all_steps} steps done; the same command goes on from here{undone}"
    rest = f", {len(found.left) - 1} not begun" if len(found.left) > 1 else ""
    return (
        f"{done} of {all_steps} steps done, step {done + 1} failed{rest}; the same command goes on from here, "
        f"`{revert}` undoes what was done"
    )
