"""A copy of a registered machine: the instance in AWS is that of the original, and stays whatever is done here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from anywhere.changes import engine
from anywhere.changes.agents.copied import copied
from anywhere.changes.base import Command, Step
from anywhere.changes.leave.note import note_step
from anywhere.facts.agents.agents import Agents
from anywhere.flows.life import leaving, move
from anywhere.flows.life.leave import Leaving
from anywhere.flows.life.leaving import Leave
from anywhere.flows.life.move import Moving
from anywhere.flows.lifecycle.healthy import Health
from anywhere.hosts.base import Host
from anywhere.report.life.left import done as shown
from tests.support.barehost import BareHost
from tests.support.fakehost import FakeHost

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
INSTANCE = "mi-0123456789abcdef0"
ARN = f"arn:aws:ecs:us-east-1:123456789012:container-instance/plant-7/{'a' * 32}"
STORE = "/var/lib/amazon/ssm/Vault/Store"
MADE, HERE = "1" * 32, "2" * 32


class Keys:
    """An account whose calls are written down."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def workload(self, cluster: str, arn: str) -> None:
        self.calls.append("describe")

    def deregister_container(self, cluster: str, arn: str) -> None:
        self.calls.append(arn)

    def deregister_managed(self, instance: str, owner: str = "") -> None:
        self.calls.append(instance)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    made = Keys()
    monkeypatch.setattr(leaving.Account, "of", lambda region: made)
    return made


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost(alone=True) as made:
        vault = json.dumps({"instanceID": INSTANCE, "region": "us-east-1", "privateKey": "hush"})
        fingerprint = json.dumps({"fingerprint": "f", "hardwareHash": {"machine-id": MADE}})
        made.sh(
            f"mkdir -p {STORE} /var/lib/ecs/data /etc/ecs /usr/local/sbin; echo '{vault}' > {STORE}/RegistrationKey;"
            f"echo '{fingerprint}' > {STORE}/InstanceFingerprint; echo {HERE} > /etc/machine-id.new;"
            f"mv -f /etc/machine-id.new /etc/machine-id; echo '{ARN}' > /var/lib/ecs/data/agent.db;"
            f"echo ECS_CLUSTER=other > /etc/ecs/ecs.config"
        )
        yield made


def original(host: BareHost) -> None:
    host.sh(f"echo {MADE} > /etc/machine-id")


@pytest.mark.parametrize("verb", ["deregister", "reset"])
def test_the_original_is_never_deregistered(host: BareHost, keys: Keys, verb: str) -> None:
    planned = Leaving(host, Leave(verb))(dry=True)
    assert any(f"do not deregister {INSTANCE}" in step for step in planned.steps), planned.steps
    result = Leaving(host, Leave(verb))()
    assert result.ok and not result.commands and not keys.calls, result
    (why,) = (why for what, why in result.differences if INSTANCE in what)
    assert MADE[:8] in why and HERE[:8] in why


def test_a_run_that_was_killed_remembers_that_it_is_a_copy(host: BareHost, keys: Keys) -> None:
    instance = leaving.Instance(host)
    step = Step("note", "note", Command(("true",)))
    engine.apply(host, "deregister", lambda seen: (*note_step(seen, instance.note), step))
    host.sh(f"rm -r {STORE}")
    assert Leaving(host, Leave("deregister"))().ok and not keys.calls


def test_what_aws_said_to_an_agent_that_ran_on_the_copy_shows_it_too() -> None:
    line = "ERROR [CredentialRefresher] Retrieve credentials produced aws error: MachineFingerprintDoesNotMatch: x\n"
    assert "MachineFingerprintDoesNotMatch" in copied(FakeHost({"/var/log/amazon/ssm/amazon-ssm-agent.log": line}))
    assert copied(FakeHost()) == ""


def test_a_copy_is_not_moved(host: BareHost, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Agents, "has_ecs", True)
    result = Moving(host, Leave("move", "plant-8"))()
    assert (result.state, result.code) == ("failed", "identity.duplicate") and not keys.calls, result
    assert host.sh("cat /etc/ecs/ecs.config; ls /var/lib/anywhere 2>/dev/null || :") == "ECS_CLUSTER=other\n"


@pytest.mark.parametrize(("saved", "words"), [("plant-7", "ECS_CLUSTER is other again"), ("old", "is back in old")])
def test_a_move_that_fails_says_where_the_host_is(
    host: BareHost, keys: Keys, monkeypatch: pytest.MonkeyPatch, saved: str, words: str
) -> None:
    original(host)
    host.sh(f"echo {ARN.replace('plant-7', saved)} > /var/lib/ecs/data/agent.db")
    monkeypatch.setattr(Agents, "has_ecs", True)
    waits: list[str] = []

    def wait(host: Host, cluster: str, *_: object) -> Health:
        waits.append(cluster)
        return Health(waiting="" if cluster == "old" else "the connection to ACS")

    monkeypatch.setattr(move, "wait_healthy", wait)
    monkeypatch.setattr(move.engine, "apply", lambda *_: engine.Applied(()))
    result = Moving(host, Leave("move", "plant-7"))()
    assert result.state == "failed" and words in result.error, result
    assert waits == (["plant-7"] if saved == "plant-7" else ["plant-7", "old"])


def test_the_machine_itself_is_deregistered(host: BareHost, keys: Keys) -> None:
    original(host)
    assert Leaving(host, Leave("deregister"))().ok
    assert [call for call in keys.calls if call != "describe"] == [ARN, INSTANCE]


def test_a_step_that_cannot_be_undone_is_a_failure_and_the_rest_is_done(host: BareHost, keys: Keys) -> None:
    original(host)
    engine.apply(host, "register", lambda seen: (Step("x", "x", Command(("true",)), (Command(("true",)),)),))
    host.sh("echo no > /var/lib/anywhere/register.journal; rm -f /var/lib/anywhere/register.copy")
    result = Leaving(host, Leave("deregister", force_missing=True))()
    assert not result.ok and "register.journal" in result.error and INSTANCE in keys.calls, result
    text = shown("deregister", [result])
    assert "FAILED" in text and "  + " in text, text
    assert Leaving(host, Leave("deregister"))().state == "already"
