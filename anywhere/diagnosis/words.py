"""Causes from the agents' log lines alone, where nothing was probed: for `anywhere status`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from anywhere.catalogue.log_causes import LOG_CAUSES, LogCause, cause_of
from anywhere.catalogue.log_lines import message
from anywhere.diagnosis.engine import Case, Rule
from anywhere.diagnosis.evidence import is_expired, quoted_line
from anywhere.model import Finding, Remedy, Status

CHECKS = ("agents.ssm", "agents.ecs", "agents.restarts")


# A cause on the host that a check names explains why the agent is disconnected: its log line is then only a symptom.
DEEPER = ("config.invalid", "registration.", "docker.", "clock.skewed")


def _claim(row: LogCause, case: Case) -> Iterator[int]:
    if any(finding.status is Status.FAIL and (finding.cause or "").startswith(DEEPER) for _, finding in case.trouble()):
        return
    for index, finding in case.trouble(*CHECKS):
        if finding.cause in ("agent.disconnected", "agent.restart-loop") and cause_of(quoted_line(finding)) is row:
            yield index


def _say(row: LogCause, findings: Sequence[Finding]) -> str:
    return f'{row.says}: "{message(quoted_line(findings[0]))}"'


def _fix(row: LogCause, findings: Sequence[Finding]) -> Remedy:
    """The fix of the row; its commands have sudo if those of the findings do."""
    theirs = [command for one in findings if one.remedy for command in one.remedy.commands]
    sudo = ("sudo",) if any(command[:1] == ("sudo",) for command in theirs) else ()
    return Remedy(
        row.fix, tuple(command if command[0] == "anywhere" else (*sudo, *command) for command in row.commands)
    )


def _expired(case: Case) -> Iterator[int]:
    """Expired credentials without an error in the SSM agent's log."""
    return (index for index, finding in case.trouble("agents.ssm") if is_expired(finding))


_EXPIRED = Rule(
    "agent.no-credentials",
    _expired,
    lambda findings: findings[0].summary,
    lambda findings: findings[0].remedy or Remedy("Restart the SSM agent, which writes fresh credentials, then ecs."),
)
RULES: tuple[Rule, ...] = (
    *(Rule(row.code, partial(_claim, row), partial(_say, row), partial(_fix, row)) for row in LOG_CAUSES),
    _EXPIRED,
)
