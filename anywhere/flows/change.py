"""What changes hosts: plan, apply in waves, revert, over one host or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TypeVar

from anywhere.changes import engine
from anywhere.changes.base import ChangeFailed, Halted, Planner, Step
from anywhere.changes.interrupts import Interrupted, asked, held
from anywhere.changes.outcome import Outcome, State, exit_code, halted
from anywhere.changes.shell import script
from anywhere.changes.waves import Rollout, cut, roll
from anywhere.errors import BadInput
from anywhere.flows.hosts import Hosts, is_saved, seconds_for
from anywhere.flows.reported.located import reach, reaching
from anywhere.flows.target import GRACE, Lost, each, opened, recorded
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording
from anywhere.inventory import Entry

__all__ = [
    "Interrupted",
    "Outcome",
    "State",
    "Work",
    "apply",
    "as_scripts",
    "asked",
    "exit_code",
    "held",
    "plan",
    "plan_revert",
    "revert",
    "rules",
]

Result = TypeVar("Result")
OnWave = Callable[[int, int, Sequence[str]], None]
Busy = Callable[[str], AbstractContextManager[None]]
"""Shows that something runs, while it does."""


@frozen
class Work:
    """A kind of change: its command, its journal and its planner. `traces` finds what of it is in place on a host,
    `salvage` plans the removal without a journal, `without` says what a host lacks without it (empty: nothing)."""

    verb: str
    journal: str
    planner: Planner
    traces: engine.Traces | None = None
    salvage: Planner | None = None
    without: Callable[[Host], str] = lambda host: ""


def rules(persist: bool = True) -> Work:
    """The network rules for task credentials."""
    from anywhere.changes.rules import plan
    from anywhere.changes.rules.salvage import salvage
    from anywhere.settings import Settings

    planner = partial(plan.plan, settings=Settings(), persist=persist)
    return Work("rules", plan.JOURNAL, planner, plan.traces, salvage, plan.without)


def plan(work: Work, hosts: Hosts) -> tuple[Outcome, ...]:
    """The steps for every host; nothing is changed."""
    found = _on(hosts, None, lambda entry: _look(entry, hosts, work.planner))
    return tuple(_planned(name, result) for name, result in found.items())


def as_scripts(outcomes: Sequence[Outcome]) -> str:
    """Plans as shell scripts, to read or to run by hand."""
    planned = [outcome for outcome in outcomes if outcome.state is not State.FAILED]
    return "\n".join(script([s for s in o.steps if isinstance(s, Step)], o.name) for o in planned)


def plan_revert(work: Work, hosts: Hosts) -> tuple[Outcome, ...]:
    """What a revert would undo, last first; nothing is changed."""
    require_live(hosts)
    lacks: dict[str, str] = {}

    def look(host: Host, name: str) -> tuple[str, ...]:
        titles = _undoable(host, work)
        lacks[name] = work.without(Recording(host)) if titles else ""
        return titles

    found = _on(hosts, None, lambda entry: _act(entry, hosts, partial(look, name=entry.name)))
    return _reachable([replace(_planned(name, one), now=lacks.get(name, "")) for name, one in found.items()], hosts)


def apply(
    work: Work, hosts: Hosts, wave: str, on_wave: OnWave, busy: Busy = lambda _: nullcontext()
) -> tuple[Outcome, ...]:
    """Apply, in waves if `wave` is given. Raises BadInput for a saved bundle or an invalid wave."""
    change = partial(engine.apply, name=work.journal, planner=work.planner)

    def pending(names: Sequence[str]) -> Mapping[str, tuple[Step, ...] | ChangeFailed | Lost]:
        with busy(f"planning {len(names)} hosts"):
            return _on(hosts, names, lambda entry: _look(entry, hosts, work.planner))

    return _rolled(work, hosts, wave, on_wave, pending, change)


def revert(
    work: Work,
    hosts: Hosts,
    wave: str,
    on_wave: OnWave,
    after: Callable[[Host], object] | None = None,
    *,
    force_missing: bool = False,
) -> tuple[Outcome, ...]:
    """Undo, in waves if `wave` is given; `after` is called for each host where something was undone. With `force_missing`
    the intact part of a damaged journal is undone."""

    def pending(names: Sequence[str]) -> Mapping[str, tuple[str, ...] | ChangeFailed | Lost]:
        # What a damaged record still holds is known only when it is undone.
        look = (lambda _: (work.journal,)) if force_missing else partial(_undoable, work=work)
        return _on(hosts, names, lambda entry: _act(entry, hosts, look))

    def change(host: Host) -> engine.Reverted:
        found = engine.revert(host, work.journal, traces=work.traces, force_missing=force_missing, salvage=work.salvage)
        if after and found.undone:
            after(host)
        return replace(found, lacks=work.without(Recording(host)) if found.undone else "")

    return _rolled(work, hosts, wave, on_wave, pending, change)


def require_live(hosts: Hosts) -> None:
    """Raise BadInput where one of the hosts is a saved bundle."""
    if any(is_saved(entry) for entry in hosts.entries):
        raise BadInput("a saved bundle cannot be changed: name a live host")


def _rolled(
    work: Work,
    hosts: Hosts,
    wave: str,
    on_wave: OnWave,
    pending: Callable[[Sequence[str]], Mapping[str, tuple[object, ...] | ChangeFailed | Lost]],
    change: Callable[[Host], engine.Applied | engine.Reverted],
) -> tuple[Outcome, ...]:
    """Change one host directly, many in waves. Hosts that need no change are left out of the waves."""
    require_live(hosts)
    names = [entry.name for entry in hosts.entries]
    cut(names, wave)
    seen: dict[str, object] = {}

    def asked(group: Sequence[str]) -> dict[str, str | None]:
        found = pending(group)
        seen.update(found)
        return {name: _why(one) or (None if one else "") for name, one in found.items()}

    def act(group: Sequence[str]) -> dict[str, str | None]:
        found = _on(hosts, group, lambda entry: _act(entry, hosts, change))
        seen.update(found)
        return {name: _why(one) for name, one in found.items()}

    if len(names) > 1:
        found = _outcomes(roll(names, wave, asked, act, on_wave), seen, work.verb)
    else:
        why = act(names)[names[0]]
        state = State.FAILED if why else State.DONE if _steps(seen[names[0]]) else State.ALREADY
        found = (_outcome(names[0], state, seen[names[0]], why or "", work.verb),)
    return _reachable(found, hosts)


def _reachable(found: Sequence[Outcome], hosts: Hosts) -> tuple[Outcome, ...]:
    """The outcomes, with commands that reach each host from here."""
    words = {entry.name: reach(entry, hosts) for entry in hosts.entries}
    return tuple(
        replace(one, now=reaching(one.now, words[one.name]), error=reaching(one.error, words[one.name]))
        for one in found
    )


def _outcomes(result: Rollout, seen: Mapping[str, object], verb: str) -> tuple[Outcome, ...]:
    failed = dict(result.failed)
    states = {
        **dict.fromkeys(result.already, State.ALREADY),
        **dict.fromkeys(result.done, State.DONE),
        **dict.fromkeys(failed, State.FAILED),
        **dict.fromkeys(result.untouched, State.UNTOUCHED),
    }
    return tuple(_outcome(name, state, seen.get(name), failed.get(name, ""), verb) for name, state in states.items())


def _outcome(name: str, state: State, found: object, why: str, verb: str = "") -> Outcome:
    if isinstance(found, Lost) and state is State.FAILED:
        return Outcome(name, state, error=why, finding=found.finding, cause=found.cause)
    lacks = found.lacks if isinstance(found, engine.Reverted) else ""
    return Outcome(name, state, _steps(found), why, now=_now(found, verb) if why and verb else lacks)


def _now(found: object, verb: str) -> str:
    """The state of a host after a failed change."""
    if isinstance(found, Halted):
        return halted(found, f"anywhere {verb} revert")
    if isinstance(found, engine.Applied):
        return f"all {len(found.done)} steps ran, {len(found.left)} did not last; `anywhere {verb} revert` undoes them"
    if isinstance(found, engine.Reverted):
        return f"{len(found.undone)} restored, {len(found.missed)} not; those are tried again by the next revert"
    return "nothing was changed"


def _planned(name: str, found: tuple[Step | str, ...] | ChangeFailed | Lost) -> Outcome:
    if isinstance(found, tuple):
        return Outcome(name, State.PLANNED, found)
    return _outcome(name, State.FAILED, found, _why(found) or "")


def _steps(found: object) -> tuple[Step | str, ...]:
    """The steps that ran or were undone; empty for a plan."""
    if isinstance(found, engine.Applied | Halted):
        return found.done
    return found.undone if isinstance(found, engine.Reverted) else ()


def _why(found: object) -> str | None:
    """Why it failed; None for success."""
    if isinstance(found, Lost):
        return found.finding.summary
    if isinstance(found, ChangeFailed):
        return str(found)
    if isinstance(found, engine.Applied) and found.left:
        return "done, but it did not last: " + "; ".join(step.title for step in found.left)
    if isinstance(found, engine.Reverted) and found.missed and asked():
        return "interrupted"
    if isinstance(found, engine.Reverted) and found.missed:
        return "not undone: " + "; ".join(f"{title} ({why})" for title, why in found.missed)
    return None


def _on(
    hosts: Hosts, names: Sequence[str] | None, act: Callable[[Entry], Result]
) -> dict[str, Result | ChangeFailed | Lost]:
    """What `act` gives for each of these hosts (None: all), in their order; a change that fails is a result."""
    entries = [entry for entry in hosts.entries if names is None or entry.name in names]

    def caught(entry: Entry) -> Result | ChangeFailed:
        try:
            return act(entry)
        except ChangeFailed as error:
            return error

    found = {done.index: done.result for done in each(hosts, caught, seconds_for(hosts) + GRACE, entries)}
    return {entry.name: found[place] for place, entry in enumerate(entries)}


def _look(entry: Entry, hosts: Hosts, planner: Planner) -> tuple[Step, ...]:
    seconds = seconds_for(hosts)
    with recorded(entry, hosts, seconds, seconds) as (seen, _):
        return planner(seen)


def _act(entry: Entry, hosts: Hosts, act: Callable[[Host], Result]) -> Result:
    seconds = seconds_for(hosts)
    with opened(entry, hosts, seconds, seconds) as host:
        return act(host)


def _undoable(host: Host, work: Work) -> tuple[str, ...]:
    entries = reversed(engine.journaled(host, work.journal, work.traces))
    return tuple(engine.foreseen(host, entry) for entry in entries if entry.undo)
