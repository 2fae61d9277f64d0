"""What became of one host's registration."""

from __future__ import annotations

from enum import StrEnum

from anywhere.changes.agents.existing import Difference
from anywhere.changes.base import Step
from anywhere.frozen import frozen
from anywhere.model import Cause


class State(StrEnum):
    """How a host ended."""

    ALREADY = "already"
    DONE = "done"
    PLANNED = "planned"
    DIFFERENT = "different"
    FAILED = "failed"
    UNTOUCHED = "untouched"


@frozen
class Result:
    """What became of one host. `vouched` says who signed what was installed, `causes` why it failed or is not ready, `now` the
    state that a host is in after a failure."""

    name: str
    state: State
    instance: str = ""
    arn: str = ""
    cluster: str = ""
    steps: tuple[Step, ...] = ()
    differences: tuple[Difference, ...] = ()
    causes: tuple[Cause, ...] = ()
    vouched: tuple[str, ...] = ()
    error: str = ""
    fix: str = ""
    code: str = ""
    seconds: float = 0.0
    now: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is left to do for anyone."""
        return self.state in (State.ALREADY, State.DONE, State.PLANNED)


def row_of(result: Result) -> dict[str, str]:
    """Host name, managed instance, container instance: the row that a fleet's inventory wants."""
    return {
        "host": result.name,
        "state": result.state.value,
        "instance": result.instance,
        "arn": result.arn,
        "cluster": result.cluster,
    }
