"""`deregister` and `reset`: AWS first, so that no ghost stays there, then the host, its registration last."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from anywhere.changes import engine
from anywhere.changes.agents.ecs import cluster_of
from anywhere.changes.agents.result import State
from anywhere.changes.base import ChangeFailed, Planner, Step
from anywhere.changes.journal import FOLDER, Entry
from anywhere.changes.leave.identity import reclaim_steps, seal_steps
from anywhere.changes.leave.note import PATH as NOTE
from anywhere.changes.leave.note import Note
from anywhere.changes.leave.paths import ECS_STATE, REGISTRATION, there
from anywhere.changes.leave.plan import (
    STUCK,
    agents_folders,
    clean_plan,
    left_command,
    parents_command,
    reset_plan,
    stop_plan,
)
from anywhere.changes.leave.result import Left
from anywhere.changes.proxy import plan as proxy_change
from anywhere.changes.rules import plan as rules_change
from anywhere.flows.life import unfinished
from anywhere.flows.life.leaving import REGISTER, Instance, Leave, deregister_in_aws, settled, ssm_command
from anywhere.flows.lifecycle.order import Listener, Steps
from anywhere.hosts.base import Host
from anywhere.wording import some


@dataclass
class Leaving:
    """One host that is deregistered or reset."""

    host: Host
    order: Leave
    listener: Listener = field(default_factory=Listener)

    def __call__(self, *, dry: bool = False) -> Left:
        """Do it, or with `dry` say what would be done. Never raises for the state of the host."""
        return settled(self.host, partial(self._run, dry))

    def _run(self, dry: bool) -> Left:
        instance = Instance(self.host, self.listener, self.order.force_missing)
        return self._planned(instance) if dry else self._leave(instance)

    def _is_done(self, instance: Instance) -> bool:
        if self.order.mode or instance.begun or unfinished.is_there(self.host):
            return False
        if self.order.verb == "reset":
            return not instance.here.registration.instance and not there(self.host, (ECS_STATE, *REGISTRATION))
        left = there(self.host, agents_folders(self.host, instance.note))
        return not left and not instance.note.packages and not any(instance.entries(REGISTER))

    def _planned(self, instance: Instance) -> Left:
        if self._is_done(instance):
            return instance.left(State.ALREADY)
        return replace(
            instance.left(State.PLANNED),
            orphans=instance.orphans(instance.account()),
            steps=tuple(self._titles(instance)),
        )

    def _titles(self, instance: Instance) -> Iterator[str]:
        note = instance.note
        if note.instance and note.copied and self.order.mode != "reclaim":
            yield f"do not deregister {note.instance} in AWS: {note.copied}"
        elif note.instance and self.order.mode != "reclaim":
            how = "with the caller's AWS keys" if instance.account() else "by you: no AWS keys are set here"
            yield f"deregister {note.arn or 'the container instance'} and {note.instance} ({how})"
        yield from (step.title for step in stop_plan(self.host, note, self.order.verb == "reset"))
        yield from unfinished.titles(self.host)
        if self.order.verb == "deregister":
            kept = self._keep(instance)
            for entry in reversed(instance.entries(REGISTER)[0]):
                if entry.undo:
                    why = kept(entry)
                    yield f"do not {entry.restores} yet: {why}" if why else engine.foreseen(self.host, entry)
            rules = reversed(instance.entries(rules_change.JOURNAL)[0])
            yield from (engine.foreseen(self.host, entry) for entry in rules if entry.undo)
        yield from (step.title for step in self._last(instance))

    def _last(self, instance: Instance) -> tuple[Step, ...]:
        if self.order.verb == "deregister":
            return clean_plan(self.host, instance.note)
        more: tuple[Step, ...] = ()
        if self.order.mode == "seal":
            more = tuple(seal_steps(self.host))
        elif self.order.mode == "reclaim":
            more = tuple(reclaim_steps())
        return (*reset_plan(self.host, logs=self.order.mode == "seal"), *more)

    def _leave(self, instance: Instance) -> Left:
        if self._is_done(instance):
            return instance.left(State.ALREADY)
        account = instance.account()
        orphans = instance.orphans(account)
        commands: tuple[tuple[str, ...], ...] = ()
        if self.order.mode != "reclaim":  # a clone's instance is that of the machine it was copied from
            commands = deregister_in_aws(instance, account, managed=True)
        steps = [*self._apply(partial(_stopped, instance=instance, disable=self.order.verb == "reset"))]
        moved = unfinished.put_back(self.host)
        undos = [moved, *self._undo(instance)]
        steps += [title for undone in undos for title in undone.undone]
        failed = [one for undone in undos for one in undone.failed]
        lost = [one for undone in undos[1:] for one in undone.lost]
        differences = [*moved.lost, *(one for undone in undos for one in undone.kept)]
        steps += self._apply(lambda host: self._last(instance))
        left = [(what, why) for what, _, why in self._left(instance)]
        stuck = [one for one in left if self.order.verb == "reset" or one[1] == STUCK]
        if failed or stuck:  # the note stays, so that the next run knows the instance
            raise ChangeFailed(
                _said("not undone", failed) + "; " * bool(failed and stuck) + _said("not removed", stuck)
            )
        self.host.run(parents_command(), timeout=20)
        differences += left
        differences += self._differences(instance)
        unfinished.forget(self.host)
        engine.forget(self.host, self.order.verb)
        self.host.run(("rm", "-f", NOTE), timeout=20)
        self.host.run(("rmdir", FOLDER), timeout=20)
        result = replace(
            instance.left(State.DONE),
            orphans=orphans,
            steps=tuple(dict.fromkeys(steps)),
            differences=tuple(differences),
            commands=commands,
        )
        return _incomplete(result, lost) if lost else result

    def _apply(self, planner: Planner) -> tuple[str, ...]:
        applied = engine.apply(self.host, self.order.verb, planner, Steps(self.listener))
        return tuple(step.title for step in applied.done)

    def _undo(self, instance: Instance) -> Iterator[engine.Reverted]:
        """What `register` did, the rules first: they are for its agent."""
        if self.order.verb != "deregister":
            return
        force = self.order.force_missing
        with instance.timed("take back the rules"):
            yield engine.revert(self.host, rules_change.JOURNAL, traces=rules_change.traces, force_missing=force)
        with instance.timed("take back what register did"):
            yield engine.revert(self.host, REGISTER, force_missing=force, keep=self._keep(instance))

    def _keep(self, instance: Instance) -> Callable[[Entry], str]:
        """Docker stays while it has containers: they are somebody's."""
        others = instance.task_containers()

        def why(entry: Entry) -> str:
            if not others or entry.key not in ("package:docker", "unit:docker.service"):
                return ""
            return f"containers are there: {some(others)}. Remove them, then run this command again"

        return why

    def _left(self, instance: Instance) -> Iterator[tuple[str, str, str]]:
        """What of the agents' files is left, and why. A reset is for the registration and the state: none of it may stay."""
        lines = self.host.run(
            left_command(self.host, instance.note, self.order.verb == "reset"), timeout=60
        ).stdout.splitlines()
        return (line.partition(": ") for line in lines)

    def _differences(self, instance: Instance) -> Iterator[tuple[str, str]]:
        note = instance.note
        if note.copied and note.instance and self.order.mode != "reclaim":
            where = cluster_of(note.arn) if note.arn else note.cluster
            yield f"{note.instance} and its container instance in {where or 'ECS'}", _another(note)
        if self.order.verb != "deregister":
            return
        if there(self.host, ("/etc/ecs",)):
            yield "/etc/ecs", "it holds files that are not the agent's"
        if any(instance.entries(proxy_change.JOURNAL)):
            yield "the proxy profile", "docker uses it too: `anywhere proxy revert` takes it back"


def _stopped(host: Host, instance: Instance, disable: bool) -> tuple[Step, ...]:
    return stop_plan(host, instance.note, disable)


def _said(head: str, rows: Sequence[tuple[str, str]]) -> str:
    return f"{head}: " + "; ".join(f"{what} ({why})" for what, why in rows) if rows else ""


def _another(note: Note) -> str:
    return (
        f"{note.copied}. If that is another host, this is its instance and has to stay. If this host's own machine-id or "
        f"hardware was changed, deregister it: `{shlex.join(ssm_command(note))}`"
    )


def _incomplete(result: Left, lost: Sequence[tuple[str, str]]) -> Left:
    """All that could be undone is; the record of the rest is given up, so another run would not find it."""
    said = "; ".join(f"{what} ({why})" for what, why in lost)
    fix = "Put these back by hand: another run finds no record of them."
    return replace(result, state=State.FAILED, error=f"done, but not undone: {said}", fix=fix)
