"""Hardening drop-ins that keep docker or an agent from its work."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import trouble
from anywhere.checks.remedies import line_out, remedy
from anywhere.facts.agents.agents import agents
from anywhere.facts.kernel.sandbox import Kept, kept_from
from anywhere.facts.system.units import CONTAINERD, DOCKER, Unit, units
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status


def sandbox_troubles(host: Host) -> Iterator[Finding]:
    """One finding a line, for docker's and containerd's units and those of both agents."""
    here = agents(host)
    for unit in (units(host)[DOCKER], units(host)[CONTAINERD], here.ecs, here.ssm_unit):
        if unit.exists:
            yield from (_trouble(host, unit, kept) for kept in kept_from(host, unit))


def _trouble(host: Host, unit: Unit, kept: Kept) -> Finding:
    line = kept.line
    return trouble(
        "agents.config",
        Status.FAIL,
        line.place,
        f"{line.place}: {line.key}={line.value} in {unit.name} {kept.says}; it takes effect at the next start at the latest",
        cause="config.invalid",
        remedy=remedy(
            host,
            f"Take the line out, or allow {unit.name} what it needs. Then reload systemd and restart the service"
            + (" (containers stop, unless live-restore is set)." if unit.name == DOCKER else "."),
            line_out(line.place),
            ("systemctl", "daemon-reload"),
            ("systemctl", "restart", unit.service),
            *((("systemctl", "restart", "ecs"),) if unit.name == DOCKER and agents(host).has_ecs else ()),
        ),
        evidence={"kind": "sandbox", "unit": unit.name, "key": line.key},
    )
