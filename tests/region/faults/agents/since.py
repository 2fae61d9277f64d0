"""Agents that still have what was put right after their start, and look-alikes."""

from __future__ import annotations

import time

from tests.region.faults import fault, variation
from tests.region.faults.agents.settings import SSM_LOG
from tests.region.faults.agents.ssm import started
from tests.region.faults.agents.words import AGENT_LOG, USER_CONFIG, set_line
from tests.region.faults.tls.inspection import INSPECTOR, present
from tests.region.journal import journal
from tests.region.software import AGENT, DOCKER, ECS, SSM, agent_log, daemon_of, register, ssm_log
from tests.region.world import World

HOUR = 3600.0
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
UNKNOWN = "x509: certificate signed by unknown authority"
EARLY = "x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:31Z is before 2026-01-01T00:00:00Z"


def running(world: World, *units: str, ago: float = HOUR) -> None:
    """A registered host whose services run since an hour; its files were written before that."""
    register(world)
    for unit in units:
        started(world, unit, ago)
    old = [BUNDLE, "/usr/local/share/ca-certificates", "/etc/ecs/ecs.config", "/var/lib/ecs/ecs.config"]
    world.host.folders.append("/usr/local/share/ca-certificates")
    world.host.times |= dict.fromkeys([*old, "/etc/ssl/certs"], time.time() - 2 * HOUR)


def complains(world: World, why: str) -> None:
    """The ECS agent has not got its channel in this run."""
    name = f"ecs.{world.options.regions[0]}.{world.suffix}"
    row = f'level=error msg="Unable to register as a container instance with ECS" error="Post \\"https://{name}/\\": {why}"'
    world.host.files[AGENT_LOG] = agent_log(world, row, healthy=False).replace(
        "Registered container instance", "Trying"
    )


@fault("ca-since-start", "the inspecting CA was added after the ECS agent's start", "agent.stale-environment")
def ca_since_start(world: World) -> None:
    running(world, ECS)
    complains(world, UNKNOWN)
    world.host.times[BUNDLE] = time.time() - HOUR / 2


@fault("ca-since-start-ssm", "the same for the SSM agent", "agent.stale-environment")
def ca_since_start_ssm(world: World) -> None:
    running(world, SSM)
    row = f"[CredentialRefresher] Retrieve credentials produced error: RequestError: send request failed caused by: {UNKNOWN}"
    world.host.files[SSM_LOG] = ssm_log(f"[amazon-ssm-agent] {row}")
    world.host.times[BUNDLE] = time.time() - HOUR / 2


@fault(
    "clock-since-start",
    "the clock was wrong at the boot, and was set after the agent's start",
    "agent.stale-environment",
)
def clock_since_start(world: World) -> None:
    running(world, ECS)
    complains(world, EARLY)


@fault(
    "signature-since-start",
    "AWS refused the SSM agent's signature, and the clock was set since",
    "agent.stale-environment",
)
def signature_since_start(world: World) -> None:
    running(world, SSM)
    why = "InvalidSignatureException: Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z"
    world.host.files[SSM_LOG] = ssm_log(f"[CredentialRefresher] Retrieve credentials produced aws error: {why}")


@fault("settings-since-start", "ecs.config was changed, and the agent was not restarted", "agent.stale-environment")
def settings_since_start(world: World) -> None:
    running(world, ECS)
    text = world.host.files[USER_CONFIG]
    assert isinstance(text, str)
    world.host.files[USER_CONFIG] = (
        f'{text}ECS_AVAILABLE_LOGGING_DRIVERS=["json-file","awslogs"]\nECS_ENABLE_TASK_IAM_ROLE=true\n'
    )
    world.host.times[USER_CONFIG] = time.time() - HOUR / 2


def inspected(world: World, *said: str) -> None:
    """A trusted gateway inspects, docker runs since an hour, and the store was rebuilt since."""
    running(world, DOCKER)
    present(world, "inspection", INSPECTOR)
    world.host.trusted.append("inspection")
    world.host.times[BUNDLE] = time.time() - HOUR / 2
    journal(world, "docker", *said)


def pull_failed(name: str) -> str:
    """What dockerd writes of a pull whose certificate it does not trust."""
    return (
        'dockerd: time="2026-11-29T10:00:00Z" level=error msg="Handler for POST /v1.47/images/create returned error: Get '
        f'\\"https://{name}/v2/\\": tls: failed to verify certificate: {UNKNOWN}"'
    )


@fault(
    "ca-since-start-docker",
    "the inspecting CA was added after docker's start, and pulls fail",
    "agent.stale-environment",
    "tls.intercepted-trusted",
)
def ca_since_start_docker(world: World) -> None:
    inspected(world, pull_failed(f"123456789012.dkr.ecr.{world.options.regions[0]}.{world.suffix}"))


@fault(
    "ca-of-own-registry",
    "a trusted gateway inspects, and docker complains about the site's own registry alone",
    "tls.intercepted-trusted",
)
def ca_of_own_registry(world: World) -> None:
    inspected(world, pull_failed("registry.dc1.example.com"))


def set_back(world: World, times: int) -> None:
    """The clock was an hour ahead and set right, so often; the agent is connected all the same."""
    register(world)
    rows = []
    for number in range(times):
        start = time.time() - 40000 + 5000 * number
        for when in (start, start + 4200, start + 600):
            rows.append(
                f'level=info time={time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))} msg="Sending heartbeat"\n'
            )
    world.host.files[AGENT_LOG] = "".join(rows) + agent_log(world)


@fault("clock-jumps", "two sources set the clock in turn, an hour apart", "clock.unsynchronised")
def clock_jumps(world: World) -> None:
    set_back(world, 4)


@variation("clock-corrected", "the clock was an hour ahead once, and was set right while the agent ran")
def clock_corrected(world: World) -> None:
    set_back(world, 1)


@variation("settings-touched", "ecs.config was written again after the agent's start, with the same settings")
def settings_touched(world: World) -> None:
    running(world, ECS)
    set_line(world, USER_CONFIG, "ECS_ENABLE_TASK_IAM_ROLE", "true")
    text = world.host.files[USER_CONFIG]
    assert isinstance(text, str)
    world.host.files[USER_CONFIG] = f"{text}ECS_ENABLE_TASK_ENI=true\n"  # ecs-init gives an external agent false
    daemon_of(world, AGENT).environment["ECS_ENABLE_TASK_ENI"] = "false"
    world.host.times[USER_CONFIG] = time.time() - HOUR / 2


@variation("store-rebuilt", "the CA store was rebuilt after the start of docker and the agents, which are connected")
def store_rebuilt(world: World) -> None:
    running(world, ECS, SSM, DOCKER)
    world.host.times |= dict.fromkeys((BUNDLE, "/etc/ssl/certs"), time.time() - HOUR / 2)
