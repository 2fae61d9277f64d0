"""Registration, logs, credentials: the latest state, and never a secret."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.facts.agents.agents import agents, ecs_version, parse_metadata, shard_names, ssm_version
from anywhere.facts.agents.credentials import SHARED, Named, metadata_service, named_variables, parse_names, shared_file
from anywhere.facts.agents.ecs_log import ECS_LINES, agent_log, message, parse_agent_log
from anywhere.facts.agents.registration import GREP, IDENTITY, LEFTOVER, VAULT, parse_registration, registration
from anywhere.facts.agents.ssm_log import parse_ssm_log
from anywhere.facts.logs.log_place import PATH
from anywhere.facts.system.packages import DPKG
from anywhere.facts.system.units import SHOW
from anywhere.hosts.base import Completed, HttpFacts, Probe, ProbeSpec
from anywhere.model import Stage
from tests.support.fakehost import FakeHost

START = 'level=info time=2026-09-21T10:00:00Z msg="Starting Amazon ECS Agent" version="1.98.0" commit="abc"'
REGISTERED = 'level=info time=t msg="Registered container instance with cluster!"'
ACS, TCS = 'msg="Connected to ACS endpoint"', 'msg="Connected to TCS endpoint"'
DNS = 'level=error msg="Unable to register as a container instance with ECS" error="lookup ecs.x on 10.0.0.2:53: no such host"'
ACS_FAILED = 'level=error msg="Failed to connect to ACS" error="dial tcp 10.1.1.1:443: i/o timeout"'
TCS_FAILED = 'level=error msg="Error connecting to TCS" error="x509: certificate signed by unknown authority"'
PULL = 'level=error msg="Failed to pull image" error="lookup registry on 10.0.0.2:53: no such host"'
PORT = 'level=error msg="Error running introspection endpoint: listen tcp :51678: bind: address already in use"'
SHARD = 'msg="Establishing a Websocket connection" url="https://ecs-a-4.eu-west-1.amazonaws.com/ws?agentHash=x"'

lines = st.sampled_from([START, REGISTERED, ACS, TCS, DNS, ACS_FAILED, TCS_FAILED, PULL, PORT, SHARD, "noise"])


@given(st.one_of(st.text(), st.lists(lines).map("\n".join)))
def test_nothing_breaks_the_parsers(text: str) -> None:
    log = parse_agent_log(text)
    assert not (
        log.acs and [one for one in log.symptoms if one.channel == "ACS" and one.kind not in ("port", "config")]
    )
    parse_ssm_log(text)
    parse_registration(text, text)
    parse_metadata(text)
    parse_names(text)


def test_the_latest_state_wins() -> None:
    up = parse_agent_log("\n".join((START, DNS, REGISTERED, ACS, TCS)))
    assert (up.registered, up.acs, up.tcs, up.symptoms, up.starts) == (True, True, True, (), 0)
    down = parse_agent_log("\n".join((START, REGISTERED, ACS, TCS, ACS_FAILED)))
    assert (down.registered, down.acs, down.tcs) == (True, False, True)
    assert [(one.kind, one.channel) for one in down.symptoms] == [("tcp", "ACS")]
    half = parse_agent_log("\n".join((START, REGISTERED, ACS, TCS_FAILED)))
    assert (half.acs, half.tcs, half.symptoms[0].kind) == (True, False, "tls")


def test_what_is_not_about_the_channels_does_not_cut_them() -> None:
    log = parse_agent_log("\n".join((START, REGISTERED, ACS, PULL)))
    assert (log.acs, log.symptoms) == (True, ())


def test_a_taken_port_stays_until_the_next_start() -> None:
    assert parse_agent_log("\n".join((START, PORT, REGISTERED, ACS))).symptom("port")
    assert not parse_agent_log("\n".join((START, PORT, START, REGISTERED, ACS))).symptom("port")


def test_starts_without_success_are_counted_and_the_last_symptom_is_kept() -> None:
    log = parse_agent_log("\n".join((ACS, START, DNS, START, DNS, START)))
    assert (log.starts, log.acs, [one.kind for one in log.symptoms]) == (3, None, ["dns"])


def test_shards_and_version_are_read() -> None:
    log = parse_agent_log("\n".join((START, SHARD, SHARD.replace("ecs-a-4", "ecs-t-4"), SHARD)))
    assert (log.version, log.shards) == (
        "1.98.0",
        ("ecs-t-4.eu-west-1.amazonaws.com", "ecs-a-4.eu-west-1.amazonaws.com"),
    )
    assert shard_names(FakeHost({PATH: SHARD})) == ("ecs-a-4.eu-west-1.amazonaws.com",)
    assert shard_names(FakeHost({PATH: None})) == ()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('"Signature expired: 20260921T100000Z is now earlier than 20260921T101000Z (20260921T101500Z - 5 min.)"', "clock"),
        ("Data mismatch; saved cluster 'a' does not match configured cluster 'b'. Perhaps", "cluster"),
        ('error="Post \\"https://ecs.x\\": proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused"', "proxy"),
        ('error="lookup ecs.x on 10.0.0.2:53: read udp 10.0.0.5:1->10.0.0.2:53: i/o timeout"', "dns"),
        ('error="tls: failed to verify certificate: x509: certificate is valid for a, not b"', "tls"),
        ('error="dial tcp 52.1.1.1:443: connect: no route to host"', "tcp"),
        ('error="no valid providers in chain"', "credentials"),
        ('msg="Error creating data client" error="invalid database"', "state"),
        ('msg="unable to dial wss response: : Forbidden"', "proxy"),
        ('msg="unable to dial wss response: 502 Bad Gateway: websocket: bad handshake"', "websocket"),
        ('error="StatusCode: 400, RequestID: 1-2, AccessDeniedException: User: x"', "denied"),
        ('msg="Container instance is deregistered"', "deregistered"),
        ('msg="Error creating Docker client" error="client not found for docker version: 1.21"', "docker"),
        ('msg="Invalid logging drivers: x"', "config"),
    ],
)  # fmt: skip
def test_symptoms_are_named(line: str, kind: str) -> None:
    assert [one.kind for one in parse_agent_log(line).symptoms] == [kind]
    assert kind in {row.kind for row in ECS_LINES}


@pytest.mark.parametrize(
    "line",
    [
        'level=error msg="Unable to fetch user data: blackholed"',
        'level=warn msg="Not able to get EC2 Instance ID"',
        'level=warn msg="Fault injection capability not enabled"',
        'msg="ACS WebSocket connection closed for a valid reason"',
    ],
)
def test_what_a_healthy_external_agent_prints_is_no_symptom(line: str) -> None:
    assert parse_agent_log("\n".join((REGISTERED, ACS, line))).symptoms == ()


def test_a_log_that_may_not_be_read_is_not_known() -> None:
    assert agent_log(FakeHost({PATH: None})) is None
    empty = agent_log(FakeHost())
    assert empty is not None and empty.acs is None


def test_the_second_line_of_a_refusal_names_its_cause() -> None:
    first = "ERROR [CredentialRefresher] Retrieve credentials produced aws error: RequestError: send request failed"
    cause = 'caused by: Post "https://ssm.us-east-1.amazonaws.com/": dial tcp: i/o timeout'
    assert parse_ssm_log("\n".join((first, cause))).refused.endswith("i/o timeout")
    assert parse_ssm_log("\n".join((first, "ERROR [MDS] send failed", cause))).refused.endswith("send request failed")


def test_the_ssm_log_tells_its_latest_state() -> None:
    start = "2026-09-21 10:00:00 INFO [amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0"
    worker = "2026-09-21 10:00:01 INFO [ssm-agent-worker] amazon-ssm-agent - v3.3.987.0"
    ready = "INFO [CredentialRefresher] Credentials ready"
    asleep = "INFO [ssm-agent-worker] Entering SSM Agent hibernate - AccessDeniedException: no"
    refused = "ERROR [CredentialRefresher] Retrieve credentials produced aws error: MachineFingerprintDoesNotMatch: x"
    assert parse_ssm_log("\n".join((start, ready, worker))).credentials is True
    assert parse_ssm_log("\n".join((start, ready, worker, asleep))).hibernates == "AccessDeniedException: no"
    assert parse_ssm_log("\n".join((start, asleep, start, ready))).hibernates == ""
    asleep = "INFO [ssm-agent-worker] Entering SSM Agent hibernate - RequestError: send request failed"
    why = "caused by: Post https://ssm.us-east-1.amazonaws.com/: dial tcp: lookup ssm.us-east-1.amazonaws.com: i/o timeout"
    assert parse_ssm_log("\n".join((start, ready, worker, asleep, why))).hibernates.endswith(
        f"send request failed {why}"
    )
    found = parse_ssm_log("\n".join((start, refused)))
    assert (found.credentials, found.refused.partition(":")[0]) == (False, "MachineFingerprintDoesNotMatch")


def vault(tmp_path: Path, content: str) -> Completed:
    """What grep itself prints of a vault, with the real paths put in."""
    file = tmp_path / "RegistrationKey"
    file.write_text(content)
    argv = [str(file) if word == VAULT else word for word in GREP if word not in (LEFTOVER, IDENTITY)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return Completed(
        GREP, done.returncode, done.stdout.replace(str(file), VAULT), done.stderr.replace(str(file), VAULT)
    )


KEY = {"instanceID": "mi-0123456789abcdef0", "region": "us-east-1", "privateKey": "MIIEsecret", "privateKeyType": "Rsa"}


@pytest.mark.parametrize("indent", [None, 2])
def test_the_vault_is_read_without_its_key(tmp_path: Path, indent: int | None) -> None:
    done = vault(tmp_path, json.dumps(KEY, indent=indent))
    assert "secret" not in done.stdout + done.stderr
    found = registration(FakeHost(commands={GREP: done}))
    assert (found.state, found.instance, found.region) == ("registered", "mi-0123456789abcdef0", "us-east-1")
    assert found.is_registered is True


def test_a_vault_without_an_instance_is_unfinished_and_one_without_the_field_malformed(tmp_path: Path) -> None:
    done = vault(tmp_path, json.dumps({**KEY, "instanceID": "", "region": ""}))
    assert registration(FakeHost(commands={GREP: done})).state == "unfinished"
    done = vault(tmp_path, '{"privateKey": "x"}')
    assert registration(FakeHost(commands={GREP: done})).state == "malformed"


@pytest.mark.parametrize(
    ("complaint", "state", "known"),
    [
        ("No such file or directory", "none", False),
        ("Permission denied", "unknown", None),
        ("Not a directory", "none", False),
    ],
)
def test_a_vault_that_cannot_be_opened(complaint: str, state: str, known: bool | None) -> None:
    found = registration(FakeHost(commands={GREP: Completed(GREP, 2, "", f"grep: {VAULT}: {complaint}\n")}))
    assert (found.state, found.is_registered) == (state, known)


def test_without_grep_nothing_is_known() -> None:
    assert registration(FakeHost()).state == "unknown"


def test_leftovers_and_the_end_of_the_credentials_are_read() -> None:
    text = (
        f'{LEFTOVER}:"ManagedInstanceID":"mi-0123456789abcdef0"\n{LEFTOVER}:"Region":"us-east-1"\n'
        f'{IDENTITY}:"CredentialsExpiresAt":"2026-09-21T11:00:00Z"\n'
    )
    found = parse_registration(text, f"grep: {VAULT}: No such file or directory\n")
    assert (found.state, found.leftover, found.expires) == ("none", "mi-0123456789abcdef0", "2026-09-21T11:00:00Z")


def test_introspection_is_known_by_its_version_line() -> None:
    found = parse_metadata(
        '{"Cluster":"prod","ContainerInstanceArn":null,"Version":"Amazon ECS Agent - v1.98.0 (a1b2)"}'
    )
    assert (found.answers, found.cluster, found.instance_arn, found.version) == (True, "prod", "", "1.98.0")
    assert not parse_metadata('{"hello": 1}').answers and not parse_metadata("<html>").answers


def test_versions_come_from_the_running_agent_the_log_or_the_package() -> None:
    package = {
        DPKG: "amazon-ecs-init 1.97.0-1 install ok installed\namazon-ssm-agent 3.3.987.0-1 install ok installed\n"
    }
    host = FakeHost(commands=package)
    assert (ecs_version(host, agents(host)), ssm_version(host, agents(host))) == ("1.97.0", "3.3.987.0")
    host = FakeHost({PATH: START}, package)
    assert ecs_version(host, agents(host)) == "1.98.0"
    assert ecs_version(FakeHost(), agents(FakeHost())) == ""


def test_the_snap_is_the_agent_in_use_where_it_is_enabled() -> None:
    snap, deb = "snap.amazon-ssm-agent.amazon-ssm-agent.service", "amazon-ssm-agent.service"
    both = f"Id={deb}\nLoadState=loaded\n\nId={snap}\nLoadState=loaded\nUnitFileState=%s\n"
    assert agents(FakeHost(commands={SHOW: both % "enabled"})).ssm_unit.name == snap
    assert agents(FakeHost(commands={SHOW: both % "disabled"})).ssm_unit.name == deb


CREDENTIALS = """# a note with AKIAIOSFODNN7EXAMPLE = x
[default]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCY=
[ named ]
aws_session_token = FwoGZXIvYXdzE
no equals sign FwoGZXIv
"""


def test_values_of_the_credentials_file_never_leave_sed(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(CREDENTIALS)
    printed = subprocess.run([*SHARED[:-1], str(file)], capture_output=True, text=True, check=True).stdout
    assert not any(secret in printed for secret in ("AKIAIOSFODNN7EXAMPLE\n", "wJalr", "FwoG"))
    assert parse_names(printed) == {
        "default": frozenset({"aws_access_key_id", "aws_secret_access_key"}),
        "named": frozenset({"aws_session_token"}),
    }


@pytest.mark.parametrize(
    ("done", "known", "static"),
    [
        (Completed(SHARED, 0, "[default]\naws_access_key_id =\naws_secret_access_key =\n"), True, True),
        (Completed(SHARED, 0, "[default]\naws_access_key_id =\naws_session_token =\n"), True, False),
        (Completed(SHARED, 0, "[other]\naws_access_key_id =\n"), True, False),
        (Completed(SHARED, 2, "", "sed: can't read /root/.aws/credentials: No such file or directory"), True, False),
        (Completed(SHARED, 2, "", "sed: can't read /root/.aws/credentials: Permission denied"), False, False),
    ],
)
def test_static_keys_have_no_session_token(done: Completed, known: bool, static: bool) -> None:
    found = shared_file(FakeHost(commands={SHARED: done}))
    assert (found.profiles is not None, found.static) == (known, static)


def test_credential_variables_are_found_by_name_and_place() -> None:
    files = {
        "/etc/environment": 'AWS_PROFILE="admin"\nPATH=/bin\n',
        "/etc/ecs/ecs.config": "AWS_ACCESS_KEY_ID=AKIAX\nAWS_SECRET_ACCESS_KEY=hunter2\nAWS_DEFAULT_REGION=us-east-1\n",
        "/etc/systemd/system/ecs.service": "[Service]\nEnvironmentFile=-/etc/ecs/ecs.config\n",
        "/etc/systemd/system/amazon-ssm-agent.service": "[Service]\n",
        "/etc/systemd/system/amazon-ssm-agent.service.d/k.conf": "[Service]\nEnvironment=AWS_SESSION_TOKEN=hunter2\n",
    }
    found = named_variables(FakeHost(files))
    assert found == (
        Named("/etc/environment", ("AWS_PROFILE",)),
        Named("/etc/ecs/ecs.config", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
        Named("/etc/systemd/system/amazon-ssm-agent.service.d/k.conf", ("AWS_SESSION_TOKEN",)),
    )
    assert "hunter2" not in repr(found)


def answer(status: int, server: str = "", body: str = "") -> Probe:
    headers = {"server": server} if server else {}
    return Probe(ProbeSpec("169.254.169.254"), Stage.DONE, http=HttpFacts(status, 0.0, headers, body))


URL = "http://169.254.169.254:80/latest/meta-data/"
ROLES = URL + "iam/security-credentials/"


@pytest.mark.parametrize(
    ("probes", "kind", "role", "product"),
    [
        ({}, "nothing", False, ""),
        ({URL: answer(200, "EC2ws"), ROLES: answer(200, "EC2ws", "role")}, "ec2", True, "Amazon EC2"),
        ({URL: answer(200, "EC2ws"), ROLES: answer(404, "EC2ws")}, "ec2", False, "Amazon EC2"),
        ({URL: answer(401, "EC2ws")}, "ec2", None, "Amazon EC2"),
        ({URL: answer(403, "Metadata Server for VM")}, "other", None, "Google Cloud"),
        ({URL: answer(400, "", '{ "error": "Bad request: Required metadata header not specified" }')}, "other", None, "Azure"),
        ({URL: answer(200, "", "ami-id\nreservation-id\n")}, "other", None, "OpenStack"),
        ({URL: answer(200, "nginx", "<html>login</html>")}, "other", None, ""),
    ],
)  # fmt: skip
def test_a_metadata_service_is_named(probes: dict[str, Probe], kind: str, role: bool | None, product: str) -> None:
    host = FakeHost(probes=probes)
    found = metadata_service(host)
    assert (found.kind, found.role, found.product) == (kind, role, product)
    assert all(not spec.proxy and spec.address == "169.254.169.254" for spec in host.probed)


def test_a_line_that_was_cut_is_quoted_up_to_its_end() -> None:
    line = 'level=error msg="Error: lost websocket connection (TCS): response: {\\"AccessDenied'
    assert message(line) == 'Error: lost websocket connection (TCS): response: {"AccessDenied'
    line = (
        'level=error msg="Error re-registering" error="operation error ECS: x, https response error StatusCode: 400, '
    )
    assert message(f"{line}RequestID: 6d7152ea-2071, api error AccessDeniedException: no") == (
        "Error re-registering: operation error ECS: x, AccessDeniedException: no"
    )


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ('msg="Failed to pull image" error="Error response from daemon: Get \\"https://registry-1.docker.io/v2/\\": net/http: '
         'request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"', []),
        ('msg="Failed to pull image" error="Error response from daemon: Get \\"https://registry.site/v2/\\": x509: '
         'certificate signed by unknown authority"', []),
        ('msg="Failed to fetch secret" error="operation error Secrets Manager: GetSecretValue, https response error '
         'StatusCode: 0, RequestID: , request send failed, Post \\"https://secretsmanager.us-east-1.amazonaws.com/\\": '
         'context deadline exceeded"', []),
        ('msg="Unable to discover docker" error="Get \\"http://%2Fvar%2Frun%2Fdocker.sock/info\\": net/http: '
         'request canceled"', []),
        ('msg="Error registering" error="operation error ECS: RegisterContainerInstance, https response error StatusCode: 0, '
         'RequestID: , request send failed, Post \\"https://ecs.us-east-1.amazonaws.com/\\": context deadline exceeded"',
         ["no-answer"]),
    ],
)  # fmt: skip
def test_what_tasks_and_docker_wait_for_is_no_complaint_about_the_agents_way(line: str, kinds: list[str]) -> None:
    state = parse_agent_log(f"level=error time=2026-11-30T10:00:00Z {line}\n")
    assert ([one.kind for one in state.symptoms], state.acs) == (kinds, False if kinds else None)
