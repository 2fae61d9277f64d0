"""The ECS agent's saved state and its unit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anywhere.changes.base import Command, Step
from anywhere.changes.script import run_script
from anywhere.facts.agents.agents import Agents
from anywhere.facts.agents.registration import SAVED_STATE
from anywhere.facts.files import Access, read_text
from anywhere.hosts.base import Host

JOINED = ("grep", "-qa", ":container-instance/", SAVED_STATE)
# The saved ARN with its cluster (agent/data/metadata_client.go: container-instance-arn, a JSON string in a bolt file).
_ARN = "arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:container-instance/[A-Za-z0-9_-]{1,255}/[0-9a-f]{32}"
SAVED_ARN = ("grep", "-aohE", _ARN, SAVED_STATE)
ASIDE = SAVED_STATE + ".before-registration"
_MOVE_BACK = Path(__file__).with_name("move_back.sh")


def has_state(host: Host) -> bool:
    """Whether the agent has saved state of any kind."""
    return read_text(host, SAVED_STATE, tail=16).access is not Access.MISSING


def has_joined(host: Host) -> bool:
    """Whether the saved state names a container instance: the agent makes its file before it has joined any cluster."""
    done = host.run(JOINED, timeout=5)
    return done.ok or (done.rc != 1 and has_state(host))


def saved_arn(host: Host) -> str:
    """The container instance that the agent goes on as, by its saved state, also while it does not run. Empty where that
    names none, or more than one."""
    found = set(host.run(SAVED_ARN, timeout=5).stdout.split())
    return found.pop() if len(found) == 1 else ""


def saved_cluster(host: Host) -> str:
    """The cluster that the saved state belongs to, empty where that is not known. In any other one the agent stops for good
    (agent/app/agent.go, `Data mismatch`)."""
    arn = saved_arn(host)
    return cluster_of(arn) if arn else ""


def cluster_of(arn: str) -> str:
    """The cluster in a container instance's ARN (`...:container-instance/CLUSTER/ID`)."""
    words = arn.split("/")
    return words[1] if len(words) == 3 else "default"


def stale_state_steps(host: Host, here: Agents) -> Iterator[Step]:
    """State of an earlier instance must go before the host becomes a new one: the agent would not notice (in external
    mode it has no instance id to compare) and work on as the old one. It goes before the registration, so that a run
    that dies in between leaves nothing that looks current."""
    if here.registration.is_registered or not has_state(host):
        return
    if here.ecs.is_running:
        yield Step(
            "pause:ecs.service",
            "stop ecs.service, whose instance is no longer registered",
            Command(("systemctl", "stop", "ecs.service"), timeout=90),
        )
    yield Step(
        f"file:{SAVED_STATE}",
        f"move {SAVED_STATE} aside: it belongs to an instance that this host no longer is",
        Command(("mv", "-f", "--", SAVED_STATE, ASIDE)),
        (Command(run_script(_MOVE_BACK, SAVED_STATE, ASIDE)),),
        "/var/lib/ecs/data",
        f"restore {SAVED_STATE}",
    )
