"""From a checked host to a healthy container instance: each part observed first, done where missing, proven at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from anywhere.catalogue.distros import judge_release
from anywhere.changes import engine
from anywhere.changes.agents.exec import PACKAGE as EXEC_BINARIES
from anywhere.changes.agents.exec import has_binaries
from anywhere.changes.agents.existing import Difference, differences
from anywhere.changes.agents.plan import JOURNAL, install_plan, late_plan, needed_packages, start_plan
from anywhere.changes.agents.refusals import explain_agent, explain_install, explain_registration, explain_start
from anywhere.changes.agents.result import Result, State
from anywhere.changes.agents.wanted import Activation, Wanted, check_wanted, pairs, parse_activation
from anywhere.changes.base import ChangeFailed, Halted, Planner, Step
from anywhere.changes.install.packages import LocalPackage
from anywhere.changes.proxy import plan as proxy_change
from anywhere.changes.proxy.profile import Profile, read_profile
from anywhere.changes.rules import plan as rules_change
from anywhere.errors import AnywhereError
from anywhere.facts.agents.agents import agents
from anywhere.facts.system.machine import architecture
from anywhere.facts.system.os_release import os_release
from anywhere.flows.lifecycle.artifacts import DownloadFailed, Origin, Untrusted, collect, exec_binaries, planned
from anywhere.flows.lifecycle.healthy import Health, health, wait_healthy
from anywhere.flows.lifecycle.order import Listener, Look, NotRegistered, Order, Steps, Timed, usual_fix
from anywhere.flows.lifecycle.proof import credentials_proof
from anywhere.flows.lifecycle.staging import refuse_second_docker, stage, sweep, unstage
from anywhere.flows.lifecycle.uses import check_uses
from anywhere.hosts.base import Host
from anywhere.hosts.local import LocalHost
from anywhere.hosts.recording import Recording
from anywhere.model import Cause, Status
from anywhere.redact import redact
from anywhere.settings import PHASES, Settings

# What registration itself puts right, or judges in its own words: no reason not to begin.
OWN_CHECKS = frozenset(
    ("agents.registration", "agents.config", "agents.ssm", "agents.ecs", "agents.restarts", "network.reserved-ports")
    + ("netfilter.rules", "netfilter.guards", "netfilter.copies", "netfilter.path", "netfilter.persistence")
)

# The same for what a run starts or restarts anyway.
OWN_CAUSES = frozenset({"docker.missing", "docker.not-running", "agent.stale-environment", "exec.not-ready"})

__all__ = [
    "Activation",
    "Listener",
    "Order",
    "Origin",
    "Profile",
    "Result",
    "Run",
    "State",
    "Wanted",
    "check_wanted",
    "pairs",
    "parse_activation",
    "read_profile",
]  # fmt: skip


@dataclass
class Run:
    """One host's registration. `look` judges the host anew, with these settings."""

    host: Host
    order: Order
    look: Look
    listener: Listener = field(default_factory=Listener)
    _did: dict[str, int] = field(default_factory=dict, init=False)

    def __call__(self, *, dry: bool = False) -> Result:
        """Register, or with `dry` say what would be done. Never raises for the state of the host."""
        begun = time.monotonic()
        try:
            result = self._plan_only() if dry else self._register()
        except NotRegistered as error:
            fix = error.fix or ("" if error.causes else usual_fix(error.code))
            result = self._failed(str(error), error.code, fix, error.causes)
        except ChangeFailed as error:
            result = self._refused(error)
        except (Untrusted, DownloadFailed) as error:
            result = self._failed(str(error), error.code, usual_fix(error.code))
        if result.state is State.FAILED and not dry:
            result = replace(result, now=self._now())
        return replace(result, seconds=round(time.monotonic() - begun, 1))

    def _plan_only(self) -> Result:
        recorded = Recording(self.host)
        if found := differences(recorded, self.order.wanted):
            return self._different(found)
        packages = planned(
            needed_packages(recorded), self.order.wanted.region, *self._kind(recorded), self.order.origin
        )
        packages += tuple(LocalPackage(name, name) for name in self._binaries())
        return self._result(State.PLANNED, steps=self._steps(recorded, packages))

    def _register(self) -> Result:
        recorded = Recording(self.host)
        if found := differences(recorded, self.order.wanted):
            return self._different(found)
        needed = needed_packages(recorded)
        sweep(self.host, recorded)
        stand_ins = tuple(LocalPackage(name, name) for name in (*needed, *self._binaries()))
        if not self._steps(recorded, stand_ins):
            if not self.order.wanted.start:
                return self._result(State.ALREADY)
            now = health(self.host, self.order.wanted.cluster)
            if now.ok:
                return self._result(State.ALREADY, now)
        return self._complete(recorded, needed)

    def _complete(self, recorded: Recording, needed: Sequence[str]) -> Result:
        wanted = self.order.wanted
        if not agents(recorded).registration.is_registered and self.order.activation is None:
            raise NotRegistered(
                "this host is not registered yet, and no activation was given",
                "activation.missing",
                "give --activation-file FILE or --activation-stdin",
            )
        if not agents(recorded).registration.is_registered:
            check_uses(self.order, 1)
        steps: list[Step] = []
        if self.order.proxy:
            # Before the check: it is with this proxy that the host has to reach AWS.
            steps += self._apply(proxy_change.JOURNAL, self._profile)
            steps += self._apply(JOURNAL, self._late)
        self._check_first(recorded, needed)
        self._check_gpu()
        packages = self._fetch(recorded, needed)
        vouched = tuple(f"{one.name} {one.vouched}" for one in packages)
        try:
            stage(self.host, packages, self.listener)
            refuse_second_docker(self.host, packages)
            install = partial(self._install, packages=packages)
            steps += self._apply(JOURNAL, install)
            steps += self._apply(rules_change.JOURNAL, partial(rules_change.plan, settings=Settings()))
            steps += self._apply(JOURNAL, self._start)
        finally:
            if packages:
                unstage(self.host)
        if not wanted.start:
            return self._result(State.DONE, steps=tuple(steps), vouched=vouched)
        now = self._wait()
        return self._prove(self._result(State.DONE, now, tuple(steps), vouched))

    def _steps(self, recorded: Recording, packages: Sequence[LocalPackage]) -> tuple[Step, ...]:
        """All steps of all parts, in their order."""
        return (
            *self._profile(recorded),
            *self._late(recorded),
            *self._install(recorded, packages),
            *rules_change.plan(recorded, Settings()),
            *self._start(recorded),
        )

    def _profile(self, host: Host) -> tuple[Step, ...]:
        order = self.order
        return proxy_change.plan(host, order.proxy, packages=order.proxy_packages) if order.proxy else ()

    def _install(self, host: Host, packages: Sequence[LocalPackage]) -> tuple[Step, ...]:
        return install_plan(host, self.order.wanted, packages, self.order.activation, self.order.proxy)

    def _late(self, host: Host) -> tuple[Step, ...]:
        order = self.order
        return late_plan(host, order.proxy) if order.proxy and order.wanted.start else ()

    def _start(self, host: Host) -> tuple[Step, ...]:
        return start_plan(host, self.order.wanted)

    def _binaries(self) -> tuple[str, ...]:
        return (EXEC_BINARIES,) if self.order.origin.exec_binaries else ()

    def _kind(self, recorded: Recording) -> tuple[str, str]:
        """Processor and package format. Raises NotRegistered where AWS has no package for it."""
        family = judge_release(os_release(recorded)).family
        if family is None or not family.manager:
            raise NotRegistered("no package of the agents fits this operating system", "os.unsupported")
        return architecture(recorded).kernel, "deb" if family.manager == "apt" else "rpm"

    def _check_first(self, recorded: Recording, needed: Sequence[str]) -> None:
        """What lies ahead of this host. Packages that come by another way are not downloaded by it."""
        origin = self.order.origin
        phases: tuple[str, ...] = ()
        is_brought = not needed or origin.folder or origin.url or not isinstance(self.host, LocalHost)
        if is_brought and not agents(recorded).registration.is_registered:
            phases = PHASES[1:]
        with self._timed("check the host"):
            target = self.look(replace(self.order.settings, phases=phases))
        own = OWN_CAUSES | ({"proxy.not-set-for-component", "proxy.exclusions-missing"} if self.order.proxy else set())
        bad = {
            place
            for place, one in enumerate(target.findings)
            if one.status is Status.FAIL and one.check not in OWN_CHECKS and one.cause not in own
        }
        causes = tuple(one for one in target.causes if bad & set(one.findings))
        if bad:
            said = causes[0].summary if causes else target.findings[min(bad)].summary
            raise NotRegistered(
                f"not begun, the host is not ready: {said}",
                causes[0].code if causes else "",
                "make the fixes below and run it again, or demote the check by its name (--demote)",
                causes,
            )

    def _check_gpu(self) -> None:
        """Before anything is installed: the official installer looks after its packages, and leaves half behind."""
        if not self.order.wanted.gpu:
            return
        done = self.host.run(("nvidia-smi", "-L"), timeout=30)
        if not done.ok:
            said = (done.stderr or done.stdout).strip().partition("\n")[0] or f"rc {done.rc}"
            raise NotRegistered(
                f"GPU support is asked for, and nvidia-smi does not work: {said}",
                "gpu.not-found",
                "install the NVIDIA driver and container toolkit first, or leave --enable-gpu out",
            )

    def _fetch(self, recorded: Recording, needed: Sequence[str]) -> tuple[LocalPackage, ...]:
        origin = self.order.origin
        binaries = () if has_binaries(recorded) else exec_binaries(origin)
        if not needed:
            return binaries
        with self._timed(f"fetch and verify {' and '.join(needed)}"):
            region = self.order.wanted.region
            return *collect(needed, region, *self._kind(recorded), origin, self.listener.received), *binaries

    def _apply(self, journal: str, planner: Planner) -> tuple[Step, ...]:
        try:
            applied = engine.apply(self.host, journal, planner, Steps(self.listener))
        except Halted as error:
            self._count(journal, len(error.done) + bool(error.left))
            raise
        self._count(journal, len(applied.done))
        if applied.left:
            said = "; ".join(step.title for step in applied.left)
            died = next((step.key[5:] for step in applied.left if step.key.startswith("unit:")), "")
            fix = f"journalctl -u {died} -n 50 says why it ended" if died else "find what changes it back"
            code = "agent.restart-loop" if died else ""
            raise NotRegistered(f"done, but it did not last: {said}", code, f"{fix}; then run register again")
        return applied.done

    def _wait(self) -> Health:
        with self._timed("wait until the instance is healthy"):
            now = wait_healthy(self.host, self.order.wanted.cluster, self.order.wait, self.listener.waits)
        if now.ok:
            return now
        wanted = self.order.wanted
        if refusal := explain_agent(now.line, wanted.region, wanted.cluster):
            raise NotRegistered(f"{refusal.summary}: {redact(now.line)}", refusal.code, refusal.fix)
        target = self.look(replace(self.order.settings, phases=("run",)))
        causes = tuple(one for one in target.causes if one.severity is Status.FAIL)
        said = f"not healthy, still waiting for {now.waiting}"
        if causes:
            raise NotRegistered(f"{said}: {causes[0].summary}", causes[0].code, "", causes)
        raise NotRegistered(said + (f": {redact(now.line)}" if now.line else ""), "agent.disconnected", _LOGS)

    def _prove(self, result: Result) -> Result:
        """Check again: what fails now makes the host not ready, though the instance is registered."""
        with self._timed("check the host again"):
            target = self.look(replace(self.order.settings, phases=("run",), prove=True))
        causes = tuple(one for one in target.causes if one.severity is Status.FAIL)
        if not causes:
            return self._prove_credentials(replace(result, causes=target.causes))
        said = f"registered, but not ready: {causes[0].summary}"
        return replace(result, state=State.FAILED, error=said, code=causes[0].code, causes=causes)

    def _prove_credentials(self, result: Result) -> Result:
        with self._timed("prove the path of task credentials"):
            code, said = credentials_proof(self.host, self.order.probe_image)
        if not said:
            return result
        said = f"registered, but containers get no credentials: {said}"
        return replace(
            result,
            state=State.FAILED,
            error=said,
            code=code,
            fix="Show what is missing: `sudo anywhere rules verify`.",
        )

    def _different(self, found: tuple[Difference, ...]) -> Result:
        said = "; ".join(f"{one.what} is {one.have}, not {one.want}" for one in found)
        return self._result(State.DIFFERENT, error=said, code=found[0].code, differences=found)

    def _refused(self, error: ChangeFailed) -> Result:
        said = redact(str(error))
        refusal = None
        if said.startswith("register with Systems Manager"):
            refusal = explain_registration(said, self.order.wanted.region)
        elif said.startswith("install ") or "No space left" in said or "has no room" in said:
            refusal = explain_install(said)
        elif said.startswith("enable "):
            refusal = explain_start(said)
        if refusal is None:
            return self._failed(said, "docker.missing" if said.startswith("docker is missing") else "")
        return self._failed(f"{refusal.summary}: {said[:500]}", refusal.code, refusal.fix)

    def _now(self) -> str:
        """The state of a host whose registration failed."""
        if not self._did:
            return "nothing was changed"
        known = ""
        with suppress(AnywhereError, OSError):
            found = agents(Recording(self.host)).registration
            known = f", registered as {found.instance}" if found.is_registered else ", not registered"
        begun = sum(self._did.values())
        undo = ["proxy revert"] if proxy_change.JOURNAL in self._did else []
        undo += ["deregister"] if self._did.keys() - {proxy_change.JOURNAL} else []
        undone = " and ".join(f"`anywhere {word}`" for word in undo)
        steps = f"{begun} step{'s' * (begun > 1)} begun and recorded{known}"
        return f"{steps}; the same command goes on from here, {undone} undo{'es' * (len(undo) == 1)} them"

    def _count(self, journal: str, begun: int) -> None:
        if begun:
            self._did[journal] = self._did.get(journal, 0) + begun

    def _failed(self, error: str, code: str = "", fix: str = "", causes: tuple[Cause, ...] = ()) -> Result:
        return self._result(State.FAILED, error=redact(error), code=code, fix=fix, causes=causes)

    def _result(
        self,
        state: State,
        now: Health | None = None,
        steps: tuple[Step, ...] = (),
        vouched: tuple[str, ...] = (),
        differences: tuple[Difference, ...] = (),
        causes: tuple[Cause, ...] = (),
        error: str = "",
        fix: str = "",
        code: str = "",
    ) -> Result:
        at = now or Health()
        return Result(
            self.host.name,
            state,
            at.instance,
            at.arn,
            at.cluster,
            steps,
            differences,
            causes,
            vouched,
            error,
            fix,
            code,
        )

    def _timed(self, text: str) -> Timed:
        return Timed(text, self.listener)


_LOGS = "read /var/log/ecs/ecs-agent.log and /var/log/ecs/ecs-init.log on the host"
