"""Leaving, resetting, moving and updating over one host or many: asked first, then in waves, a canary before the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from anywhere.changes.agents.result import State
from anywhere.changes.leave.result import Left
from anywhere.changes.waves import cut, roll
from anywhere.errors import BadInput
from anywhere.flows.hosts import Hosts, is_saved
from anywhere.flows.life.leave import Leaving
from anywhere.flows.life.leaving import Leave
from anywhere.flows.life.move import Moving
from anywhere.flows.life.update import Update, Updating
from anywhere.flows.lifecycle.order import Listener
from anywhere.flows.reported.located import reach, reaching
from anywhere.flows.target import GRACE, Lost, each, opened
from anywhere.hosts.base import Host
from anywhere.hosts.open import HOST_SECONDS
from anywhere.inventory import Entry

SECONDS = 1800.0  # for one host: a package manager that waits for another one included


@dataclass
class Leavers:
    """One order for many hosts. `listener` makes that of a host by its name, `on_wave` hears of each wave."""

    hosts: Hosts
    order: Leave | Update
    wave: str = ""
    listener: Callable[[str], Listener] = field(default=lambda name: Listener())
    on_wave: Callable[[int, int, Sequence[str]], None] = lambda number, of, names: None

    def __post_init__(self) -> None:
        if any(is_saved(entry) for entry in self.hosts.entries):
            raise BadInput("a saved bundle cannot be changed: name a live host")
        self._names = [entry.name for entry in self.hosts.entries]
        cut(self._names, self.wave)

    def plan(self) -> tuple[Left, ...]:
        """What would be done on every host, and what would be orphaned; nothing is changed."""
        return tuple(self._each(self._names, dry=True))

    def run(self, planned: Sequence[Left]) -> tuple[Left, ...]:
        """Do it, in waves where asked; hosts that need nothing take no part."""
        seen = {one.name: one for one in planned}
        if len(self._names) == 1:
            return tuple(self._each(self._names, dry=False))

        def pending(names: Sequence[str]) -> Mapping[str, str | None]:
            return {name: _why(seen[name]) for name in names}

        def act(names: Sequence[str]) -> Mapping[str, str | None]:
            seen.update(zip(names, self._each(names, dry=False), strict=True))
            return {name: None if seen[name].ok else seen[name].error or "failed" for name in names}

        rollout = roll(self._names, self.wave, pending, act, self.on_wave)
        seen.update({name: replace(seen[name], state=State.UNTOUCHED, steps=()) for name in rollout.untouched})
        return tuple(seen[name] for name in self._names)

    def _each(self, names: Sequence[str], *, dry: bool) -> list[Left]:
        entries = [entry for entry in self.hosts.entries if entry.name in names]
        found: dict[str, Left] = {}
        limit = self._seconds + GRACE
        for done in each(self.hosts, lambda entry: self._one(entry, dry), limit, entries):
            name, result = entries[done.index].name, done.result
            if isinstance(result, Lost):
                result = Left(name, State.FAILED, error=result.finding.summary, code=result.cause.code)
            found[name] = result
        return [found[name] for name in names]

    @property
    def _seconds(self) -> float:
        return SECONDS if self.hosts.seconds == HOST_SECONDS else self.hosts.seconds

    def _one(self, entry: Entry, dry: bool) -> Left:
        with opened(entry, self.hosts, self._seconds, self._seconds) as host:
            done = _act(host, self.order, self.listener(entry.name), dry)
        words = reach(entry, self.hosts)
        now, fix, error = (reaching(text, words) for text in (done.now, done.fix, done.error))
        return replace(done, name=entry.name, now=now, fix=fix, error=error)


def _act(host: Host, order: Leave | Update, listener: Listener, dry: bool) -> Left:
    if isinstance(order, Update):
        return Updating(host, order, listener)(dry=dry)
    kind = Moving if order.verb == "move" else Leaving
    return kind(host, order, listener)(dry=dry)


def _why(planned: Left) -> str | None:
    """For the waves: None needs it, empty does not, a text cannot have it."""
    if planned.state is State.PLANNED:
        return None
    return "" if planned.state is State.ALREADY else planned.error or "failed"
