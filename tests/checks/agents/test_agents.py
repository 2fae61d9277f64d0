"""The agents: what their log and their unit say, and what helps."""

from __future__ import annotations

from anywhere.checks.agents import agents
from anywhere.hosts.base import Daemon
from tests.support.judging import ACS_FAILED, ecs_unit, judge, log, registered, remedy_of


def test_a_lost_channel_says_whether_the_network_is_at_fault() -> None:
    finding = next(one for one in judge(agents.ecs_check, log(ACS_FAILED)) if one.is_trouble)
    assert (finding.evidence["network"], finding.evidence["symptom"]) == (True, "tcp")


def test_the_endless_loop_of_the_deb_unit_gets_its_missing_line() -> None:
    loop = ecs_unit(ActiveState="activating", SubState="auto-restart", ExecMainStatus=5)
    assert "RestartPreventExitStatus=5" in remedy_of(agents.restarts_check, registered(commands=loop)).text
    stops = ecs_unit(ActiveState="activating", SubState="auto-restart", ExecMainStatus=5, RestartPreventExitStatus=5)
    assert "RestartPreventExitStatus" not in remedy_of(agents.restarts_check, registered(commands=stops)).text


def test_another_program_called_agent_is_no_ecs_agent() -> None:
    """Datadog's is called so too: it is not the one whose program is known."""
    host = registered(daemons=(Daemon("ecs-agent", 900, {}, False),))
    host.probes = {}
    assert [one for one in judge(agents.ecs_check, host) if one.is_trouble]
