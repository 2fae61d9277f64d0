"""Settings of the ECS agent that its container does not get, that lead it out of the folders which it is given, or that its
AWS SDK reads by itself and cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.agents.against_host import Misfit, place_of
from anywhere.checks.remedies import line_out
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.components import MOUNTED
from anywhere.facts.agents.ecs_config import USER, EcsConfig
from anywhere.facts.agents.own_endpoints import DUALSTACK, FIPS, ecs_name, is_on
from anywhere.facts.system.disks import is_under
from anywhere.hosts.base import Host

DATA = "ECS_DATADIR"
IN_CONTAINER = "/data"  # ecs-init/docker/docker.go, dataDir: where the host's /var/lib/ecs/data is
# Read by the agent alone, which gets the variables of the settings files and none of the unit (docker.go, getEnvVars).
OF_AGENT = (
    "ECS_CLUSTER",
    "ECS_BACKEND_HOST",
    "ECS_INSTANCE_ATTRIBUTES",
    "ECS_AVAILABLE_LOGGING_DRIVERS",
    "ECS_RESERVED_MEMORY",
    "ECS_RESERVED_PORTS",
    "ECS_ENABLE_TASK_IAM_ROLE",
    "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST",
    "ECS_ENGINE_AUTH_TYPE",
    "ECS_ENGINE_AUTH_DATA",
)


def misplaced(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    """See the module."""
    yield from _data(config)
    yield from _of_the_unit(host, config)
    yield from _of_the_sdk(config)


CA_BUNDLE = "AWS_CA_BUNDLE"


def _of_the_sdk(config: EcsConfig) -> Iterator[Misfit]:
    """With an HTTP client of its own the agent gives the SDK nothing that takes a bundle, and the SDK then makes no client.

    Sources: aws-sdk-go-v2 config/resolve.go (resolveCustomCABundle), env_config.go (setUseFIPSEndpointFromEnvVal);
    amazon-ecs-agent ecs-agent/api/ecs/client/ecs_client.go (newECSConfig) at 1.105.1.
    """
    if config.agent.get(CA_BUNDLE, ""):
        says = "keeps the agent from making its client of ECS (`unable to add custom RootCAs HTTPClient`): it cannot register"
        fix = (
            "Take the line out: a CA belongs in the host's store, or in a file below /etc/ecs that SSL_CERT_FILE names."
        )
        yield Misfit(CA_BUNDLE, says, fix, commands=(line_out(config.sources[CA_BUNDLE]),))
    for name in (FIPS, DUALSTACK):
        value = config.agent.get(name, "")
        if value and value.lower() not in ("true", "false"):
            says = f"is {value}, and the agent's AWS SDK knows true and false alone: it makes no client, and the agent ends"
            yield Misfit(
                name, says, "Write true or false, or take the line out.", commands=(line_out(config.sources[name]),)
            )
    region = config.agent.get("AWS_DEFAULT_REGION", "")
    if is_on(config.agent.get(FIPS, "")) and (plain := ecs_name(region)) == ecs_name(region, fips=True) and plain:
        says = f"has the agent ask a FIPS endpoint of ECS, and none is known in {region}"
        fix = f"Take the line out, so that the agent asks {plain}, or register in a region with that endpoint."
        yield Misfit(FIPS, says, fix, fails=False, commands=(line_out(config.sources[FIPS]),))


def _data(config: EcsConfig) -> Iterator[Misfit]:
    value = config.agent.get(DATA, "").strip()
    if not value or any(is_under(value, folder) for folder in (IN_CONTAINER, *MOUNTED)):
        return
    says = f"is {value}, which the agent's container has of its own alone: the agent's state is lost at each restart of ecs, "
    says += "and this host becomes a new container instance each time"
    yield Misfit(DATA, says, "Take the line out.", commands=(line_out(config.sources[DATA]),))


def _of_the_unit(host: Host, config: EcsConfig) -> Iterator[Misfit]:
    if not config.known:
        return
    for name, value in agents(host).ecs.inline.items():
        if name in OF_AGENT and value and name not in config.agent:
            says = f"is set for ecs-init alone: the agent's container gets what {USER} says and nothing of the unit"
            is_cluster = name == "ECS_CLUSTER"
            shown = f"{name}=..." if name == "ECS_ENGINE_AUTH_DATA" else f"{name}={value}"
            fix = f"Move the host to the cluster {value}" if is_cluster else f"Write the line `{shown}` into {USER}"
            yield Misfit(
                name,
                says,
                f"{fix}{', which writes the line' if is_cluster else ''}.",
                fails=is_cluster,
                commands=(("anywhere", "move", "--cluster", value),) if is_cluster else (),
                place=place_of(host, config, name),
            )
