"""What was observed in a run against what `check --plan` announces for the same host."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from anywhere.declared.contacts import COMMAND, CONNECTION, FILE, FOLDER, QUESTION, Contact
from anywhere.errors import NotRecorded
from anywhere.facts.announced.rows import SYSTEM, of_host
from anywhere.hosts.base import Answer, Completed, Deadline, Inventory, Probe, ProbeSpec, Query
from anywhere.hosts.recording import Recording
from anywhere.settings import Settings


class Seen:
    """A saved run as a host that is only read: what it does not hold is not there."""

    def __init__(self, kept: Recording) -> None:
        self._kept = kept
        self.name, self.deadline = kept.name, Deadline(60)

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        try:
            return self._kept.run(argv)
        except NotRecorded:
            return Completed(tuple(argv), 127)

    def read(self, path: str, *, tail: int = 0) -> bytes:
        try:
            return self._kept.read(path, tail=tail)
        except NotRecorded:
            raise FileNotFoundError(path) from None

    def listdir(self, path: str) -> tuple[str, ...]:
        try:
            return self._kept.listdir(path)
        except NotRecorded:
            raise FileNotFoundError(path) from None

    def inventory(self) -> Inventory:
        return self._kept.inventory()

    def resolve(self, query: Query) -> Answer:
        raise AssertionError(f"a plan asks for {query.name}")

    def probe(self, spec: ProbeSpec) -> Probe:
        raise AssertionError(f"a plan connects to {spec.host}")

    def prefetch(self, *_: object) -> None:
        raise AssertionError("a plan gathers nothing")

    def close(self) -> None:
        pass


def planned(kept: Recording, settings: Settings) -> tuple[Contact, ...]:
    """The plan for the host of a saved run."""
    host = Recording(Seen(kept))
    return tuple(row for region in settings.regions for row in of_host(host, settings, region))


def beyond(rows: Iterable[Contact], observations: Mapping[str, Any]) -> list[str]:
    """The observations that no row announces."""
    by_kind: dict[str, list[Contact]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    return [key[:300] for key in observations if not _is_announced(key, by_kind)]


def _is_announced(key: str, rows: Mapping[str, Sequence[Contact]]) -> bool:
    verb, _, text = key.partition(" ")
    words = json.loads(text)
    if verb == "inventory":
        return True
    if verb == "resolve":
        server = words.get("server") or SYSTEM
        return any(row.covers(QUESTION, words["name"]) and row.address == server for row in rows[QUESTION])
    if verb == "probe":
        return any(_is_probe(row, words) for row in rows[CONNECTION])
    kind = {"run": COMMAND, "read": FILE, "listdir": FOLDER}[verb]
    target = " ".join(words) if verb == "run" else words[0]
    return any(row.covers(kind, target) for row in rows[kind])


def _is_probe(row: Contact, spec: Mapping[str, Any]) -> bool:
    """The name and the port; through a proxy that very proxy, whatever it is spoken to in."""
    if (row.target, row.port) != (spec["host"], spec.get("port", 443)):
        return False
    proxy = spec.get("proxy", "")
    through = "://" in row.address
    return through == bool(proxy) and (not through or _place(row.address) == _place(proxy))


def _place(url: str) -> str:
    return url.rpartition("://")[2].rpartition("@")[2].rstrip("/")
