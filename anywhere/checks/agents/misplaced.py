"""Settings of the ECS agent that its container does not get, or that lead it out of the folders which it is given."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.agents.against_host import Misfit, place_of
from anywhere.checks.remedies import line_out
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.components import MOUNTED
from anywhere.facts.agents.ecs_config import USER, EcsConfig
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
