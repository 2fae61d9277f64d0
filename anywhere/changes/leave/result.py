"""What became of one host that left, was reset or was moved."""

from __future__ import annotations

from anywhere.changes.agents.result import State
from anywhere.frozen import frozen


@frozen
class Left:
    """One host. `orphans` are the tasks that go on without an agent that knows them, `steps` what was done or would be,
    `differences` what stays otherwise than it was before, each with its reason, `commands` what is left for a person with
    the account's keys. `moved_to` is the cluster of a move, `versions` the packages of an update with the version before
    and the new one, `now` the state that a host is in after a failure."""

    name: str
    state: State
    instance: str = ""
    region: str = ""
    cluster: str = ""
    arn: str = ""
    moved_to: str = ""
    orphans: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    differences: tuple[tuple[str, str], ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    error: str = ""
    code: str = ""
    fix: str = ""
    versions: tuple[tuple[str, str, str], ...] = ()
    seconds: float = 0.0
    now: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return self.state in (State.ALREADY, State.DONE, State.PLANNED)
