"""What daemons of the region do when they are started anew, for fixes that end with a start.

A daemon that no command can change stays as it is in the region; here its start is a script: whether it works is a condition
of the host's own files, and what it leaves is what the real one leaves (bridge, rules, a log that begins anew).
"""

from __future__ import annotations

from collections.abc import Callable

from tests.region.host import Daemon
from tests.region.software import DOCKER, DOCKERD, ECS, FILTER, NAT, SOCKET, SSM, agent_log, api, ssm_log
from tests.region.world import World

HIDDEN = "/run/region/docker.sock"
NEW = "/run/region/new.log"


def docker_starts(world: World, works: str = "true") -> None:
    """Docker makes its bridge and its rules, and answers; one that does not run waits behind another socket until then."""
    if not any(one.name == DOCKERD for one in world.host.daemons):
        state = api("27.5.1", "1.47", "1.24")
        world.host.daemons.append(Daemon(DOCKERD, socket=HIDDEN, serves="docker", state=state))
    tables = {"nat": NAT, "filter": FILTER}
    rules = "".join(f"*{table}\n" + "\n".join(lines) + "\nCOMMIT\n" for table, lines in tables.items())
    world.host.files["/run/region/docker.rules"] = rules
    steps = (
        works,
        f"if test -S {HIDDEN}; then ln -sf {HIDDEN} {SOCKET}; fi",
        "ip link show docker0 >/dev/null 2>&1 || ip link add docker0 type bridge",
        "ip -4 addr flush dev docker0",
        "ip addr add 172.17.0.1/16 dev docker0",
        "ip link set docker0 up",
        "iptables-restore --noflush /run/region/docker.rules",
    )
    world.host.units[DOCKER].starts = " && ".join(f"{{ {step}; }}" for step in steps)


def ecs_starts(world: World, works: str = "true") -> None:
    """The agent's log begins anew."""
    _log_anew(world, ECS, works, agent_log(world), "/var/log/ecs/ecs-agent.log")
    world.host.units[ECS].starts += " && : > /var/log/ecs/ecs-init.log"


def ssm_starts(world: World, works: str = "true") -> None:
    """The SSM agent's log begins anew."""
    _log_anew(world, SSM, works, ssm_log(), "/var/log/amazon/ssm/amazon-ssm-agent.log")


def _log_anew(world: World, unit: str, works: str, text: str, path: str) -> None:
    new = f"{NEW}.{unit}"
    world.host.files[new] = text
    world.host.units[unit].starts = f"{{ {works}; }} && cp {new} {path}"


STARTS: dict[str, Callable[[World, str], None]] = {"docker": docker_starts, "ecs": ecs_starts, "ssm": ssm_starts}
