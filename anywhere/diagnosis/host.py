"""Causes on the host that show elsewhere, and symptoms that deeper causes explain."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.diagnosis.engine import Case, Rule, joined
from anywhere.diagnosis.evidence import Seen, covers, lacks_limits, rule_of, stopped_here
from anywhere.model import Finding, Reason, Stage

SUBNETS, FILTER = "containers.subnets", "network.host-firewall"
EGRESS, PATH = "containers.egress", "netfilter.path"


def _overlap(case: Case) -> Iterator[int]:
    """A bridge that covers an address swallows its packets: what then fails at that address is this cause's doing."""
    covered: dict[str, str] = {}
    for index, finding in case.trouble(SUBNETS):
        covered |= covers(finding)
        yield index
    if covered:
        yield from (index for index, finding in case.trouble() if _swallowed(finding, covered))


def _swallowed(finding: Finding, covered: dict[str, str]) -> bool:
    if finding.check == "network.nameservers":
        return finding.subject in covered
    if finding.check != "endpoints.reach":
        return False
    if finding.stage is Stage.RESOLVE:
        return finding.reason is Reason.NAMESERVER_TIMEOUT and "a nameserver" in covered.values()
    addresses = [entry.get("address", "") for entry in Seen(finding).addresses]
    gateway = finding.stage is Stage.CONNECT and "the default gateway" in covered.values()
    return gateway or (bool(addresses) and all(address in covered for address in addresses))


def _own_filter(case: Case) -> Iterator[int]:
    """What the host's own rules stop: the nameservers, the names that then do not resolve, the endpoints and the proxy."""
    stopped: set[str] = set()
    for index, finding in case.trouble(FILTER):
        stopped |= set(stopped_here(finding))
        yield index
    if not stopped:
        return
    mute = any(finding.subject in stopped for finding in case.of("network.nameservers") if finding.is_trouble)
    for index, finding in case.trouble("network.nameservers", "endpoints.reach"):
        seen = Seen(finding)
        addresses = [entry.get("address", "") for entry in seen.addresses if entry.get("reason")]
        nameless = mute and (finding.stage is Stage.RESOLVE or bool(seen.proxy_unresolved))
        if finding.subject in stopped or nameless or (addresses and stopped.issuperset(addresses)):
            yield index


def _same_rule(case: Case) -> Iterator[int]:
    """One rule that stops whatever containers send stops their way to the agent too: one fix for both."""
    stops = {rule for _, finding in case.trouble(EGRESS) if (rule := rule_of(finding))}
    shadowed = {index: rule_of(finding) for index, finding in case.trouble(PATH)}
    if stops.intersection(shadowed.values()):
        yield from (index for index, finding in case.trouble(EGRESS))
        yield from (index for index, rule in shadowed.items() if rule in stops)


def _controllers(case: Case) -> Iterator[int]:
    """The agent that goes on without limits of tasks says what the missing control groups mean to it."""
    missing = [index for index, _ in case.trouble("system.cgroup")]
    yield from missing
    if missing:
        yield from (index for index, finding in case.trouble("agents.features") if lacks_limits(finding))


RULES: tuple[Rule, ...] = (
    Rule(
        "cgroup.controller-missing",
        _controllers,
        lambda fs: next(f.summary for f in fs if f.check == "system.cgroup"),
        lambda fs: joined([f for f in fs if f.check == "system.cgroup"]),
    ),
    Rule(
        "containers.no-egress",
        _same_rule,
        lambda fs: "; ".join(dict.fromkeys(f.summary for f in fs if f.check == EGRESS)),
        lambda fs: joined([f for f in fs if f.check == EGRESS]),
    ),
    Rule(
        "egress.host-firewall",
        _own_filter,
        lambda fs: "; ".join(dict.fromkeys(f.summary for f in fs if f.check == FILTER)),
        lambda fs: joined([f for f in fs if f.check == FILTER]),
    ),
    Rule(
        "docker.subnet-overlap",
        _overlap,
        lambda fs: next(f.summary for f in fs if f.check == SUBNETS),
        lambda fs: joined([f for f in fs if f.check == SUBNETS]),
    ),
)

# A symptom, and the causes that explain it when one of them is there, the most telling first.
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
        )
        + (
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
            "config.invalid",
            "registration.",
            "ports.taken",
            "agent.state",
            "agent.not",
            "agent.no",
            "credentials.",
            "kernel.",
            "mount.",
            "disk.",
            "memory.low",
            "exec.",
        ),
    ),
)
