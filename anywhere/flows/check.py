"""`check`: every host examined, its observations saved, the results in the inventory's order."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from anywhere.catalogue.endpoints import endpoints
from anywhere.errors import BadInput
from anywhere.files import writable
from anywhere.flows.clones import judge_fleet, same_machine
from anywhere.flows.examine import choose, examine
from anywhere.flows.hosts import Hosts, is_saved, titles
from anywhere.flows.lateness.again import (
    HURRY,
    LEAST_TRY,
    MORE,
    depends_on_time,
    is_silent,
    is_stuck,
    unjudged,
    with_room,
)
from anywhere.flows.lateness.pace import ALL_THE_TIME, HALF, Pace
from anywhere.flows.lateness.room import Late, always, room
from anywhere.flows.region import region_of
from anywhere.flows.reported.located import located
from anywhere.flows.reported.packed import packed
from anywhere.flows.resume import Journal
from anywhere.flows.target import GRACE, Lost, WrongForAll, each, gone, recorded
from anywhere.frozen import frozen
from anywhere.hosts.base import Deadline
from anywhere.hosts.bundle import load, save
from anywhere.hosts.memory import keep_what_is_there
from anywhere.hosts.recording import Recording
from anywhere.inventory import Entry
from anywhere.model import Report, Target
from anywhere.report.bundle import Difference, differences
from anywhere.report.life.drift import of_files, snapshot, words
from anywhere.settings import PHASES, Settings
from anywhere.wording import now

__all__ = ["Check", "Checked", "compare", "examine_bundle", "load"]

LEAST_BUDGET, MOST_BUDGET, MOST_IDLE = 0.5, 600.0, 3600.0
_UNSAFE = re.compile(r"[^A-Za-z0-9._@+-]+")
Heard = Callable[[Target], None]


@frozen
class Checked:
    """The result of a run. `twins` are names of the same machine; `left` is the number of hosts that an interrupted run did
    not reach; `whole` is whether it was not interrupted."""

    report: Report
    twins: Sequence[tuple[str, ...]]
    left: int
    whole: bool


class Check:
    """A run over hosts. `save` is a bundle's path, or of many hosts a folder; `resume` keeps results as they come.

    Raises BadInput for every invalid option before anything is done.
    """

    def __init__(self, settings: Settings, hosts: Hosts, save: str = "", resume: str = "") -> None:
        validate(settings)
        self.settings, self.hosts, self.save = settings, hosts, save
        self.many = len(hosts.entries) > 1 or save.endswith("/") or os.path.isdir(save)
        if save:
            writable(save.rstrip("/")) if not self.many else _make_folder(save)
        self._titles: Mapping[str, str] = titles(hosts.entries) if self.many else {}
        self._journal = Journal(resume, as_dict(settings)) if resume else None
        journal = self._journal
        names = [entry.name for entry in hosts.entries]
        self.done = {name: journal.done[name] for name in names if journal and journal.has(name)}

    def run(self, *heard: Heard) -> Checked:
        """Check the hosts that have no earlier result; each of `heard` is called with every result as it comes. Ctrl-C ends
        the run with the results so far."""
        done, todo = dict(self.done), [entry for entry in self.hosts.entries if entry.name not in self.done]
        calls = (*([self._journal.add] if self._journal else []), *heard)
        limit = self.hosts.seconds + self.settings.budget + self.settings.idle + GRACE
        whole = True
        try:
            for entry, target in self._settled(todo, limit):
                done[entry.name] = target  # before the callbacks: Ctrl-C may come at any moment
                for call in calls:
                    call(target)
                done[entry.name] = packed(target, len(self.hosts.entries))
        except KeyboardInterrupt:
            whole = False
        targets = tuple(done[entry.name] for entry in self.hosts.entries if entry.name in done)
        left = len(self.hosts.entries) - len(targets)
        return Checked(Report(judge_fleet(targets)), same_machine(targets), left, whole)

    def _settled(self, todo: Sequence[Entry], limit: float) -> Iterator[tuple[Entry, Target]]:
        """One result for each host. A failure that an overload of this machine may explain is measured again when the
        others are done, and so is a host that did not answer. A single host is tried again at once, in the rest of its
        time."""
        if len(todo) == 1:
            yield from self._alone(todo, limit)
            return
        keep_what_is_there()
        with Pace() as pace:
            late = partial(pace.was_late, part=HALF)
            doubtful: list[Entry] = []
            silent: dict[str, tuple[Entry, Target]] = {}
            patient = self.hosts
            for entry, target, seconds in self._measured(self.hosts, todo, limit, late):
                if target.reach and is_silent(target):
                    silent[entry.name] = entry, target
                    patient = (
                        with_room(self.hosts, self.hosts.parallel, login=0.0) if pace.was_late(seconds) else patient
                    )
                elif _is_doubtful(target, pace, seconds):
                    doubtful.append(entry)
                else:
                    yield entry, target
            again = [entry for entry, _ in silent.values()]
            for entry, second, seconds in self._measured(patient, again, limit + MORE, late, HURRY):
                target = _fuller(silent[entry.name][1], second)
                if not is_silent(target) and _is_doubtful(target, pace, seconds):
                    doubtful.append(entry)
                else:
                    yield entry, target
            fewer, slow = with_room(self.hosts), limit + MORE
            for entry, target, seconds in self._measured(fewer, doubtful, slow, always):
                was_late = depends_on_time(target) and pace.was_late(seconds, ALL_THE_TIME)
                yield entry, unjudged(target) if was_late else target

    def _alone(self, todo: Sequence[Entry], limit: float) -> Iterator[tuple[Entry, Target]]:
        for entry, target, seconds in self._measured(self.hosts, todo, limit):
            again = replace(self.hosts, seconds=self.hosts.seconds - seconds)
            if not (target.reach and is_silent(target)) or again.seconds < LEAST_TRY:
                yield entry, target
                continue
            for _, second, more in self._measured(again, todo, limit - seconds):
                kept = _fuller(target, second)
                yield entry, replace(kept, started=target.started, seconds=round(seconds + more, 3))

    def _measured(
        self, hosts: Hosts, entries: Sequence[Entry], limit: float, late: Late | None = None, slow: float | None = None
    ) -> Iterator[tuple[Entry, Target, float]]:
        for result in each(hosts, partial(self._examine, hosts=hosts, late=late), limit, entries, slow):
            entry, target = entries[result.index], result.result
            if isinstance(target, Lost):
                target = target.target(now(), result.seconds)
            yield entry, located(target, entry, hosts), result.seconds

    def _examine(self, entry: Entry, hosts: Hosts, late: Late | None) -> Target:
        own, captured = for_bundle(entry, self.settings)
        whole = Deadline(hosts.seconds)
        with recorded(entry, hosts, own.budget + own.idle, hosts.seconds) as (host, _):
            source = ""
            if not own.regions:
                region, source = region_of(host, {} if captured else os.environ)
                own = replace(own, regions=(region,))
            spare = own.patience if entry.spec == "local" else min(own.patience, whole.left() - host.deadline.left())
            with room(host.deadline, spare, late):
                target = examine(host, own, captured)
            if source:
                target = replace(target, facts={**target.facts, "region_source": source})
            if self.many and target.name == "local":
                target = replace(target, name=self._titles.get(entry.name, target.name))
            if self.save:
                self._keep(host, own, target)
        return gone(target)

    def _keep(self, host: Recording, settings: Settings, target: Target) -> None:
        path = os.path.join(self.save, f"{_UNSAFE.sub('_', host.name)}.json.gz") if self.many else self.save
        save(host, path, target.started, as_dict(settings))


def _is_doubtful(target: Target, pace: Pace, seconds: float) -> bool:
    """Whether another run with more time could give another result. This machine itself is never measured again."""
    return bool(target.reach) and (is_stuck(target) or (depends_on_time(target) and pace.was_late(seconds)))


def _fuller(first: Target, second: Target) -> Target:
    """Of two results for a host that stopped answering: the second, unless it is empty and the first is not."""
    return first if is_silent(second) and len(first.findings) > 1 else second


def examine_bundle(path: str) -> Target:
    """Check a saved bundle with the options that it was saved with. Raises BadInput."""
    entry = Entry(path, path)
    settings, captured = for_bundle(entry, Settings())
    with recorded(entry, Hosts((entry,)), settings.budget, 0) as (host, _):
        return examine(host, replace(settings, regions=settings.regions or (region_of(host, {})[0],)), captured)


def compare(old: str, new: str) -> tuple[dict[str, Any], dict[str, Any], tuple[Difference, ...], tuple[str, ...]]:
    """Two bundles, the differences between them, and the same as sentences. Raises BadInput."""
    before, after = load(old), load(new)
    targets = examine_bundle(old), examine_bundle(new)
    seen = before["observations"], after["observations"]
    drift = (*words(*map(snapshot, targets)), *of_files(*seen))
    return before, after, tuple(differences(*targets, *seen)), tuple(dict.fromkeys(drift))


class OtherBundle(WrongForAll, BadInput):
    """The bundle lacks an observation that the options ask for: this is wrong for all hosts."""


def for_bundle(entry: Entry, settings: Settings) -> tuple[Settings, str]:
    """The settings for a host, and when it was observed (empty: now). A bundle uses the options that it was saved with;
    `--only`, `--skip`, `--demote` and `--phase` still apply."""
    if not is_saved(entry):
        return settings, ""
    body = load(str(entry.spec))
    saved = body.get("settings", {})
    for option, asked, held in (
        ("--region", settings.regions, saved.get("regions", ())),
        ("--with", sorted(settings.features), saved.get("features", ())),
        ("--endpoint", settings.own, saved.get("own", ())),
    ):
        if held_not := [word for word in asked if word not in held]:
            raise OtherBundle(
                f"{entry.spec}: saved with {option} {','.join(held) or '(none)'}, so it cannot answer for "
                f"{','.join(held_not)}: leave {option} out, or save a new bundle with it"
            )
    own = replace(
        settings,
        regions=settings.regions or tuple(saved.get("regions", ())),
        features=settings.features or frozenset(saved.get("features", ())),
        own=settings.own or tuple(saved.get("own", ())),
        expect=settings.expect or tuple(saved.get("expect", ())),
        shards=saved.get("shards", settings.shards),
        dualstack=bool(saved.get("dualstack", settings.dualstack)),
        fips=bool(saved.get("fips", settings.fips)),
        prove=bool(saved.get("prove", False)),
        accepted_issuers=settings.accepted_issuers or tuple(saved.get("accepted_issuers", ())),
    )
    return own, str(body.get("captured", ""))


def as_dict(settings: Settings) -> dict[str, object]:
    """The settings as JSON values."""
    values = dataclasses.asdict(settings)
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--save {path}: {error.strerror}: of many hosts it is a folder") from error


def check_budget(seconds: float) -> None:
    """Raise BadInput for a time out of range, or NaN."""
    if not LEAST_BUDGET <= seconds <= MOST_BUDGET:
        raise BadInput(f"--budget must be {LEAST_BUDGET:g} to {MOST_BUDGET:g} seconds, not {seconds:g}")


def validate(settings: Settings) -> None:
    """Raise BadInput for settings that no run can use."""
    choose(settings)
    for region in settings.regions or ("us-east-1",):
        endpoints(region, features=settings.features, phases=settings.phases or PHASES, shards=settings.shards)
    check_budget(settings.budget)
    if not 0 <= settings.idle <= MOST_IDLE:
        raise BadInput(f"--idle must be 0 to {MOST_IDLE:g} seconds, not {settings.idle:g}")
