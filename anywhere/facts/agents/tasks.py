"""The tasks on this host, as the ECS agent's introspection lists them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from anywhere.frozen import frozen
from anywhere.hosts.base import Host, ProbeSpec

TASKS = ProbeSpec("localhost", 51678, "http", "/v1/tasks", "127.0.0.1")


@frozen
class Task:
    """One task: `status` is the agent's known status (RUNNING, STOPPED ...), `containers` their names in docker."""

    arn: str
    family: str = ""
    revision: str = ""
    status: str = ""
    containers: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether containers of it may run."""
        return self.status not in ("STOPPED", "NONE")


def tasks(host: Host) -> tuple[Task, ...] | None:
    """All tasks; None where the agent does not answer, or not with a list."""
    probe = host.probe(TASKS)
    return parse_tasks(probe.http.body) if probe.http else None


def parse_tasks(text: str) -> tuple[Task, ...] | None:
    """The answer of `/v1/tasks`.

    ```
    {"Tasks":[{"Arn":"arn:aws:ecs:...:task/prod/5e0c","KnownStatus":"RUNNING","Family":"web","Version":"3",
               "Containers":[{"DockerId":"9581","DockerName":"ecs-web-3-web-e2b1","Name":"web"}]}]}
    ```
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    rows = found.get("Tasks") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        return None
    return tuple(_task(row) for row in rows if isinstance(row, dict))


def _task(row: Mapping[str, object]) -> Task:
    listed = row.get("Containers")
    containers = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return Task(
        str(row.get("Arn", "")),
        str(row.get("Family", "")),
        str(row.get("Version", "")),
        str(row.get("KnownStatus", "")),
        tuple(str(one.get("DockerName", "")) for one in containers),
    )
