"""A host that is only read: no command is run, no name resolved, nothing connected. For what is printed before a run."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.hosts.base import Answer, Completed, Host, Inventory, Probe, ProbeSpec, Query
from anywhere.model import Reason, Stage

NO_SUCH_PROGRAM = 127


class Unarmed:
    """Files and the inventory of another host; every other verb answers that it could not."""

    def __init__(self, live: Host) -> None:
        self._live = live
        self.name, self.deadline = live.name, live.deadline

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        """See Host."""
        return Completed(tuple(argv), NO_SUCH_PROGRAM)

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """See Host."""
        return self._live.read(path, tail=tail)

    def listdir(self, path: str) -> tuple[str, ...]:
        """See Host."""
        return self._live.listdir(path)

    def resolve(self, query: Query) -> Answer:
        """See Host."""
        return Answer(query.name, query.server or "system", (), Reason.NAMESERVER_TIMEOUT)

    def probe(self, spec: ProbeSpec) -> Probe:
        """See Host."""
        return Probe(spec, Stage.CONNECT, Reason.NOT_PERMITTED)

    def inventory(self) -> Inventory:
        """See Host."""
        return self._live.inventory()

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """See Host."""

    def close(self) -> None:
        """See Host."""
