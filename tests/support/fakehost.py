"""A host made of tables, for tests of facts and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from anywhere.hosts.base import Answer, Completed, Deadline, Inventory, Probe, ProbeSpec, Query
from anywhere.model import Reason, Stage

NOW = 1_790_000_000.0  # 2026-09-21


@dataclass
class FakeHost:
    """Answers from its tables; what they do not hold is absent. A file of None is there and may not be read."""

    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    commands: Mapping[tuple[str, ...], Completed | str] = field(default_factory=dict)
    folders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    found: Inventory = field(default_factory=lambda: Inventory(now=NOW, is_root=True))
    probes: Mapping[str, Probe] = field(default_factory=dict)
    name: str = "fake"
    deadline: Deadline = field(default_factory=lambda: Deadline(60))
    probed: list[ProbeSpec] = field(default_factory=list)

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        found = self.commands.get(tuple(argv))
        if found is None:
            return Completed(tuple(argv), 127, "", f"{argv[0]}: not found")
        return found if isinstance(found, Completed) else Completed(tuple(argv), 0, found)

    def read(self, path: str, *, tail: int = 0) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        content = self.files[path]
        if content is None:
            raise PermissionError(13, "Permission denied", path)
        data = content.encode() if isinstance(content, str) else content
        return data[-tail:] if tail else data

    def listdir(self, path: str) -> tuple[str, ...]:
        if path in self.folders:
            return tuple(sorted(self.folders[path]))
        prefix = path.rstrip("/") + "/"
        names = {
            name[len(prefix) :].partition("/")[0] for name in (*self.files, *self.folders) if name.startswith(prefix)
        }
        if not names:
            raise FileNotFoundError(2, "No such file or directory", path)
        return tuple(sorted(names))

    def resolve(self, query: Query) -> Answer:
        return Answer(query.name, query.server or "system", (), Reason.NAME_UNKNOWN)

    def probe(self, spec: ProbeSpec) -> Probe:
        self.probed.append(spec)
        key = f"{spec.scheme}://{spec.address or spec.host}:{spec.port}{spec.path}"
        return self.probes.get(key, Probe(spec, Stage.CONNECT, Reason.REFUSED, "connection refused"))

    def inventory(self) -> Inventory:
        return self.found

    def prefetch(self, commands: Sequence[tuple[str, ...]], files: Sequence[str], folders: Sequence[str]) -> None:
        """Nothing to gather."""

    def close(self) -> None:
        """Nothing to close."""
