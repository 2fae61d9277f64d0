"""Causes on the host that show up in other findings, and symptoms that other causes explain."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.diagnosis.engine import Case, Rule, fixed_by, said_by
from anywhere.diagnosis.evidence import NAMESERVERS, REACH, Seen, covers, lacks_limits, rule_of, stopped_here
from anywhere.model import Finding, Reason, Stage

SUBNETS, FILTER = "containers.subnets", "network.host-firewall"
EGRESS, PATH, CGROUP = "containers.egress", "netfilter.path", "system.cgroup"


def _overlap(case: Case) -> Iterator[int]:
    """A bridge network that covers an address takes its packets: what fails at that address has this cause."""
    covered: dict[str, str] = {}
    for index, finding in case.trouble(SUBNETS):
        covered |= covers(finding)
        yield index
    if covered:
        yield from (index for index, finding in case.trouble() if _swallowed(finding, covered))


def _swallowed(finding: Finding, covered: dict[str, str]) -> bool:
    if finding.check == NAMESERVERS:
        return finding.subject in covered
    if finding.check != REACH:
        return False
    if finding.stage is Stage.RESOLVE:
        return finding.reason is Reason.NAMESERVER_TIMEOUT and "a nameserver" in covered.values()
    addresses = [entry.get("address", "") for entry in Seen(finding).addresses]
    gateway = finding.stage is Stage.CONNECT and "the default gateway" in covered.values()
    return gateway or (bool(addresses) and all(address in covered for address in addresses))


def _own_filter(case: Case) -> Iterator[int]:
    """What the host's own rules drop: nameservers (and so the names), endpoints and the proxy."""
    stopped: set[str] = set()
    for index, finding in case.trouble(FILTER):
        stopped |= set(stopped_here(finding))
        yield index
    if not stopped:
        return
    mute = any(finding.subject in stopped for finding in case.of(NAMESERVERS) if finding.is_trouble)
    for index, finding in case.trouble(NAMESERVERS, REACH):
        seen = Seen(finding)
        nameless = mute and (finding.stage is Stage.RESOLVE or bool(seen.proxy_unresolved))
        if finding.subject in stopped or nameless or (seen.failed and stopped.issuperset(seen.failed)):
            yield index


def _same_rule(case: Case) -> Iterator[int]:
    """A rule that drops all traffic of containers also drops their requests to the agent: one cause, one fix."""
    stops = {rule for _, finding in case.trouble(EGRESS) if (rule := rule_of(finding))}
    shadowed = {index: rule_of(finding) for index, finding in case.trouble(PATH)}
    if stops.intersection(shadowed.values()):
        yield from (index for index, finding in case.trouble(EGRESS))
        yield from (index for index, rule in shadowed.items() if rule in stops)


def _controllers(case: Case) -> Iterator[int]:
    """Missing control groups, and the agent's message that it runs without task limits because of them."""
    missing = [index for index, _ in case.trouble(CGROUP)]
    yield from missing
    if missing:
        yield from (index for index, finding in case.trouble("agents.features") if lacks_limits(finding))


RULES: tuple[Rule, ...] = (
    Rule(
        "cgroup.controller-missing",
        _controllers,
        lambda fs: next(f.summary for f in fs if f.check == CGROUP),
        fixed_by(CGROUP),
    ),
    Rule(
        "containers.no-egress",
        _same_rule,
        said_by(EGRESS),
        fixed_by(EGRESS),
    ),
    Rule(
        "egress.host-firewall",
        _own_filter,
        said_by(FILTER),
        fixed_by(FILTER),
    ),
    Rule(
        "docker.subnet-overlap",
        _overlap,
        lambda fs: next(f.summary for f in fs if f.check == SUBNETS),
        fixed_by(SUBNETS),
    ),
)

# A symptom, and the causes that explain it where one of them is present, the most specific first.
SYMPTOMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("clock.unsynchronised", ("clock.skewed",)),
    ("docker.not-running", ("kernel.modules-gone", "mount.unsuitable", "docker.agent-incompatible")),
    ("agent.no-credentials", ("clock.skewed", "registration.", "credentials.", "agent.duplicate-ssm")),
    (
        "agent.disconnected",
        (
            "unit.waiting",
            "docker.",
            "registration.",
            "config.invalid",
            "agent.restart-loop",
            "agent.duplicate-ssm",
            "agent.state-damaged",
            "agent.not-authorized",
            "agent.no-credentials",
            "agent.stale-environment",
            "credentials.",
            "clock.skewed",
            "kernel.",
            "mount.",
            "disk.",
            "memory.low",
            "proxy.",
            "dns.",
            "egress.",
            "tls.",
            "websocket.",
            "ports.taken",
            "rules.ip6tables-fails",
            "exec.",
        ),
    ),
    (
        "agent.restart-loop",
        (
            "unit.waiting",
            "rules.ip6tables-fails",
            "docker.",
            "cgroup.",
            "config.invalid",
            "registration.",
            "ports.taken",
            "agent.state-damaged",
            "agent.not-authorized",
            "agent.no-credentials",
            "credentials.",
            "kernel.",
            "mount.",
            "disk.",
            "memory.low",
            "exec.",
        ),
    ),
)
