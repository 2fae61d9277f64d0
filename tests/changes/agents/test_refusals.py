"""What the agents and the package manager say, as causes. The messages are those of recorded runs."""

from __future__ import annotations

import pytest

from anywhere.catalogue.causes.table import causes
from anywhere.changes.agents.refusals import (
    explain_agent,
    explain_install,
    explain_registration,
    explain_start,
    explain_update,
)

SAID = (
    "register with Systems Manager in eu-west-1: rc 1: Registration failed due to error registering the instance with AWS "
    "SSM. "
)
POST = 'RequestError: send request failed caused by: Post "https://ssm.eu-west-1.amazonaws.com/": '
REGISTRATION = {
    "InvalidActivation: ": "activation.invalid",
    "ActivationExpired: ": "activation.expired",
    "RegistrationLimitExceeded: ": "activation.used-up",
    "ThrottlingException: Rate exceeded": "registration.throttled",
    "TooManyUpdates: ": "registration.throttled",
    "AccessDeniedException: ": "registration.refused",
    "InternalServerError: ": "registration.service-error",
    "SerializationError: failed to unmarshal response error status code: 503, request id: ": "registration.service-error",
    "SerializationError: failed to unmarshal response error status code: 403, request id: ": "registration.foreign-answer",
    "SerializationError: failed decoding JSON RPC response": "registration.foreign-answer",
    "panic: runtime error: invalid memory address": "registration.foreign-answer",
    POST + "dial tcp: lookup ssm.eu-west-1.amazonaws.com on 10.0.0.2:53: no such host": "registration.network",
    POST + "dial tcp 10.1.1.1:443: i/o timeout": "registration.network",
    POST + "read: connection reset by peer": "registration.network",
    POST + "net/http: TLS handshake timeout": "registration.network",
    POST + "x509: certificate signed by unknown authority": "registration.network",
    POST + "Proxy Authentication Required": "proxy.auth-required",
    POST + "EOF": "registration.network",
    POST + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)": "registration.network",
    "Unable to save registration information. open /var/lib/amazon/ssm/Vault: permission denied": "registration.disk",
    "Unable to save registration information. write: no space left on device": "registration.disk",
    "Unable to save registration information. [Errno 28] No space left on device": "registration.disk",
    "something that nobody has seen": "registration.failed",
}


@pytest.mark.parametrize("said", REGISTRATION)
def test_a_failed_registration(said: str) -> None:
    found = explain_registration(SAID + said, "eu-west-1")
    assert found.code == REGISTRATION[said] and found.code in causes()
    assert found.fix and "REGION" not in found.fix


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("api error ClusterNotFoundException: Cluster not found.", "cluster.not-found"),
        (
            "AccessDeniedException: User: x is not authorized to perform: ecs:RegisterContainerInstance",
            "agent.not-authorized",
        ),
        ("MachineFingerprintDoesNotMatch: ", "identity.duplicate"),
        ("InvalidInstanceId: Not existing InstanceId mi-1", "registration.broken"),
    ],
)
def test_an_agent_that_does_not_come_up(line: str, code: str) -> None:
    found = explain_agent(line, "eu-west-1", "prod")
    assert found and found.code == code and "CLUSTER" not in found.summary + found.fix
    assert explain_agent("level=info msg=fine", "eu-west-1", "prod") is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            "install x.deb: rc 75: the package manager is in use by another program: held by process 7",
            "package.manager-busy",
        ),
        ("install x.deb: rc 75: another run still installs packages on this host", "package.manager-busy"),
        ("install Docker: rc 76: no package repository of this host answers: Err:1", "package.mirror-down"),
        ("install x.deb: rc 1: dpkg: error: No space left on device", "disk.low"),
        ("install x.deb: rc 100: E: Broken packages", "package.install"),
    ],
)
def test_an_installation(said: str, code: str) -> None:
    assert explain_install(said).code == code and code in causes()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("enable and start docker.service: the ECS agent is one: rc 1: it is failed: x", "docker.not-running"),
        ("enable and start ecs.service: the ECS agent: rc 1: its start waits for: files.service", "unit.waiting"),
        ("enable and start ecs.service: the ECS agent: rc 1: it is failed: x", "agent.disconnected"),
    ],
)
def test_a_unit_that_does_not_start(said: str, code: str) -> None:
    assert explain_start(said).code == code


def test_what_to_do_again_is_what_was_done() -> None:
    line = "ClusterNotFoundException: Cluster not found."
    found = explain_agent(line, "eu-west-1", "prod")
    assert found and found.fix.endswith("then run register again; for another name give that --cluster")
    found = explain_agent(line, "eu-west-1", "prod", "run `anywhere move --cluster prod` again")
    assert found and "then run `anywhere move --cluster prod` again" in found.fix and "register again" not in found.fix


def test_an_agent_that_does_not_start_is_no_fault_of_the_package_manager() -> None:
    assert explain_update("restart ecs.service: exit code 1: Job failed").code == "agent.disconnected"
    assert explain_update("update amazon-ecs-init 1 -> 2: exit code 1: dpkg").code == "package.install"
