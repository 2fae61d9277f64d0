"""One host of a run: opened, used, closed. Only here an unreachable host becomes a finding."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from anywhere.errors import AnywhereError, HostUnreachable
from anywhere.flows.fleet import Done, Fleet
from anywhere.flows.hosts import Hosts, is_saved
from anywhere.flows.reported.clean import clean
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.open import open_live, open_recorded
from anywhere.hosts.recording import Recording
from anywhere.inventory import Entry
from anywhere.model import Cause, Finding, Remedy, Status, Target

CHECK = "host.reach"
LOST = HostUnreachable.__name__
GRACE = 5.0  # seconds past a host's own time limit, before it is given up
ADVICE = "Check the address, the key and known_hosts."
Result = TypeVar("Result")


@frozen
class Lost:
    """A host that could not be reached, or whose connection was lost: the finding about it, and its cause."""

    finding: Finding
    cause: Cause

    @classmethod
    def of(
        cls, name: str, error: HostUnreachable, place: int = 0, evidence: Mapping[str, object] | None = None
    ) -> Lost:
        """What an error means for the host; `place` is where its finding will stand in the target's list."""
        summary = clean(str(error).removeprefix(f"{name}: "))
        remedy = Remedy(clean(error.remedy) or ADVICE)
        known = {"timed": error.timed, "was_up": error.was_up}
        evidence = {**(evidence or {}), **{name: True for name, value in known.items() if value}}
        finding = Finding(CHECK, Status.ERROR, name, summary, evidence=evidence, remedy=remedy, cause=error.code)
        return cls(finding, Cause(error.code, Status.ERROR, summary, (name,), remedy, (place,)))

    def target(self, started: str = "", seconds: float = 0.0) -> Target:
        """A target that has this finding alone."""
        name = self.finding.subject
        return Target(name, started=started, seconds=round(seconds, 3), causes=(self.cause,), findings=(self.finding,))


class WrongForAll(AnywhereError):
    """The request is wrong for all hosts, not for one: it ends the run even if there are many."""


def each(
    hosts: Hosts,
    act: Callable[[Entry], Result],
    seconds: float,
    entries: Sequence[Entry] | None = None,
    slow: float | None = None,
) -> Iterator[Done[Result | Lost]]:
    """The result of `act` for every host (or for `entries`), in the order in which they finish; `Lost` for one that cannot
    be reached or takes longer than `seconds`. After `slow` seconds (None: three times the median) a host no longer counts
    against the limit of parallel hosts.

    Of many hosts, none stops the others: each error becomes `Lost`. With a single host, other errors are raised.
    """
    many = len(hosts.entries) > 1
    fleet: Fleet[Entry, Result | Lost] = Fleet(
        hosts.entries if entries is None else entries,
        lambda entry: _caught(entry, act, many),
        lambda entry: _given_up(entry, hosts),
        hosts.parallel,
        seconds,
        slow,
    )
    return fleet.run()


def _caught(entry: Entry, act: Callable[[Entry], Result], many: bool) -> Result | Lost:
    try:
        return act(entry)
    except HostUnreachable as error:
        return Lost.of(entry.name, error)
    except WrongForAll:
        raise
    except AnywhereError as error:
        if not many:
            raise
        return Lost.of(entry.name, HostUnreachable(str(error)))
    except Exception as error:
        if not many:
            raise
        lines = traceback.format_exc().strip().splitlines()
        said = HostUnreachable(f"internal error: {type(error).__name__}: {error}")
        return Lost.of(entry.name, said, evidence={"traceback": lines})


def _given_up(entry: Entry, hosts: Hosts) -> Lost:
    remedy = "Find out what hangs on the host, or raise --host-timeout."
    said = f"no result within {hosts.seconds:.0f} s"  # longer than a login may take
    return Lost.of(entry.name, HostUnreachable(said, remedy=remedy, timed=True, was_up=True))


@contextmanager
def opened(entry: Entry, hosts: Hosts, budget: float, seconds: float) -> Iterator[Host]:
    """A live host to act on, closed at the end. Raises BadInput (a bundle, a bad name) or HostUnreachable."""
    host = open_live(entry.spec, budget, hosts.ssh, seconds)
    try:
        yield host
    finally:
        host.close()


@contextmanager
def recorded(entry: Entry, hosts: Hosts, budget: float, seconds: float) -> Iterator[tuple[Recording, Host | None]]:
    """A recording of a host or of a saved bundle, closed at the end, and the live host (None: a bundle)."""
    if is_saved(entry):
        yield open_recorded(entry.spec, budget), None
        return
    with opened(entry, hosts, budget, seconds) as live:
        yield Recording(live), live


def gone(target: Target) -> Target:
    """The target of a host whose connection was lost during the run: earlier findings stay, and one reports the loss."""
    kept = [i for i, finding in enumerate(target.findings) if finding.evidence.get("because") != LOST]
    if len(kept) == len(target.findings):
        return target
    first = next(finding for finding in target.findings if finding.evidence.get("because") == LOST)
    known = {name: first.evidence.get(name) is True for name in ("timed", "was_up")}
    error = HostUnreachable(first.summary, code=first.cause, remedy=first.remedy.text if first.remedy else "", **known)
    lost = Lost.of(target.name, error, len(kept))
    places = {old: new for new, old in enumerate(kept)}
    causes = (replace(one, findings=tuple(places[i] for i in one.findings if i in places)) for one in target.causes)
    findings = (*(target.findings[i] for i in kept), lost.finding)
    return replace(target, findings=findings, causes=(*(one for one in causes if one.findings), lost.cause))
