"""What leaving, resetting and moving have in common: who the instance is, what would be orphaned, what AWS is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from anywhere.aws.account import Account, Refused, Workload, owner_of
from anywhere.changes.agents.copied import copied
from anywhere.changes.agents.ecs import cluster_of, saved_arn
from anywhere.changes.agents.result import State
from anywhere.changes.base import ChangeFailed, Halted, JournalDamaged, NeedsRoot
from anywhere.changes.engine import journaled
from anywhere.changes.journal import Entry
from anywhere.changes.leave.note import Note, read_note
from anywhere.changes.leave.plan import PACKAGES
from anywhere.changes.leave.result import Left
from anywhere.facts.agents.agents import agents, metadata
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.agents.tasks import Task, tasks
from anywhere.flows.lifecycle.artifacts import DownloadFailed, Untrusted
from anywhere.flows.lifecycle.order import Listener, NotRegistered, Timed, usual_fix
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording
from anywhere.redact import redact

REGISTER = "register"
# `docker ps` lists every container; the agent's own is no task.
_OTHERS = ("docker", "ps", "-a", "--format", "{{.Names}}")
AGENT = "ecs-agent"


@frozen
class Leave:
    """What is asked: `verb` is deregister, reset or move; `cluster` where a move goes, `mode` empty, seal or reclaim,
    `wait` the seconds until a moved host has to be healthy, `force_missing` to undo what a damaged record still holds."""

    verb: str
    cluster: str = ""
    mode: str = ""
    wait: float = 180.0
    force_missing: bool = False


@dataclass
class Instance:
    """One host's instance before anything is done to it."""

    host: Host
    listener: Listener = field(default_factory=Listener)
    force_missing: bool = False

    def __post_init__(self) -> None:
        recorded = Recording(self.host)
        self.here, said = agents(recorded), metadata(recorded)
        self.tasks: tuple[Task, ...] | None = tasks(recorded)
        if self.here.registration.is_registered is None:
            raise NeedsRoot("whether this host is registered is in a file of root's: run as root")
        kept = read_note(self.host)
        self.begun = kept is not None
        # An agent that does not run, or runs with other settings than it was registered with, is what its state says.
        arn = said.instance_arn or saved_arn(self.host)
        self.arns = tuple(dict.fromkeys(filter(None, (kept.arn if kept else "", arn))))
        self.note = kept or Note(
            self.here.registration.instance or self.here.registration.leftover,
            self.here.registration.region,
            said.cluster or (cluster_of(arn) if arn else ecs_config(recorded).agent.get("ECS_CLUSTER", "")),
            arn,
            *self._packages(),
            copied(recorded),
        )

    def _packages(self) -> tuple[tuple[str, ...], bool]:
        """Those that registration installed, all where there is no record of it (AWS's installer brought them); and
        whether there is one."""
        installed = [name for name in PACKAGES if name in self.here.installed]
        if not self.here.has_ecs and not self.here.registration.is_registered:
            installed = []  # an SSM agent of its own purpose
        entries, damaged = self.entries(REGISTER)
        keys = {entry.key for entry in entries}
        mine = tuple(name for name in installed if not keys or damaged or f"package:{name}" in keys)
        return mine, bool(keys) or damaged

    def entries(self, journal: str) -> tuple[tuple[Entry, ...], bool]:
        """What a journal holds, and whether it is damaged. Raises JournalDamaged unless what is missing is forced."""
        try:
            return journaled(self.host, journal), False
        except JournalDamaged:
            if not self.force_missing:
                raise
            return (), True

    def left(self, state: State) -> Left:
        """A result about this instance, to be completed by `replace`."""
        note = self.note
        return Left(self.host.name, state, note.instance, note.region, note.cluster, note.arn)

    def orphans(self, account: Account | None) -> tuple[str, ...]:
        """The tasks that would go on without an agent, by the agent's introspection and by ECS where that may be asked."""
        rows = [
            f"task {one.arn.rpartition('/')[2] or 'unknown'} of {one.family}:{one.revision} ({', '.join(one.containers)})"
            for one in self.tasks or ()
            if one.is_running
        ]
        work: Workload | None = None
        if account and self.note.arn:
            work = account.workload(self.note.cluster, self.note.arn)
        if work and (work.running or work.pending):
            rows.append(f"ECS counts {work.running} running and {work.pending} pending tasks on this instance")
            rows += [f"{count} of {group}" for group, count in work.groups]
        if self.tasks is None and work is None and self.note.arn:
            rows.append("whether tasks run is not known: the ECS agent does not answer")
        return tuple(rows)

    def task_containers(self) -> tuple[str, ...]:
        """The containers on the host that are not the agent's."""
        done = self.host.run(_OTHERS, timeout=20)
        return tuple(name for name in done.stdout.split() if name != AGENT) if done.ok else ()

    def account(self) -> Account | None:
        """The account's keys, where there are some and the instance in AWS is this host's."""
        return Account.of(self.note.region) if self.note.region and not self.note.copied else None

    def timed(self, text: str) -> Timed:
        """A line of progress."""
        return Timed(text, self.listener)


