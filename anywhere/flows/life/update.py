"""`update`: newer agents from verified packages, healthy with them, or back to the versions before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from anywhere.artifacts.sources import LATEST
from anywhere.artifacts.version import package_version
from anywhere.catalogue.compatibility import table
from anywhere.catalogue.distros import judge_release
from anywhere.changes import engine
from anywhere.changes.agents.refusals import explain_update
from anywhere.changes.agents.result import State
from anywhere.changes.base import ChangeFailed, HostBusy, NeedsRoot, Step
from anywhere.changes.install.packages import LocalPackage
from anywhere.changes.interrupts import Interrupted
from anywhere.changes.leave.result import Left
from anywhere.changes.update.plan import ECS_PACKAGE, JOURNAL, SSM_PACKAGE, Newer, kept_file, update_plan
from anywhere.checks.containers.docker import situation_of
from anywhere.errors import BadInput
from anywhere.facts.agents.agents import Agents, agents, metadata
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.system.machine import architecture
from anywhere.facts.system.os_release import os_release
from anywhere.flows.life.leaving import settled
from anywhere.flows.lifecycle.artifacts import Origin, collect
from anywhere.flows.lifecycle.healthy import Health, wait_healthy
from anywhere.flows.lifecycle.order import Listener, NotRegistered, Steps, Timed
from anywhere.flows.lifecycle.staging import stage, unstage
from anywhere.flows.target import WrongForAll
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording
from anywhere.redact import redact

_TASKS = "running tasks go on: the ECS agent is restarted and takes them over again"


PACKAGES = (SSM_PACKAGE, ECS_PACKAGE)
_OPTIONS = {ECS_PACKAGE: "--version", SSM_PACKAGE: "--ssm-version"}


@frozen
class Update:
    """What is asked: where the packages come from, with their versions, and the seconds until a host has to be healthy."""

    origin: Origin = field(default_factory=Origin)
    wait: float = 180.0
    verb: str = "update"


@dataclass
class Updating:
    """One host whose agents are updated."""

    host: Host
    order: Update
    listener: Listener = field(default_factory=Listener)

    def __call__(self, *, dry: bool = False) -> Left:
        """Update, or with `dry` say what would be done. Never raises for the state of the host."""
        return settled(self.host, partial(self._run, dry))

    def _run(self, dry: bool) -> Left:
        recorded = Recording(self.host)
        here, said = agents(recorded), metadata(recorded)
        if here.registration.is_registered is None:
            raise NeedsRoot("whether this host is registered is in a file of root's: run as root")
        if not here.registration.is_registered or not here.has_ecs:
            raise NotRegistered("this host is not registered: there is nothing to update", "registration.missing")
        cluster = said.cluster or ecs_config(recorded).agent.get("ECS_CLUSTER", "") or "default"
        base = Left(
            self.host.name,
            State.PLANNED,
            here.registration.instance,
            here.registration.region,
            cluster,
            said.instance_arn,
        )
        begun = {entry.key for entry in engine.journaled(self.host, JOURNAL)}
        packages = self._fetch(recorded, here, begun)
        newer = _newer(here, packages)
        require_versions(newer, self.order.origin)
        versions = tuple((n.package.package, n.before, n.version) for n in newer if n.before != n.version)
        base = replace(base, versions=versions)
        self._require_compatible(recorded, versions)
        planner = partial(_plan, manager=_manager(recorded), newer=newer, unfinished=bool(begun))
        steps = engine.observe(self.host, planner)
        if not steps:
            return replace(base, state=State.ALREADY)
        if dry:
            return replace(base, steps=(*(step.title for step in steps), _TASKS))
        try:
            stage(self.host, [one.package for one in newer if one.before != one.version], self.listener)
            return self._apply(base, planner)
        finally:
            unstage(self.host)

    def _fetch(self, recorded: Recording, here: Agents, begun: set[str]) -> tuple[LocalPackage, ...]:
        """A package that a run which was cut off has left half installed is updated too."""
        names = [name for name in PACKAGES if name in here.installed or f"update:{name}" in begun]
        if not names:
            raise NotRegistered("no package of the agents is installed here (a snap updates itself)", "os.unsupported")
        kind = "deb" if _manager(recorded) == "apt" else "rpm"
        with Timed(f"fetch and verify {' and '.join(names)}", self.listener):
            region = here.registration.region
            return collect(
                names, region, architecture(recorded).kernel, kind, self.order.origin, self.listener.received
            )

    def _require_compatible(self, recorded: Recording, versions: Sequence[tuple[str, str, str]]) -> None:
        new = next((version for name, _, version in versions if name == "amazon-ecs-init"), "")
        if not new:
            return
        situation = situation_of(recorded, new.partition("-")[0])
        for pair in table().pairs:
            if pair.severity == "fail" and pair.applies(situation):
                said = f"not begun: agent {new} does not work with this host's docker: {pair.text}"
                raise NotRegistered(said, "docker.agent-incompatible", pair.fix)

    def _apply(self, base: Left, planner: partial[tuple[Step, ...]]) -> Left:
        try:
            done = engine.apply(self.host, JOURNAL, planner, Steps(self.listener)).done
        except (HostBusy, Interrupted):
            raise
        except ChangeFailed as error:
            refusal = explain_update(str(error))
            return self._back(base, f"{refusal.summary}: {redact(str(error))[:300]}", refusal.code)
        with Timed("wait until the instance is healthy", self.listener):
            now = wait_healthy(self.host, base.cluster, self.order.wait, self.listener.waits)
        if not now.ok:
            line = f": {redact(now.line)}" if now.line else ""
            return self._back(base, f"not healthy, still waiting for {now.waiting}{line}", "agent.disconnected")
        engine.forget(self.host, JOURNAL)
        return replace(base, state=State.DONE, steps=(*(step.title for step in done), _TASKS))

    def _back(self, base: Left, why: str, code: str) -> Left:
        with Timed("put the versions before back", self.listener):
            undone = engine.revert(self.host, JOURNAL)
            now: Health = wait_healthy(self.host, base.cluster, self.order.wait, self.listener.waits)
        where = "the versions before are back" + ("" if now.ok else f", and still waiting for {now.waiting}")
        if undone.missed:
            where = f"not undone: {'; '.join(f'{what} ({reason})' for what, reason in undone.missed)}"
        said = f"{why}; {where}"
        return replace(base, state=State.FAILED, error=said, code=code, fix="`anywhere status`")


class OtherVersion(WrongForAll, BadInput):
    """The folder holds another version than the one that is asked for."""


def require_versions(newer: Sequence[Newer], origin: Origin) -> None:
    """Raises OtherVersion where a folder or mirror has not the version that was named, NotRegistered for an older one that
    nobody has named."""
    for one in newer:
        name = one.package.package
        option, wanted = _OPTIONS[name], origin.ecs_version if name == ECS_PACKAGE else origin.ssm_version
        named = wanted in (one.version, one.version.partition("-")[0])
        if wanted != LATEST and not named:
            where = origin.folder or origin.url or "the mirror of AWS"
            raise OtherVersion(
                f"{option} asks for {name} {wanted}, and {where} has {one.version}: give that, or leave it out"
            )
        if one.before and not named and _numbers(one.version) < _numbers(one.before):
            said = f"not begun: {name} {one.version} is older than {one.before}, which is installed"
            raise NotRegistered(said, "", f"give newer packages, or {option} {one.version} to go back to it")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in re.findall(r"\d+", version))


def _newer(here: Agents, packages: Sequence[LocalPackage]) -> tuple[Newer, ...]:
    rows = []
    for one in packages:
        before, kind = here.installed.get(one.package, ("", "deb"))
        rows.append(Newer(one, package_version(one.path), before, kept_file(one.package, before, kind)))
    return tuple(rows)


def _plan(host: Host, manager: str, newer: Sequence[Newer], unfinished: bool) -> tuple[Step, ...]:
    return update_plan(host, manager, newer, unfinished)


def _manager(recorded: Recording) -> str:
    family = judge_release(os_release(recorded)).family
    if family is None or not family.manager:
        raise NotRegistered("no package of the agents fits this operating system", "os.unsupported")
    return family.manager
