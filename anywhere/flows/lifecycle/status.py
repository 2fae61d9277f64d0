"""`status`: what an instance is and how it does, without a packet beyond the loopback unless that is asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from anywhere.catalogue.versions import is_older
from anywhere.checks.system.permission import CODE
from anywhere.diagnosis import words
from anywhere.facts.status import status_facts
from anywhere.flows.check import for_bundle
from anywhere.flows.clones import judge_fleet
from anywhere.flows.examine import examine
from anywhere.flows.hosts import Hosts, is_saved, titles
from anywhere.flows.lifecycle.begun import begun as unfinished
from anywhere.flows.reported.clean import clean_cause, clean_facts, clean_finding
from anywhere.flows.reported.located import located
from anywhere.flows.target import GRACE, Lost, each, gone, opened, recorded
from anywhere.hosts.quiet import QuietHost
from anywhere.hosts.recording import Recording
from anywhere.inventory import Entry
from anywhere.model import Cause, Finding, Remedy, Report, Status, Target
from anywhere.settings import Settings
from anywhere.wording import now

# What can be judged on the host itself.
CHECKS = (
    *("system.machine-id", "system.time-sync", "system.disk", "containers.docker", "containers.api"),
    *("containers.compatibility", "containers.rules", "network.agent-ports", "agents", "netfilter"),
)
NOT_ASKED = ("agents.metadata-service",)  # another machine would be asked
BUDGET = 10.0  # seconds: for commands that hang; a healthy host takes a tenth of it
INSTANCE = "agents.instance"
_MISSING = "registration.missing"


def status(hosts: Hosts, probe: bool = False, latest: Mapping[str, str] | None = None) -> Report:
    """The state of every host as a report whose facts hold `status`; with `probe` the endpoints are tried too. `latest`
    are the newest versions by package, in place of the table's."""
    targets: dict[int, Target] = {}
    names = titles(hosts.entries) if len(hosts.entries) > 1 else {}
    limit = hosts.seconds + BUDGET + GRACE
    for done in each(hosts, lambda entry: _one(entry, hosts, probe), limit):
        found, entry = done.result, hosts.entries[done.index]
        target = found.target(now(), done.seconds) if isinstance(found, Lost) else found
        if target.name == "local":
            target = replace(target, name=names.get(entry.name, target.name))
        target = _against(target, latest) if latest else target
        targets[done.index] = located(target, entry, hosts)
    return Report(judge_fleet(tuple(targets[place] for place in sorted(targets))))


def _one(entry: Entry, hosts: Hosts, probe: bool) -> Target:
    if is_saved(entry):
        with recorded(entry, hosts, BUDGET, 0) as (seen, _):
            settings, captured = for_bundle(entry, _settings(False))
            return _looked_at(seen, settings, captured)
    with opened(entry, hosts, BUDGET, hosts.seconds) as live:
        seen = Recording(live if probe else QuietHost(live))
        return gone(_as_root(_looked_at(seen, _settings(probe)), probe))


def _as_root(target: Target, probe: bool) -> Target:
    """What only root sees is shown by this command as root: `check` would need a region where none is registered."""
    fix = Remedy("Run the command again as root.", (("sudo", "anywhere", "status", *(("--probe",) if probe else ())),))
    hidden = {place for place, one in enumerate(target.findings) if one.cause == CODE and "checks" in one.evidence}
    findings = (replace(one, remedy=fix) if place in hidden else one for place, one in enumerate(target.findings))
    causes = (replace(one, remedy=fix) if hidden & {*one.findings} else one for one in target.causes)
    return replace(target, findings=tuple(findings), causes=tuple(causes))


def _settings(probe: bool) -> Settings:
    if probe:
        return Settings(phases=("run",), budget=BUDGET)
    return Settings(only=CHECKS, skip=NOT_ASKED, budget=BUDGET)


def _looked_at(seen: Recording, settings: Settings, captured: str = "") -> Target:
    from anywhere.facts.agents.registration import registration

    begun = time.monotonic()
    region = registration(seen).region
    own = replace(settings, regions=settings.regions or ((region,) if region else ()))
    target = examine(seen, own, captured, () if not own.only else words.RULES)
    state = clean_facts({**status_facts(seen), "unfinished": unfinished(seen)})
    facts = {**target.facts, "status": state, "partial": False}
    return _instance(replace(target, facts=facts, seconds=round(time.monotonic() - begun, 3)))


def _against(target: Target, latest: Mapping[str, str]) -> Target:
    """The target with its versions held against these."""
    found = target.facts.get("status")
    if not isinstance(found, Mapping) or not isinstance(rows := found.get("versions"), Mapping):
        return target
    held = dict(rows)
    for name, package in (("ecs-agent", "amazon-ecs-init"), ("ssm-agent", "amazon-ssm-agent")):
        if package in latest and name in held:
            have = str(held[name]["installed"])
            newest = latest[package].partition("-")[0]
            held[name] = {"installed": have, "newest": newest, "dated": "", "outdated": is_older(have, newest)}
    return replace(target, facts={**target.facts, "status": {**found, "versions": held}})


def _instance(target: Target) -> Target:
    """The target with a finding that says whether there is an instance at all."""
    found = target.facts["status"]
    assert isinstance(found, Mapping)
    if found.get("registration") == "registered":
        return target
    if target.causes or found.get("registration") == "unknown":
        return target  # what is wrong is said already, or cannot be seen without root's rights
    fix = Remedy("Register it: `sudo anywhere register --region REGION --cluster CLUSTER --activation-file FILE`.")
    said = "this host is not registered with ECS Anywhere: there is no instance"
    finding = Finding(INSTANCE, Status.FAIL, "registration", said, remedy=fix, cause=_MISSING)
    cause = Cause(_MISSING, Status.FAIL, said, ("registration",), fix, (len(target.findings),))
    return replace(target, findings=(*target.findings, clean_finding(finding)), causes=(clean_cause(cause),))