_AGAIN = "fix it, then run the same command again: it goes on where it stopped"


def settled(host: Host, work: Callable[[], Left]) -> Left:
    """What became of one host, with its seconds. Whatever stops the work is a failed result with its cause and fix."""
    begun = time.monotonic()
    try:
        result = work()
    except NotRegistered as error:
        result = _failed(host, str(error), error.code, error.fix or usual_fix(error.code))
    except Halted as error:
        now = (
            f"{len(error.done)} of {len(error.done) + len(error.left)} steps of this part done; the rest was not begun"
        )
        result = replace(_failed(host, str(error), "", _AGAIN), now=now)
    except ChangeFailed as error:
        result = _failed(host, str(error), "", _AGAIN)
    except Refused as error:
        said = f"AWS refuses, and nothing was changed on the host: {error}"
        result = _failed(host, said, "", "correct the keys or their rights, or leave them out")
    except (Untrusted, DownloadFailed) as error:
        result = _failed(host, str(error), error.code, usual_fix(error.code))
    return replace(result, seconds=round(time.monotonic() - begun, 1))


def _failed(host: Host, error: str, code: str, fix: str) -> Left:
    return Left(host.name, State.FAILED, error=redact(error), code=code, fix=fix)


def ecs_command(note: Note, arn: str) -> tuple[str, ...]:
    """What the account's owner types to deregister the container instance."""
    return (
        *("aws", "ecs", "deregister-container-instance", "--cluster", cluster_of(arn)),
        *("--container-instance", arn, "--force", "--region", note.region),
    )


def ssm_command(note: Note) -> tuple[str, ...]:
    """What the account's owner types to deregister the managed instance."""
    return ("aws", "ssm", "deregister-managed-instance", "--instance-id", note.instance, "--region", note.region)


def find_arn_command(note: Note) -> tuple[str, ...]:
    """How to find the container instance where the agent did not say it."""
    return (
        *("aws", "ecs", "list-container-instances", "--cluster", note.cluster or "default"),
        *("--filter", f"ec2InstanceId == {note.instance}", "--region", note.region),
    )


def deregister_in_aws(instance: Instance, account: Account | None, *, managed: bool) -> tuple[tuple[str, ...], ...]:
    """Deregister at AWS, ECS before SSM; the commands for a person where no keys are here. Nothing of an instance that is
    another machine's. Raises Refused."""
    note = instance.note
    # The new instance of a move that was cut off goes too, where all goes.
    arns = instance.arns if managed else (note.arn,) if note.arn else ()
    if not note.instance or note.copied:
        return ()
    if account is None:
        first = tuple(ecs_command(note, arn) for arn in arns) or (find_arn_command(note),)
        return (*first, *((ssm_command(note),) if managed else ()))
    for arn in arns:
        with instance.timed(f"deregister the container instance from cluster {cluster_of(arn)}"):
            account.deregister_container(cluster_of(arn), arn)
    if managed:
        with instance.timed(f"deregister {note.instance} from Systems Manager"):
            account.deregister_managed(note.instance, owner_of(arns[0]) if arns else "")
    return () if arns else (find_arn_command(note),)
