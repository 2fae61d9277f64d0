"""What a command that plans or makes changes did to one host, or would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from anywhere.changes.base import Step
from anywhere.model import Cause, Finding


class State(StrEnum):
    """`planned`: what would be done. `already`: nothing had to be done. `untouched`: a wave before this host failed."""

    PLANNED = "planned"
    ALREADY = "already"
    DONE = "done"
    FAILED = "failed"
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One host. `steps` were run or would be, or are the titles of what was undone or would be; `error` is why it
    failed. A host that could not be asked has the `finding` and the `cause` that every other command gives it."""

    name: str
    state: State
    steps: tuple[Step | str, ...] = ()
    error: str = ""
    finding: Finding | None = None
    cause: Cause | None = None


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 when nothing failed; 3 when all that went wrong is hosts that could not be asked; else 1."""
    failed = [outcome for outcome in outcomes if outcome.state is State.FAILED]
    if not failed:
        return 0
    return 3 if all(outcome.cause for outcome in failed) else 1
