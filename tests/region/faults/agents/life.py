"""What happens to an instance after its registration: in the account, on the path, on the host."""

from __future__ import annotations

import json
import time

from tests.region.faults import fault, variation
from tests.region.faults.agents.settings import log_off
from tests.region.faults.agents.ssm import started
from tests.region.faults.agents.words import AGENT_LOG, looping, stamped
from tests.region.software import (
    AGENT,
    ECS,
    INSTANCE,
    SSM,
    SSM_AGENT,
    api,
    daemon_of,
    docker_of,
    put_secret,
    register,
    ssm_log,
    stop,
)
from tests.region.world import World

MIB = 2**20
IDENTITY = "/var/lib/amazon/ssm/runtimeconfig/identity_config.json"
SSM_LOG = "/var/log/amazon/ssm/amazon-ssm-agent.log"
DENIED = (
    "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/QuickSetupRole/" + INSTANCE + " is not "
    "authorized to perform: {0} on resource: * because no identity-based policy allows the {0} action"
)
AHEAD = "InvalidSignatureException: Signature not yet current: {} is still later than {} (server time + 5 min.)"


def channel(world: World, why: str) -> None:
    """The agent registered, and its channels are refused now."""
    rows = (f'level=error msg="Failed to connect to ACS" error="{why}"',)
    world.host.files[AGENT_LOG] = text_of(world) + stamped(list(rows), 60)


def instance(world: World) -> None:
    """A registered host; these faults may meet on one."""
    if ECS not in world.host.units:
        register(world)


def text_of(world: World) -> str:
    text = world.host.files[AGENT_LOG]
    assert isinstance(text, str)
    return text


def ssm_says(world: World, line: str) -> None:
    """One more line of the SSM agent."""
    text = world.host.files[SSM_LOG]
    assert isinstance(text, str)
    world.host.files[SSM_LOG] = text + f"{time.strftime('%Y-%m-%d %H:%M:%S.0000', time.gmtime())} ERROR {line}\n"


@fault(
    "credentials-expired", "the SSM agent could not renew the credentials, which have expired", "agent.no-credentials"
)
def credentials_expired(world: World) -> None:
    instance(world)
    text = world.host.files[IDENTITY]
    assert isinstance(text, str)
    ended = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5400))
    put_secret(world, IDENTITY, json.dumps({**json.loads(text), "CredentialsExpiresAt": ended}))
    channel(world, "ExpiredTokenException: The security token included in the request is expired")


@fault("deregistered-in-ssm", "Systems Manager has forgotten the instance: its agent hibernates", "registration.broken")
def deregistered_in_ssm(world: World) -> None:
    instance(world)
    ssm_says(world, "[ssm-agent-worker] Entering SSM Agent hibernate - InvalidInstanceId: ")


@fault(
    "acs-cut-by-proxy", "a proxy cuts the agent's channel each minute; ECS shows it as connected", "websocket.idle-cut"
)
def acs_cut_by_proxy(world: World) -> None:
    instance(world)
    row = 'level=info msg="ACS WebSocket connection closed for a valid reason" error="EOF"'
    connected = 'level=info msg="Connected to ACS endpoint"'
    text = "".join(stamped([row, connected], 60.0 * minute) for minute in range(12, 0, -1))
    world.host.files[AGENT_LOG] = text_of(world) + text


@variation("acs-renewed", "the agent's channel ended twice, as it does each half hour")
def acs_renewed(world: World) -> None:
    instance(world)
    row = 'level=info msg="ACS WebSocket connection closed for a valid reason" error="EOF"'
    connected = 'level=info msg="Connected to ACS endpoint"'
    text = "".join(stamped([row, connected], 60.0 * minute) for minute in (58, 28))
    world.host.files[AGENT_LOG] = text_of(world) + text


@fault("cluster-deleted", "the cluster was deleted while the agent ran", "registration.other")
def cluster_deleted(world: World) -> None:
    instance(world)
    channel(world, "InvalidClusterException: Cluster not found.")


@fault("clock-stepped", "the clock was set 20 minutes ahead: AWS refuses the agents' signatures", "clock.skewed")
def clock_stepped(world: World) -> None:
    instance(world)
    world.clock = -1200
    now = time.time()
    words = [time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(one)) for one in (now, now - 1200)]
    said = AHEAD.format(words[0], f"{words[1]} ({words[1]}")
    channel(world, f"{said})")
    ssm_says(world, f"[amazon-ssm-agent] [CredentialRefresher] Retrieve credentials produced aws error: {said}")


@fault(
    "deregistered-in-ecs", "ECS has deregistered the container instance, and the host goes on", "registration.broken"
)
def deregistered_in_ecs(world: World) -> None:
    instance(world)
    channel(world, "InactiveInstanceException: Container instance is deregistered")


@fault("disk-filled", "images and logs have filled the disk of an instance", "disk.low")
def disk_filled(world: World) -> None:
    instance(world)
    world.host.tmpfs["/var/lib/docker"] = 600 * MIB
    world.host.filled["/var/lib/docker/overlay2"] = 590 * MIB


@fault("state-corrupted", "a power cut has damaged agent.db of an instance", "agent.state-damaged")
def state_corrupted(world: World) -> None:
    looping(world, 'level=critical msg="Error creating data client" error="invalid database" module=agent.go')
    world.host.files["/var/lib/ecs/data/agent.db"] = b"\xff" * 4096


@fault("docker-upgraded", "docker was upgraded past what the agent can speak to", "docker.api-window")
def docker_upgraded(world: World) -> None:
    engine = docker_of(world)
    engine.state = api("29.9.0", "1.55", "1.45")
    looping(
        world,
        'level=error msg="could not start Agent: client version 1.44 is too old. Minimum supported API version is 1.45"',
        exit="255",
    )


@fault("role-replaced", "the instance's role was replaced by one without the rights of ECS", "agent.not-authorized")
def role_replaced(world: World) -> None:
    instance(world)
    channel(world, DENIED.format("ecs:Poll"))
    ssm_says(
        world, "[ssm-agent-worker] Entering SSM Agent hibernate - " + DENIED.format("ssm:UpdateInstanceInformation")
    )


@variation("hibernation-over", "the SSM agent hibernated, and is awake again")
def hibernation_over(world: World) -> None:
    instance(world)
    text = ssm_log(
        "[ssm-agent-worker] Entering SSM Agent hibernate - InvalidInstanceId: ",
        "[ssm-agent-worker] Starting health check",
    )
    world.host.files[SSM_LOG] = text


def without_instance(world: World, since: float) -> None:
    """The agent logs nothing and has no container instance; it was started so many seconds ago."""
    log_off(world)
    metadata = daemon_of(world, AGENT).state["/v1/metadata"]
    assert isinstance(metadata, dict)
    metadata["ContainerInstanceArn"] = None
    started(world, ECS, since)


@fault("log-off-unregistered", "the agent logs nothing, and has no container instance an hour after its start",
       "agent.disconnected")  # fmt: skip
def log_off_unregistered(world: World) -> None:
    without_instance(world, 3600)


@variation("log-off-registering", "the agent logs nothing, and was started a minute ago")
def log_off_registering(world: World) -> None:
    without_instance(world, 60)


@fault("ssm-package-gone", "the SSM agent's package was removed from a registered host", "registration.broken")
def ssm_package_gone(world: World) -> None:
    register(world)
    stop(world, SSM_AGENT, SSM)
    del world.host.units[SSM], world.host.packages["amazon-ssm-agent"]
