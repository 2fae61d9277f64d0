"""What was put right after an agent had started: its log complains, and the same way works now.

Go programs read the CA store once, at their first connection (crypto/x509 root.go), and both agents read their settings
at their start. Nobody is blamed for what the probes cannot see: only a file that was changed later, or a clock that is
right again, counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.checks.agents.refusals import of_symptom, quoted_line
from anywhere.checks.base import trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.remedies import family, remedy
from anywhere.checks.system.clock import SKEW_WARNS, clock_offset
from anywhere.facts.agents.components import components
from anywhere.facts.agents.ecs_config import PATHS, EcsConfig, ecs_config
from anywhere.facts.agents.ecs_log import Symptom
from anywhere.facts.system.changed import newer, start_of
from anywhere.facts.system.units import Unit
from anywhere.hosts.base import Host
from anywhere.hosts.probe.castore import FILES, FOLDERS
from anywhere.model import Finding, Status
from anywhere.redact import SECRET_KEYS
from anywhere.settings import Settings
from anywhere.wording import some

CAUSE = "agent.stale-environment"
# What ecs-init sets otherwise than the file on an external host (ecs-init/docker/docker.go, getContainerConfig, LoadEnvVars).
OVERRIDDEN = frozenset({"ECS_ENABLE_TASK_ENI", "ECS_EBSTA_SUPPORTED", "ECS_ENABLE_GPU_SUPPORT"})
TRUST = re.compile(r"x509: (?:certificate signed by unknown authority|.*self.signed)")
DATES = re.compile(r"x509: certificate has expired or is not yet valid|Signature (?:expired|not yet current)")


def put_right(
    host: Host, settings: Settings, unit: Unit, component: str, said: str, symptom: Symptom | None, check: str
) -> Finding | None:
    """The finding for an agent that still has what has been put right since; None where nothing says so."""
    if symptom is None or not _works(host, settings, component):
        return None
    changed = _changed(host, settings, unit, component, symptom.line)
    if not changed:
        return None
    names = dict.fromkeys((unit.service, "ecs"))
    return trouble(
        check,
        Status.FAIL,
        component,
        f"{said}{quoted_line(symptom)}; {changed}, and every endpoint answers now",
        cause=CAUSE,
        remedy=remedy(
            host,
            "Restart it: it still works with what was true when it started, or waits up to half an hour.",
            *(("systemctl", "restart", name) for name in names),
        ),
        evidence={**of_symptom(symptom), "network": False},
    )


def _works(host: Host, settings: Settings, component: str) -> bool:
    """Whether every endpoint that the component needs answers now."""
    mine = [v for seen in surveys(host, settings) for v in seen.visits if v.vantage.component == component]
    required = [visit for visit in mine if visit.endpoint.required and not visit.endpoint.shard]
    return bool(required) and all(visit.ok for visit in required)


def _changed(host: Host, settings: Settings, unit: Unit, component: str, line: str) -> str:
    """What was changed since, in words; empty where nothing was."""
    if DATES.search(line):
        offset = clock_offset(host, settings)
        right = offset is not None and abs(offset) <= SKEW_WARNS
        return "the clock of this host was wrong then and is right now" if right else ""
    start = start_of(host, unit)
    if TRUST.search(line) and (path := newer(host, tuple(stores(host, component)), start)):
        return f"{path} was changed after the agent had started, which reads its CAs once"
    if component == "ecs-agent" and (path := newer(host, PATHS, start)) and differing(host, ecs_config(host)):
        return f"{path} was changed after the agent had started"
    return ""


def stores(host: Host, component: str) -> Iterator[str]:
    """Files and folders that the component's CAs come from."""
    own = next((one.ca_paths for one in components(host) if one.name == component), ())
    named = [path.partition("=")[2] for path in own if path.startswith(("file=", "dir="))]
    known = family(host)
    yield from dict.fromkeys((*named, *FILES, *((known.ca_folder,) if known else ()), *(() if named else FOLDERS)))


def differing(host: Host, config: EcsConfig) -> list[str]:
    """The settings of ecs.config with which the running agent does not work; none where its process cannot be seen."""
    sure = (one for one in host.inventory().daemons if one.name == "ecs-agent" and one.sure)
    agent = next((one for one in sure if one.environment), None)
    if agent is None or not config.known:
        return []
    return [
        name
        for name, value in config.agent.items()
        if name.startswith("ECS_")
        and name not in OVERRIDDEN
        and not SECRET_KEYS.search(name)
        and agent.environment.get(name) != value
    ]


def stale_settings(host: Host, unit: Unit, config: EcsConfig) -> Finding | None:
    """ecs.config was changed and the agent not restarted: what it says is not in effect."""
    names = differing(host, config) if unit.is_running else []
    path = newer(host, PATHS, start_of(host, unit)) if names else ""
    if not path:
        return None
    shown = some([f"{name} ({config.sources.get(name, path)})" for name in names])
    verb = "is" if len(names) == 1 else "are"
    return trouble(
        "agents.config",
        Status.WARN,
        path,
        f"{path} was changed after the ECS agent had started: {shown} {verb} not in effect",
        cause=CAUSE,
        remedy=remedy(host, "Restart ecs; tasks keep running.", ("systemctl", "restart", "ecs")),
        evidence={"names": names},
    )
