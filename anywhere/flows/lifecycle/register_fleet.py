"""Registration over one host or many: in waves, a canary first, resumable; one download and one activation for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from anywhere.changes.agents.result import Result, State, row_of
from anywhere.changes.agents.ssm import KEY
from anywhere.changes.waves import Rollout, cut, roll
from anywhere.errors import BadInput
from anywhere.files import append_lines, open_input
from anywhere.flows.examine import examine
from anywhere.flows.hosts import Hosts, is_saved
from anywhere.flows.lifecycle.order import Listener, Order
from anywhere.flows.lifecycle.register import Run
from anywhere.flows.lifecycle.uses import check_uses
from anywhere.flows.reported.located import located, place, reach, reaching
from anywhere.flows.target import GRACE, Lost, each, opened, recorded
from anywhere.hosts.open import HOST_SECONDS
from anywhere.inventory import Entry
from anywhere.model import Target
from anywhere.settings import Settings

SECONDS = 3600.0  # for one host, from login to the last proof: packages of a slow mirror included
LOOK_SECONDS = 20.0  # for a check on the way: a host that installs packages is slow, and a look must not end the run
SCHEMA = "anywhere/registered/1"


@dataclass
class Rollouts:
    """One order for many hosts. `listener` makes that of a host, by its name; `on_wave` hears of each wave."""

    hosts: Hosts
    order: Order
    wave: str = ""
    resume: str = ""
    listener: Callable[[str], Listener] = field(default=lambda name: Listener())
    on_wave: Callable[[int, int, Sequence[str]], None] = lambda number, of, names: None

    def run(self, *, dry: bool = False) -> tuple[Result, ...]:
        """Every host's result, in the order of the hosts. Raises BadInput for what cannot be done anywhere."""
        if any(is_saved(entry) for entry in self.hosts.entries):
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
            check_uses(self.order, sum(any(step.key == KEY for step in seen[name].steps) for name in group))
            return {name: _why(seen[name]) for name in group}

        def act(group: Sequence[str]) -> Mapping[str, str | None]:
            seen.update(zip(group, self._each(group, False)))
            return {name: None if seen[name].ok else seen[name].error or "failed" for name in group}

        rollout: Rollout = roll(names, self.wave, pending, act, self.on_wave)
        seen.update({name: replace(seen[name], state=State.UNTOUCHED, steps=()) for name in rollout.untouched})
        return seen

    def _each(self, names: Sequence[str], dry: bool) -> list[Result]:
        entries = [next(entry for entry in self.hosts.entries if entry.name == name) for name in names]
        found: dict[str, Result] = {}
        for done in each(self.hosts, partial(self._one, dry=dry), self._seconds + GRACE, entries):
            name, result = entries[done.index].name, done.result
            if isinstance(result, Lost):
                lost = result.cause
                fix = lost.remedy.text if lost.remedy else ""
                result = Result(name, State.FAILED, error=lost.summary, code=lost.code, causes=(lost,), fix=fix)
            found[name] = result
        return [found[name] for name in names]

    @property
    def _seconds(self) -> float:
        return SECONDS if self.hosts.seconds == HOST_SECONDS else self.hosts.seconds

    def _one(self, entry: Entry, dry: bool) -> Result:
        with opened(entry, self.hosts, self._seconds, self._seconds) as host:
            run = Run(host, self.order, partial(self._look, entry), self.listener(entry.name))
            result = _located(replace(run(dry=dry), name=entry.name), reach(entry, self.hosts))
        if self.resume and not dry and result.ok:
            keep_result(self.resume, result)
        return result

    def _look(self, entry: Entry, settings: Settings) -> Target:
        patient = replace(settings, budget=max(settings.budget, LOOK_SECONDS))
        with recorded(entry, self.hosts, patient.budget, self._seconds) as (recording, _):
            return located(examine(recording, patient), entry, self.hosts)


def _located(result: Result, words: tuple[str, ...]) -> Result:
    """The result with commands that reach this host again."""
    rows = tuple(
        replace(one, commands=tuple(place(command, words) for command in one.commands)) for one in result.differences
    )
    now, fix, error = (reaching(text, words) for text in (result.now, result.fix, result.error))
    return replace(result, differences=rows, now=now, fix=fix, error=error)


def _why(result: Result) -> str | None:
    """For the waves: None needs the change, empty does not, a text cannot have it."""
    if result.state is State.PLANNED:
        return None
    return result.error or "failed"


def keep_result(path: str, result: Result) -> None:
    """Add one line to the resume file. Raises BadInput."""
    row = {"schema": SCHEMA, **row_of(result)}
    try:
        append_lines(path, (json.dumps(row) + "\n").encode())
    except OSError as error:
        raise BadInput(f"--resume {path}: {error.strerror}") from None


def read_results(path: str) -> dict[str, Result]:
    """The hosts that an earlier run has done; a line that was cut off counts for nothing. Raises BadInput."""
    try:
        with open_input(path) as file:
            lines = file.read(64 << 20).decode("utf-8", "replace").splitlines()
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
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    if lines and not found:
        raise BadInput(f"--resume {path} is not a file of register results")
    return found
