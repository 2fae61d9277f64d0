"""docker since before a CA was added: it reads the store once, and its pulls fail although the host trusts the device."""

from __future__ import annotations

from anywhere.catalogue.suffixes import AWS_SUFFIXES
from anywhere.checks.agents.since import TRUST, stores
from anywhere.checks.base import trouble
from anywhere.checks.endpoints.visit import surveys
from anywhere.checks.remedies import remedy
from anywhere.facts.agents.agents import agents
from anywhere.facts.logs.journal import last_lines, shown
from anywhere.facts.network.visit import is_foreign
from anywhere.facts.system.changed import newer, start_of
from anywhere.facts.system.units import DOCKER, Unit, units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings


def stale_trust(host: Host, settings: Settings, check: str) -> Finding | None:
    """The finding where TLS is inspected, the store was changed after docker's start, and docker itself has complained
    about AWS's names since it started; None otherwise, also where its journal cannot be read."""
    unit = units(host)[DOCKER]
    if not unit.started or not _is_inspected(host, settings):
        return None
    path = newer(host, tuple(stores(host, "docker")), start_of(host, unit))
    line = _complaint(host, unit) if path else ""
    if not line:
        return None
    ecs = (("systemctl", "restart", "ecs"),) if agents(host).has_ecs else ()
    return trouble(
        check,
        Status.FAIL,
        "docker",
        f'{path} was changed after docker had started, which reads its CAs once: pulls fail: "{line}"',
        cause="agent.stale-environment",
        remedy=remedy(
            host,
            "Restart docker. Containers stop with it, unless live-restore is set, and ecs is started again after it.",
            ("systemctl", "restart", "docker"),
            *ecs,
        ),
        evidence={"line": line, "changed": path},
    )


def _is_inspected(host: Host, settings: Settings) -> bool:
    """Whether the way to AWS ends at a device that the host trusts."""
    visits = [visit for seen in surveys(host, settings) for visit in (*seen.visits, *seen.extra)]
    return any(probe.ok and is_foreign(probe) for visit in visits for probe in visit.probes)


def _complaint(host: Host, unit: Unit) -> str:
    """The last line of docker's present process that it trusts an AWS name's certificate not."""
    said = [
        one
        for one in last_lines(host, unit, "dockerd")
        if TRUST.search(one.text) and any(suffix in one.text for suffix in AWS_SUFFIXES)
    ]
    mine = [one for one in said if not one.pid or int(one.pid) == unit.pid]
    return shown(mine[-1].text) if mine else ""
