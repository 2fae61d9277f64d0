"""The findings of many hosts in little memory: a host has a hundred, 100 KB as objects and 6 KB packed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import overload

from anywhere.model import Finding, Target

FEW = 32  # hosts whose findings are kept as they are
AT_HAND = 8  # hosts whose findings are kept unpacked too: who reads one mostly reads on


class Packed(Sequence[Finding]):
    """Findings that are unpacked where they are read."""

    __slots__ = ("_count", "_data", "statuses")

    def __init__(self, findings: Sequence[Finding]) -> None:
        import pickle
        import zlib

        self.statuses = frozenset(finding.status for finding in findings)
        self._count = len(findings)
        self._data = zlib.compress(pickle.dumps(tuple(findings), pickle.HIGHEST_PROTOCOL), 1)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Finding]:
        return iter(_unpacked(self._data))

    @overload
    def __getitem__(self, place: int) -> Finding: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Finding]: ...

    def __getitem__(self, place: int | slice) -> Finding | Sequence[Finding]:
        return _unpacked(self._data)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._data)


@lru_cache(AT_HAND)
def _unpacked(data: bytes) -> tuple[Finding, ...]:
    import pickle
    import zlib

    found: tuple[Finding, ...] = pickle.loads(zlib.decompress(data))
    return found


def packed(target: Target, hosts: int) -> Target:
    """The target as it is kept in a run over so many hosts."""
    return replace(target, findings=Packed(target.findings)) if hosts > FEW else target
