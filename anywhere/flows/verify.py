"""`rules verify` and `proxy verify`: findings as a report, one target a host."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from anywhere.changes.base import NeedsRoot
from anywhere.changes.proxy.private import complete
from anywhere.changes.proxy.profile import Profile
from anywhere.checks.system.permission import CODE
from anywhere.diagnosis import RULES, diagnose
from anywhere.errors import AnywhereError, BadInput, HostUnreachable
from anywhere.flows.hosts import Hosts, seconds_for
from anywhere.flows.reported.clean import clean_cause, clean_finding
from anywhere.flows.reported.located import located
from anywhere.flows.target import GRACE, Lost, each, recorded
from anywhere.hosts.base import Deadline, Host
from anywhere.hosts.recording import Recording
from anywhere.inventory import Entry
from anywhere.model import Finding, Remedy, Report, Status, Target
from anywhere.settings import Settings
from anywhere.windows import is_root
from anywhere.wording import now

_GUARD_START = 30.0  # seconds to read the host before the guard starts
Judge = Callable[[Recording, Host | None], Iterator[Finding]]


def rules(hosts: Hosts, persist: bool, probe: bool) -> Report:
    """Judge the rules of every host."""
    from anywhere.checks.containers.egress import prove_way
    from anywhere.checks.netfilter.proof import PLAN, judge_plan, judge_proof
    from anywhere.facts.agents.registration import registration

    def judge(seen: Recording, live: Host | None) -> Iterator[Finding]:
        yield from judge_plan(seen, Settings(), persist)
        if probe and live:
            yield from judge_proof(live, seen)
            yield from prove_way(seen, registration(seen).region)

    own = (*(() if persist else ("--no-persist",)), *(() if probe else ("--no-probe",)))
    return verify(hosts, PLAN, judge, ("rules", "verify", *own))


def proxy(hosts: Hosts, profile: Profile, packages: bool) -> Report:
    """Judge on every host whether all components have the profile and work with it."""
    from anywhere.changes.proxy.plan import with_kept_credentials
    from anywhere.checks.network.proxy_connect import judge_connect
    from anywhere.checks.network.proxy_profile import ID, judge_profile

    def judge(seen: Recording, live: Host | None) -> Iterator[Finding]:
        full = complete(seen, with_kept_credentials(seen, profile))
        yield from judge_profile(seen, full, packages)
        if live and full.address:
            yield from judge_connect(seen, full)

    hides = profile.is_secret or bool(profile.certificates) or not profile.address
    own = (
        *(("--no-proxy", ",".join(profile.no_proxy)) if profile.no_proxy else ()),
        *(("--packages",) if packages else ()),
        *(("--region", profile.region) if profile.region else ()),
    )
    return verify(hosts, ID, judge, () if hides else ("proxy", "verify", "--url", profile.address, *own))


def verify(hosts: Hosts, check: str, judge: Judge, command: tuple[str, ...] = ()) -> Report:
    """Judge each host; what cannot be judged on it is an error of this check. `command` is how the caller asked for it."""
    seconds = seconds_for(hosts)
    targets: dict[int, Target] = {}
    for done in each(hosts, lambda entry: _target(entry, hosts, seconds, check, judge, command), seconds + GRACE):
        found = done.result
        target = found.target(now(), done.seconds) if isinstance(found, Lost) else found
        targets[done.index] = located(target, hosts.entries[done.index], hosts)
    return Report(tuple(targets[place] for place in sorted(targets)))


def _target(entry: Entry, hosts: Hosts, seconds: float, check: str, judge: Judge, command: tuple[str, ...]) -> Target:
    started, begun = now(), time.monotonic()
    findings: list[Finding] = []
    with recorded(entry, hosts, seconds, seconds) as (seen, live):
        try:
            findings.extend(judge(seen, live))
        except HostUnreachable:
            raise
        except AnywhereError as error:
            found_out = Finding(check, Status.ERROR, entry.name, str(error), evidence={"because": type(error).__name__})
            lacks_rights = live and isinstance(error, NeedsRoot)
            findings.append(_needs_root(found_out, seen, command) if lacks_rights else found_out)
    found = tuple(map(clean_finding, findings))
    took = round(time.monotonic() - begun, 3)
    causes = tuple(map(clean_cause, diagnose(found, RULES)))
    return Target(entry.name, started=started, seconds=took, causes=causes, findings=found)


def _needs_root(finding: Finding, seen: Recording, command: tuple[str, ...]) -> Finding:
    """The finding with the fix where the caller alone lacked root's rights; a refused sudo has a text of its own."""
    inventory = seen.inventory()
    if inventory.is_root or inventory.refused:
        return finding
    commands = (("sudo", "anywhere", *command),) if command else ()
    return replace(finding, cause=CODE, remedy=Remedy("Run the command again as root.", commands))


def guard() -> None:
    """Become the guard, of the rules that `rules apply` recorded, else of those that this host requires now."""
    from anywhere.changes.rules.desired import observe
    from anywhere.changes.rules.guard_script import guard_script
    from anywhere.changes.rules.persistence import SCRIPT
    from anywhere.hosts.local import LocalHost

    if not is_root():
        raise BadInput("`anywhere rules guard` needs root: run it with sudo")
    if os.access(SCRIPT, os.R_OK):
        os.execv("/bin/sh", ("/bin/sh", SCRIPT, "guard"))
    script = guard_script(observe(LocalHost(Deadline(_GUARD_START))))
    os.execv("/bin/sh", ("/bin/sh", "-c", script, "anywhere-rules", "guard"))
