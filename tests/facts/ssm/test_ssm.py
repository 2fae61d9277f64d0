"""The SSM agent's settings and log, as the agent reads and writes them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from anywhere.checks.agents.ssm_settings import wrong_settings
from anywhere.facts.agents.agents import Agents
from anywhere.facts.agents.registration import REGISTERED, Registration
from anywhere.facts.agents.ssm_log import STARTED, ssm_log
from anywhere.facts.ssm.logs import PATH, SEELOG, ssm_text
from anywhere.facts.ssm.settings import parse_ssm_settings
from anywhere.facts.system.units import ECS, SSM, SSM_SNAP, Unit
from tests.support.fakehost import FakeHost

FILE = "/etc/amazon/ssm/amazon-ssm-agent.json"
HERE = Agents(Unit(SSM), Unit(SSM_SNAP), Unit(ECS, exists=True), Registration(REGISTERED, "mi-0a", "us-east-1"))


def said(settings: object, here: Agents = HERE) -> list[str]:
    text = settings if isinstance(settings, str) else json.dumps(settings, indent=2)
    return [one.says for one in wrong_settings(parse_ssm_settings(FILE, text), here)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{"Profile": {"ShareCreds": true},}', "no JSON that the agent can read"),
        ('{"Profile": {“ShareCreds”: true}}', "no JSON that the agent can read"),
        ("[]", "is no JSON object"),
        ({"Profile": {"ShareCreds": "false"}}, "Profile.ShareCreds has to be true or false"),
        ({"mds": {"stoptimeoutmillis": "20000"}}, "mds.stoptimeoutmillis has to be an integer"),
        ({"Mds": {"StopTimeoutMillis": 2.5}}, "has to be an integer"),
        ({"Identity": {"ConsumptionOrder": "OnPrem"}}, "has to be a list"),
        ({"Profile": {"ShareCred": False}}, "did you mean ShareCreds"),
        ({"Profil": {}}, "did you mean Profile"),
        ({"Identity": {"ConsumptionOrder": ["EC2", "onprem"]}}, "lacks OnPrem"),
        ({"Agent": {"ContainerMode": True}}, "ContainerMode is true"),
        ({"Agent": {"Region": "us-east1"}}, "no AWS region"),
        ({"Agent": {"Region": "eu-west-1"}}, "this host is registered in us-east-1"),
        ({"Ssm": {"Endpoint": "https://"}}, "Ssm.Endpoint is no endpoint"),
        ({"profile": {"sharecreds": False}}, "ShareCreds is false"),
        ({"Profile": {"ShareProfile": "edge"}}, "ShareProfile is edge"),
    ],
)
def test_what_the_agent_does_not_take_is_said_once(settings: object, words: str) -> None:
    found = said(settings)
    assert len(found) == 1 and words in found[0]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"Profile": {"ShareCreds": True, "ShareProfile": "default", "Owner": "ops"}, "Site": {"Rack": 7}, "Mds": None},
        {"Identity": {"ConsumptionOrder": ["nothing", "that", "is", "known"]}},
        {"Agent": {"Region": "us-east-1", "ContainerMode": False, "UseDualStackEndpoint": True}},
        {"Ssm": {"Endpoint": "ssm.vpce-0a.example.com"}, "Agent": {"GoMaxProcForAgentWorker": 0}},
    ],
)
def test_what_the_agent_takes_is_no_trouble(settings: object) -> None:
    assert said(settings) == []


def test_without_the_ecs_agent_nobody_misses_the_credentials() -> None:
    here = replace(HERE, ecs=Unit(ECS))
    assert said({"Profile": {"ShareCreds": False, "ShareProfile": "edge"}}, here) == []


LINE = "2026-11-29 10:00:0{0}.0000 INFO [ssm-agent-worker] {1}\n"
ASLEEP = "Entering SSM Agent Worker hibernate - AccessDeniedException: x"


@pytest.mark.parametrize(
    ("older", "newest"),
    [
        ({"amazon-ssm-agent.log.1": 1, "amazon-ssm-agent.log.2": 5}, "amazon-ssm-agent.log.2"),
        ({"amazon-ssm-agent.log.1": 5, "amazon-ssm-agent.log.2": 1}, "amazon-ssm-agent.log.1"),
        ({"amazon-ssm-agent.log-20261128": 3, "amazon-ssm-agent.log.9": 2}, "amazon-ssm-agent.log-20261128"),
    ],
    ids=["seelog's numbers grow", "logrotate's age", "dates"],
)
def test_the_newest_rolled_log_is_read(older: dict[str, int], newest: str) -> None:
    folder = PATH.rpartition("/")[0]
    files = {f"{folder}/{name}": LINE.format(when, name) for name, when in older.items()}
    found = ssm_text(FakeHost(files={**files, PATH: LINE.format(9, "Backing off")}), STARTED)
    assert newest in found.text and found.text.endswith("Backing off\n")
    assert not [name for name in older if name != newest and name in found.text]


def test_a_log_with_its_start_needs_no_older_one() -> None:
    start = LINE.format(1, "amazon-ssm-agent - v3.3.1.0")
    found = ssm_text(FakeHost(files={PATH: start, f"{PATH}.1": LINE.format(0, ASLEEP)}), STARTED)
    assert found.text == start


def test_seelog_says_where_the_log_is() -> None:
    xml = '<rollingfile type="size" filename="/srv/log/errors.log"/><rollingfile maxrolls="5" filename="/srv/log/ssm.log"/>'
    found = ssm_log(FakeHost(files={SEELOG: xml, "/srv/log/ssm.log": LINE.format(1, ASLEEP)}))
    assert found is not None and found.hibernates.startswith("AccessDeniedException")
