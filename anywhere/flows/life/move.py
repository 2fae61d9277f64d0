"""`move --cluster`: into another cluster of the same account and region, healthy there, or back where it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from anywhere.aws.account import Account, Refused
from anywhere.changes import engine
from anywhere.changes.agents.ecs import saved_cluster
from anywhere.changes.agents.refusals import explain_agent
from anywhere.changes.agents.result import State
from anywhere.changes.base import ChangeFailed, HostBusy, Step
from anywhere.changes.interrupts import Interrupted
from anywhere.changes.leave.move import ASIDE, JOURNAL, current_cluster, move_plan
from anywhere.changes.leave.note import PATH as NOTE
from anywhere.changes.leave.result import Left
from anywhere.flows.life import unfinished
from anywhere.flows.life.leaving import REGISTER, Instance, Leave, deregister_in_aws, settled
from anywhere.flows.lifecycle.healthy import Health, health, wait_healthy
from anywhere.flows.lifecycle.order import Listener, NotRegistered, Steps
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording
from anywhere.redact import redact


@dataclass
class Moving:
    """One host that moves to another cluster."""

    host: Host
    order: Leave
    listener: Listener = field(default_factory=Listener)

    def __call__(self, *, dry: bool = False) -> Left:
        """Move, or with `dry` say what would be done. Never raises for the state of the host."""
        return replace(settled(self.host, partial(self._run, dry)), moved_to=self.order.cluster)

    def _run(self, dry: bool) -> Left:
        instance = Instance(self.host, self.listener, self.order.force_missing)
        return self._planned(instance) if dry else self._move(instance)

    def _plan(self, host: Host, instance: Instance) -> tuple[Step, ...]:
        return move_plan(host, self.order.cluster, instance.note)

    def _planned(self, instance: Instance) -> Left:
        self._require(instance)
        steps = self._plan(Recording(self.host), instance)
        if not steps and not instance.begun:
            return instance.left(State.ALREADY)
        titles = tuple(step.title for step in steps)
        if self._is_its_own(instance):
            return replace(instance.left(State.PLANNED), steps=titles)
        account = Account.of(instance.note.region)
        how = "with the caller's AWS keys" if account else "by you: no AWS keys are set here"
        last = f"deregister {instance.note.arn or 'the old container instance'} from {instance.note.cluster} ({how})"
        return replace(
            instance.left(State.PLANNED),
            orphans=instance.orphans(account),
            steps=(*titles, last),
        )

    def _is_its_own(self, instance: Instance) -> bool:
        """Whether the host is in that cluster by its saved state, and only its settings name another one."""
        return instance.note.cluster == self.order.cluster == saved_cluster(self.host)

    def _require(self, instance: Instance) -> None:
        if not instance.here.registration.is_registered or not instance.here.has_ecs:
            said = "this host is not registered with ECS Anywhere: there is nothing to move"
            raise NotRegistered(said, "registration.missing")
        if said := instance.note.copied:
            fix = "`anywhere reset --reclaim` makes this host its own; then register it with a fresh activation"
            raise NotRegistered(f"nothing was changed: {said}", "identity.duplicate", fix)

    def _move(self, instance: Instance) -> Left:
        self._require(instance)
        planner = partial(self._plan, instance=instance)
        if not instance.begun and not engine.observe(self.host, planner) and health(self.host, self.order.cluster).ok:
            return instance.left(State.ALREADY)
        is_own = self._is_its_own(instance)
        if instance.begun and instance.note.cluster == self.order.cluster and not is_own:
            return self._return(instance)
        if not instance.begun:
            unfinished.forget_move(self.host)
        account = Account.of(instance.note.region)
        orphans = () if is_own else instance.orphans(account)
        try:
            done = engine.apply(self.host, JOURNAL, planner, Steps(self.listener)).done
        except (HostBusy, Interrupted):
            raise
        except ChangeFailed as error:
            return self._back(instance, Health(waiting="all steps", line=str(error)))
        with instance.timed(f"wait until the instance is healthy in {self.order.cluster}"):
            now = wait_healthy(self.host, self.order.cluster, self.order.wait, self.listener.waits)
        if not now.ok:
            return self._back(instance, now)
        return self._finish(instance, account, orphans, tuple(step.title for step in done))

    def _return(self, instance: Instance) -> Left:
        """To the cluster that an earlier run, which did not end, has left: what it did is taken back."""
        with instance.timed(f"move back to {self.order.cluster}"):
            undone = self._undo()
            now = wait_healthy(self.host, self.order.cluster, self.order.wait, self.listener.waits)
        if undone.missed or not now.ok:
            return self._failed(instance, now, f"it was put back into {self.order.cluster}", undone)
        return replace(instance.left(State.DONE), steps=undone.undone)

    def _finish(
        self, instance: Instance, account: Account | None, orphans: tuple[str, ...], steps: tuple[str, ...]
    ) -> Left:
        """The host is healthy in its new cluster: what led back goes, and so does the old container instance."""
        old = instance.note
        result = replace(instance.left(State.DONE), orphans=orphans, steps=steps)
        is_new = old.cluster != self.order.cluster
        try:
            commands = deregister_in_aws(instance, account, managed=False) if is_new else ()
        except Refused as error:
            commands = deregister_in_aws(instance, None, managed=False)
            result = replace(
                result, differences=(("the old container instance", f"AWS refuses: {redact(str(error))}"),)
            )
        engine.adopt(self.host, JOURNAL, REGISTER)
        engine.forget(self.host, JOURNAL)
        self.host.run(("rm", "-f", ASIDE, NOTE), timeout=20)
        return replace(result, commands=commands)

    def _back(self, instance: Instance, now: Health) -> Left:
        """To the cluster that it came from: a host that had an agent has one afterwards. A host that was on its way to the
        cluster of its own saved state gets its settings back, which name another: there is nothing to wait for."""
        old = instance.note.cluster
        if old == self.order.cluster:
            undone = self._undo()
            return self._failed(instance, now, f"ECS_CLUSTER is {current_cluster(self.host)} again, as before", undone)
        with instance.timed(f"move back to {old}"):
            undone = self._undo()
            back = wait_healthy(self.host, old, self.order.wait, self.listener.waits)
        where = f"it is back in {old}" if back.ok else f"it was put back into {old}, and is not healthy there either"
        return self._failed(instance, now, where, undone)

    def _undo(self) -> engine.Reverted:
        undone = engine.revert(self.host, JOURNAL, force_missing=self.order.force_missing)
        if not undone.missed:
            self.host.run(("rm", "-f", NOTE), timeout=20)
        return undone

    def _failed(self, instance: Instance, now: Health, where: str, undone: engine.Reverted) -> Left:
        """Why it is not healthy in the cluster of this move, and where it is now."""
        again = f"run `anywhere move --cluster {self.order.cluster}` again"
        refusal = explain_agent(now.line, instance.note.region, self.order.cluster, again)
        why = refusal.summary if refusal else f"still waiting for {now.waiting}"
        why += f": {redact(now.line)}" if now.line else ""
        failed = f"; not undone: {'; '.join(what for what, _ in undone.missed)}" if undone.missed else ""
        head = "healthy" if now.ok else "not healthy"
        said = f"{head} in {self.order.cluster}{'' if now.ok else f' ({why})'}; {where}{failed}"
        code = refusal.code if refusal else "agent.disconnected"
        return replace(
            instance.left(State.FAILED), error=said, code=code, fix=refusal.fix if refusal else "`anywhere status`"
        )
