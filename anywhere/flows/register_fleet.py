"""Registration over one host or many: in waves, a canary first, resumable; one download and one activation for all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from anywhere.changes.agents.result import Result, State, row_of
from anywhere.changes.waves import Rollout, cut, roll
from anywhere.errors import AnywhereError, BadInput
from anywhere.flows.examine import examine
from anywhere.flows.hosts import Hosts
from anywhere.flows.register import Order, Run, Told
from anywhere.flows.target import open_host
from anywhere.hosts.base import Host
from anywhere.hosts.open import HOST_SECONDS, is_bundle, open_live
from anywhere.inventory import Entry
from anywhere.model import Target
from anywhere.settings import Settings
from anywhere.threads import fan_out

SECONDS = 3600.0  # for one host, from login to the last proof: packages of a slow mirror included
SCHEMA = "anywhere/registered/1"


@dataclass
class Rollouts:
    """One order for many hosts. `told` makes the listener of a host, by its name; `wave_told` hears of each wave."""

    hosts: Hosts
    order: Order
    wave: str = ""
    resume: str = ""
    told: Callable[[str], Told] = field(default=lambda name: Told())
    wave_told: Callable[[int, int, Sequence[str]], None] = lambda number, of, names: None

    def run(self, *, dry: bool = False) -> tuple[Result, ...]:
        """Every host's result, in the order of the hosts. Raises BadInput for what cannot be done anywhere."""
        if any(isinstance(entry.spec, str) and is_bundle(entry.spec) for entry in self.hosts.entries):
            raise BadInput("a saved bundle cannot be registered: name a live host")
        names = [entry.name for entry in self.hosts.entries]
        cut(names, self.wave)
        kept = read_results(self.resume) if self.resume else {}
        todo = [name for name in names if name not in kept]
        at_once = dry or len(todo) <= 1
        found = dict(zip(todo, self._each(todo, dry))) if at_once else self._roll(todo)
        return tuple(kept[name] if name in kept else found[name] for name in names)

    def _roll(self, names: Sequence[str]) -> dict[str, Result]:
        seen: dict[str, Result] = {}

        def pending(group: Sequence[str]) -> Mapping[str, str | None]:
            seen.update(zip(group, self._each(group, True)))
            return {name: _why(seen[name]) for name in group}

        def act(group: Sequence[str]) -> Mapping[str, str | None]:
            seen.update(zip(group, self._each(group, False)))
            return {name: None if seen[name].ok else seen[name].error or "failed" for name in group}

        rollout: Rollout = roll(names, self.wave, pending, act, self.wave_told)
        seen.update({name: replace(seen[name], state=State.UNTOUCHED, steps=()) for name in rollout.untouched})
        return seen

    def _each(self, names: Sequence[str], dry: bool) -> list[Result]:
        calls = [partial(self._one, self._entry(name), dry) for name in names]
        return [call() for call in calls] if len(calls) == 1 else fan_out(calls, self.hosts.parallel)

    def _entry(self, name: str) -> Entry:
        return next(entry for entry in self.hosts.entries if entry.name == name)

    def _one(self, entry: Entry, dry: bool) -> Result:
        try:
            host = self._open(entry)
        except AnywhereError as error:
            if len(self.hosts.entries) == 1:
                raise
            return Result(entry.name, State.FAILED, error=str(error))
        try:
            run = Run(host, self.order, partial(self._look, entry), self.told(entry.name))
            result = replace(run(dry=dry), name=entry.name)
        finally:
            _hang_up(host)
        if self.resume and not dry and result.ok:
            keep_result(self.resume, result)
        return result

    def _open(self, entry: Entry) -> Host:
        seconds = SECONDS if self.hosts.seconds == HOST_SECONDS else self.hosts.seconds
        return open_live(entry.spec, seconds, self.hosts.ssh, seconds)

    def _look(self, entry: Entry, settings: Settings) -> Target:
        recording, own = open_host(entry, settings, self.hosts)
        try:
            return examine(recording, own)
        finally:
            recording.close()


def _why(result: Result) -> str | None:
    """For the waves: None needs the change, empty does not, a text cannot have it."""
    if result.state is State.PLANNED:
        return None
    return result.error or "failed"


def keep_result(path: str, result: Result) -> None:
    """Add one line to the resume file. Raises BadInput."""
    row = {"schema": SCHEMA, **row_of(result)}
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BadInput(f"--resume {path}: {error.strerror}") from None


def read_results(path: str) -> dict[str, Result]:
    """The hosts that an earlier run has done; a line that was cut off counts for nothing. Raises BadInput."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(64 << 20).splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadInput(f"--resume {path}: {error.strerror}") from None
    found: dict[str, Result] = {}
    for line in lines:
        try:
            row = json.loads(line)
            if row.pop("schema") != SCHEMA:
                raise BadInput(f"--resume {path} is not a file of register results")
            found[row["host"]] = Result(row["host"], State.ALREADY, row["instance"], row["arn"], row["cluster"])
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    if lines and not found:
        raise BadInput(f"--resume {path} is not a file of register results")
    return found


def _hang_up(host: Host) -> None:
    close = getattr(host, "close", None)
    if close:
        close()
