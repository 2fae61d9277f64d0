"""Healthy means proven: what each part says of itself, asked again until all of it is so, or until it cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from anywhere.facts.agents.agents import agents, metadata
from anywhere.facts.agents.ecs_log import AgentLog, agent_log
from anywhere.facts.agents.ssm_log import ssm_log
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording

EVERY = 0.5  # seconds between two looks
LOOPING = 3  # starts of the agent without a registration between them
# What AWS itself said, before what the agent says of itself.
_TELLING = ("cluster-unknown", "denied", "deregistered", "token")
GRACE = 20.0  # seconds before a refusal counts: the first tries may come too early


@frozen
class Health:
    """What stands and what does not. `waiting` names the first thing that is still missing, empty when healthy;
    `final` is whether waiting longer changes nothing; `line` is the agent's own words for it."""

    instance: str = ""
    arn: str = ""
    cluster: str = ""
    version: str = ""
    waiting: str = ""
    final: bool = False
    line: str = ""

    @property
    def ok(self) -> bool:
        """Whether all of it is proven."""
        return not self.waiting


def health(host: Host, cluster: str) -> Health:
    """One look at a live host."""
    recorded = Recording(host)
    here, said, log, ssm = agents(recorded), metadata(recorded), agent_log(recorded), ssm_log(recorded)
    found = Health(here.registration.instance, said.instance_arn, said.cluster, said.version)

    def missing(what: str, final: bool = False, line: str = "") -> Health:
        return Health(found.instance, found.arn, found.cluster, found.version, what, final, line)

    if not here.registration.is_registered:
        return missing("the registration with Systems Manager", True)
    if here.ssm_unit.is_running is False:
        return missing(f"{here.ssm_unit.name} to run (it is {here.ssm_unit.active})")
    if ssm and (ssm.refused or ssm.hibernates):
        return missing("credentials from Systems Manager", True, ssm.refused or ssm.hibernates)
    if not _fresh(here.registration.expires, recorded.inventory().now):
        return missing("fresh credentials from Systems Manager")
    if here.ecs.is_running is False:
        line = _words(log)
        final = here.ecs.result == "start-limit-hit" or bool(log and log.final)
        return missing(f"ecs.service to run (it is {here.ecs.active})", final, line)
    if log and (log.final or log.starts > LOOPING):
        return missing("the ECS agent to stay up", True, _words(log))
    if not said.answers:
        return missing("the ECS agent to answer on 127.0.0.1:51678", False, _words(log))
    if not said.instance_arn:
        return missing("a container instance ARN", False, _words(log))
    if said.cluster != cluster:
        return missing(f"cluster {cluster} (the agent is in {said.cluster})", True)
    if not (log and log.acs):
        return missing("the connection to ACS", False, _words(log))
    return found


def wait_healthy(
    host: Host, cluster: str, seconds: float, on_wait: Callable[[str], None] = lambda what: None
) -> Health:
    """Look until all is proven, a final failure stands, or the time is over. `on_wait` gets what is waited for, whenever
    that changes."""
    begun = time.monotonic()
    last = ""
    while True:
        found = health(host, cluster)
        if found.ok or (found.final and time.monotonic() - begun > min(GRACE, seconds / 2)):
            return found
        if found.waiting != last:
            on_wait(found.waiting)
            last = found.waiting
        if time.monotonic() - begun > seconds:
            return found
        time.sleep(EVERY)


def _words(log: AgentLog | None) -> str:
    """The line that says most: what AWS refused, else the latest complaint."""
    if log is None or not log.symptoms:
        return ""
    return (
        log.symptom(*_TELLING)
        or log.symptom("refused", "clock", "credentials", "docker", "cluster")
        or log.symptoms[-1]
    ).line


def _fresh(expires: str, now: float) -> bool:
    """Whether the credentials end in the future, as the SSM agent wrote it (RFC 3339)."""
    try:
        end = datetime.fromisoformat(expires.replace("Z", "+00:00"))
    except ValueError:
        return False
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    return end.timestamp() > now
