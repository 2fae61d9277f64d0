"""`rules verify` and `proxy verify`: findings as a report, one target a host."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from anywhere.changes.base import ChangeFailed
from anywhere.changes.proxy.profile import Profile
from anywhere.diagnosis import RULES, diagnose
from anywhere.errors import AnywhereError, BadInput
from anywhere.flows.clean import clean_cause, clean_finding
from anywhere.flows.hosts import Hosts, seconds_for
from anywhere.hosts.base import Host
from anywhere.hosts.open import is_bundle, open_live, open_recorded
from anywhere.hosts.recording import Recording
from anywhere.inventory import Entry
from anywhere.model import Finding, Report, Status, Target
from anywhere.settings import Settings
from anywhere.threads import fan_out

Judge = Callable[[Host | None, Recording], Iterator[Finding]]


def rules(hosts: Hosts, persist: bool, probe: bool) -> Report:
    """Judge the rules of every host."""
    from anywhere.checks.netfilter.proof import judge_plan, judge_proof

    def judge(live: Host | None, recorded: Recording) -> Iterator[Finding]:
        yield from judge_plan(recorded, Settings(), persist)
        if probe and live:
            yield from judge_proof(live, recorded)

    return verify(hosts, judge)


def proxy(hosts: Hosts, profile: Profile, packages: bool) -> Report:
    """Judge on every host whether all components have the profile and work with it."""
    from anywhere.checks.network.proxy_profile import judge_profile

    return verify(hosts, lambda _, recorded: judge_profile(recorded, profile, packages))


def verify(hosts: Hosts, judge: Judge) -> Report:
    """Judge each host."""
    return Report(tuple(fan_out([partial(_target, entry, hosts, judge) for entry in hosts.entries], hosts.parallel)))


def guard() -> None:
    """Become the guard. Raises BadInput where nothing was applied yet."""
    from anywhere.changes.rules.persistence import SCRIPT

    if not os.access(SCRIPT, os.R_OK):
        raise BadInput(f"there is no {SCRIPT}: run `anywhere rules apply` first, as root")
    os.execvp("sh", ("sh", SCRIPT, "guard"))


def _target(entry: Entry, hosts: Hosts, judge: Judge) -> Target:
    started, begun = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), time.monotonic()
    findings: list[Finding] = []
    try:
        live, recorded = _open(entry, hosts)
        try:
            findings.extend(judge(live, recorded))
        finally:
            recorded.close()
    except AnywhereError as error:
        if len(hosts.entries) == 1 and not isinstance(error, ChangeFailed):
            raise
        because = {"because": type(error).__name__}
        findings.append(Finding("netfilter.plan", Status.ERROR, entry.name, str(error), evidence=because))
    found = tuple(map(clean_finding, findings))
    seconds = round(time.monotonic() - begun, 3)
    return Target(
        entry.name,
        started=started,
        seconds=seconds,
        causes=tuple(map(clean_cause, diagnose(found, RULES))),
        findings=found,
    )


def _open(entry: Entry, hosts: Hosts) -> tuple[Host | None, Recording]:
    seconds = seconds_for(hosts)
    if isinstance(entry.spec, str) and is_bundle(entry.spec):
        return None, open_recorded(entry.spec, seconds)
    live = open_live(entry.spec, seconds, hosts.ssh, seconds)
    return live, Recording(live)
