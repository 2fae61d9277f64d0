"""The agents of a registered host: their registration, their settings, their state."""

from __future__ import annotations

import json

from tests.region.faults import fault
from tests.region.host import Unit
from tests.region.software import (
    AGENT,
    CLUSTER,
    ECS,
    ECS_INIT,
    INSTANCE,
    SSM,
    SSM_AGENT,
    SSM_UNIT,
    agent_log,
    daemon_of,
    put_secret,
    register,
    ssm_log,
    stop,
)  # fmt: skip
from tests.region.world import World

VAULT = "/var/lib/amazon/ssm/Vault/Store/RegistrationKey"
LEFTOVER = "/var/lib/amazon/ssm/registration"


def vault(world: World, **changes: str) -> None:
    """Change fields of the registration's key file."""
    text = world.host.files.get(VAULT, "{}")
    assert isinstance(text, str)
    put_secret(world, VAULT, json.dumps(json.loads(text) | changes))


@fault("registered-elsewhere", "the host is registered in another region", "registration.other")
def registered_elsewhere(world: World) -> None:
    """With agents that work: they are connected to that region."""
    other = "ap-southeast-2"
    register(world)
    here = world.options.regions[0]
    vault(world, region=other)
    put_secret(world, LEFTOVER, json.dumps({"ManagedInstanceID": INSTANCE, "Region": other}))
    host = world.host
    for path in ("/var/lib/ecs/ecs.config", "/var/log/ecs/ecs-agent.log"):
        text = host.files[path]
        assert isinstance(text, str)
        host.files[path] = text.replace(here, other)
    daemon_of(world, AGENT).environment["AWS_DEFAULT_REGION"] = other


@fault("registration-unfinished", "a failed registration left a vault without an instance", "registration.broken")
def registration_unfinished(world: World) -> None:
    fields = {"instanceID": "", "region": "", "privateKey": "c2VjcmV0", "privateKeyType": "Rsa"}
    put_secret(world, VAULT, json.dumps(fields))
    world.host.folders.append("/var/log/amazon/ssm")


@fault("registration-destroyed", "a forced registration failed and took the working one with it", "registration.broken")
def registration_destroyed(world: World) -> None:
    register(world)
    vault(world, instanceID="", region="")
    stop(world, "/usr/bin/ssm-agent-worker")
    start = ssm_log().splitlines(keepends=True)[0]
    world.host.files["/var/log/amazon/ssm/amazon-ssm-agent.log"] = (
        start + start.split("INFO")[0] + "ERROR [amazon-ssm-agent] failed to find agent identity\n"
    )
    stop(world, SSM_AGENT, SSM)


@fault("two-ssm-agents", "the SSM agent is here as a package and as a snap", "agent.duplicate-ssm")
def two_ssm_agents(world: World) -> None:
    register(world)
    world.host.units["snap.amazon-ssm-agent.amazon-ssm-agent.service"] = Unit(
        SSM_UNIT.replace("/usr/bin/", "/snap/amazon-ssm-agent/current/"), folder="/etc/systemd/system"
    )
    world.host.programs["/snap/amazon-ssm-agent/current/amazon-ssm-agent"] = "#!/bin/sh\nexit 0\n"


@fault("two-ssm-agents-snap", "of the two SSM agents the snap is the one that runs", "agent.duplicate-ssm")
def two_ssm_agents_snap(world: World) -> None:
    two_ssm_agents(world)
    world.host.units["snap.amazon-ssm-agent.amazon-ssm-agent.service"].main = SSM_AGENT
    world.host.units[SSM].active = world.host.units[SSM].enabled = False


@fault("agent-deregistered", "the container instance was deregistered while the agent runs", "registration.broken")
def agent_deregistered(world: World) -> None:
    register(world)
    world.host.files["/var/log/ecs/ecs-agent.log"] = agent_log(
        world,
        'level=error msg="Container instance is deregistered" error="InactiveInstanceException: The referenced container '
        'instance is not active"',
        'level=info msg="Waiting before reconnecting to ACS" reconnectDelay="1h0m0s"',
    )


@fault("agent-stopped", "the ECS agent was stopped and is not running", "agent.disconnected")
def agent_stopped(world: World) -> None:
    register(world)
    stop(world, AGENT)
    stop(world, ECS_INIT, ECS)


@fault("agent-hibernates", "the SSM agent has gone to sleep after a refusal", "agent.not-authorized")
def agent_hibernates(world: World) -> None:
    register(world)
    world.host.files["/var/log/amazon/ssm/amazon-ssm-agent.log"] = ssm_log(
        "[ssm-agent-worker] Entering SSM Agent hibernate - AccessDeniedException: User is not authorized"
    )


@fault("agent-loops", "the agent ends with a final error and the unit starts it again and again", "agent.restart-loop")
def agent_loops(world: World) -> None:
    """The deb unit lacks the stop at exit code 5 that the rpm unit has."""
    register(world)
    stop(world, AGENT)
    stop(world, ECS_INIT)
    properties = {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"}
    properties |= {"ExecMainStatus": "5", "ExecMainCode": "1", "NRestarts": "214", "MainPID": "0"}
    world.host.units[ECS].properties |= properties
    failed = [
        'level=critical msg="Instance registration attempt with an invalid parameter"',
        'level=error msg="Unable to register as a container instance with ECS: InvalidParameterException: Cluster name"',
        'level=error msg="Agent will terminally exit, unable to register container instance"',
    ]
    log = agent_log(world, healthy=False).splitlines(keepends=True)[0]
    stamped = "".join(line.replace(" ", f" {log.split()[1]} ", 1) + "\n" for line in failed)
    world.host.files["/var/log/ecs/ecs-agent.log"] = (log + stamped) * 3


@fault("config-quoted", "values in ecs.config are in quotes, which the agent keeps", "config.invalid")
def config_quoted(world: World) -> None:
    register(world)
    world.host.files["/etc/ecs/ecs.config"] = f'ECS_CLUSTER="{CLUSTER}"\n'
    daemon_of(world, AGENT).environment["ECS_CLUSTER"] = f'"{CLUSTER}"'


@fault("config-json", "a list in ecs.config is no JSON", "config.invalid")
def config_json(world: World) -> None:
    register(world)
    world.host.files["/etc/ecs/ecs.config"] = (
        f"ECS_CLUSTER={CLUSTER}\nECS_AVAILABLE_LOGGING_DRIVERS=json-file,awslogs\n"
    )


@fault("config-duplicate", "two runs of the installer left two clusters in ecs.config", "config.duplicate")
def config_duplicate(world: World) -> None:
    register(world)
    world.host.files["/etc/ecs/ecs.config"] = f"ECS_CLUSTER=line-4\nECS_CLUSTER={CLUSTER}\n"
