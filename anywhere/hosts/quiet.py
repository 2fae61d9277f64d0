"""A host that sends no packet but on its own loopback: for commands that promise so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anywhere.hosts.base import Answer, Completed, Deadline, Host, Inventory, Probe, ProbeSpec, Query
from anywhere.model import Reason, Stage

LOOPBACK = ("127.", "::1")
_SAID = "not asked: this command stays on the host"


class QuietHost:
    """Another host whose probes and lookups beyond the loopback are refused before they begin."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @property
    def name(self) -> str:
        """See Host."""
        return self._host.name

    @property
    def deadline(self) -> Deadline:
        """See Host."""
        return self._host.deadline

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        """See Host."""
        return self._host.run(argv, input=input, timeout=timeout)

    def read(self, path: str, *, tail: int = 0) -> bytes:
        """See Host."""
        return self._host.read(path, tail=tail)

    def listdir(self, path: str) -> tuple[str, ...]:
        """See Host."""
        return self._host.listdir(path)

    def resolve(self, query: Query) -> Answer:
        """Refused."""
        return Answer(query.name, query.server or "system", (), Reason.NOT_PERMITTED, _SAID)

    def probe(self, spec: ProbeSpec) -> Probe:
        """On the loopback alone."""
        if spec.address.startswith(LOOPBACK) and not spec.proxy:
            return self._host.probe(spec)
        return replace(Probe(spec, Stage.CONNECT), reason=Reason.NOT_PERMITTED, detail=_SAID)

    def inventory(self) -> Inventory:
        """See Host."""
        return self._host.inventory()

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """See Host."""
        self._host.prefetch(commands, files, folders)

    def close(self) -> None:
        """See Host."""
        self._host.close()
