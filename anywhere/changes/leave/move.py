"""Into another cluster: the saved state aside, the setting changed, the agent started anew; all of it can be taken back."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.changes.agents.config import merge
from anywhere.changes.agents.ecs import has_state, saved_cluster
from anywhere.changes.base import Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.install.units import start_step
from anywhere.changes.leave.note import Note, note_step
from anywhere.changes.leave.plan import script
from anywhere.changes.merging import bytes_of, text_of
from anywhere.facts.agents.agents import agents, metadata
from anywhere.facts.agents.ecs_config import USER, ecs_config
from anywhere.facts.agents.registration import SAVED_STATE
from anywhere.facts.system.units import ECS
from anywhere.hosts.base import Host

JOURNAL = "move"
ASIDE = SAVED_STATE + ".before-move"
_START = ("systemctl", "start", "--no-block", ECS)


def current_cluster(host: Host) -> str:
    """The cluster by the settings, which is where the agent goes at its next start."""
    return ecs_config(host).agent.get("ECS_CLUSTER", "") or "default"


def move_plan(host: Host, cluster: str, note: Note) -> tuple[Step, ...]:
    """The steps into a cluster; none where the agent is set to it, runs, and has no other cluster's state."""
    return tuple(_move(host, cluster, note))


def _move(host: Host, cluster: str, note: Note) -> Iterator[Step]:
    here, said, saved = agents(host), metadata(host), saved_cluster(host)
    is_elsewhere = saved not in ("", cluster) or (said.answers and said.cluster not in ("", cluster))
    if current_cluster(host) != cluster or is_elsewhere:
        yield from note_step(host, note)
        # Its undo is that of the last step: started again once everything else is back.
        yield Step(
            "pause:ecs.service",
            f"stop {ECS}" + (f", which is in cluster {note.cluster}" if note.cluster != cluster else ""),
            Command(script("halt", ECS), timeout=240),
            (Command(_START),),
            back=f"start {ECS}",
        )
        # State of this very cluster stays: the agent goes on as the instance that it was, with its tasks.
        if has_state(host) and saved != cluster:
            yield Step(
                f"file:{SAVED_STATE}",
                f"move {SAVED_STATE} aside: it belongs to cluster {note.cluster}",
                Command(script("aside", SAVED_STATE, ASIDE)),
                (Command(script("back", SAVED_STATE, ASIDE)),),
                "/var/lib/ecs/data",
                f"restore {SAVED_STATE}",
            )
        merged, lines, changed = merge(text_of(host, USER), {"ECS_CLUSTER": cluster})
        if changed:
            title = f"set ECS_CLUSTER={cluster} in {USER}"
            yield from file_step(host, USER, bytes_of(merged), title, lines=lines)
        yield start(cluster)
    elif not here.ecs.is_running:
        yield start(cluster)


def start(cluster: str) -> Step:
    """Start the agent; its undo stops it, so that what comes before can be put back under it."""
    (step,) = start_step(ECS, None, f"into cluster {cluster}", seconds=120)
    return Step(step.key, step.title, step.do, (Command(script("halt", ECS), timeout=240),), back=f"stop {ECS}")
