"""The state of instances in Prometheus' text format, beside the metrics of a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anywhere.model import Report, Target
from anywhere.report.prometheus import METRICS, Metric, Sample, lines

UNITS = ("docker", "ssm-agent", "ecs")


def render(report: Report) -> str:
    """All metrics, each with its help and type."""
    return lines(report, (*(one for one in METRICS if not one[0].startswith("endpoint")), *STATUS))


def _values(target: Target) -> Mapping[str, Any]:
    found = target.facts.get("status")
    return found if isinstance(found, Mapping) else {}


def _info(target: Target) -> Iterator[Sample]:
    found = _values(target)
    if found:
        names = ("instance", "container_instance", "cluster", "region", "machine_id")
        yield {"host": target.name, **{name: str(found[name]) for name in names}}, 1.0


def _connected(target: Target) -> Iterator[Sample]:
    connected = _values(target).get("connected")
    if connected is not None:
        yield {"host": target.name}, float(connected)


def _left(target: Target) -> Iterator[Sample]:
    left = _values(target).get("credentials", {}).get("left_seconds")
    if left is not None:
        yield {"host": target.name}, float(left)


def _age(target: Target) -> Iterator[Sample]:
    age = _values(target).get("credentials", {}).get("age_seconds")
    if age is not None:
        yield {"host": target.name}, float(age)


def _tasks(target: Target) -> Iterator[Sample]:
    tasks = _values(target).get("tasks")
    if tasks is not None:
        yield {"host": target.name}, float(len(tasks))


def _running(target: Target) -> Iterator[Sample]:
    for name, unit in _values(target).get("units", {}).items():
        yield {"host": target.name, "unit": name}, float(unit["active"] in ("active", "reloading"))


def _restarts(target: Target) -> Iterator[Sample]:
    for name, unit in _values(target).get("units", {}).items():
        if unit["restarts"] is not None:
            yield {"host": target.name, "unit": name}, float(unit["restarts"])


def _free(target: Target) -> Iterator[Sample]:
    for disk in _values(target).get("disks", ()):
        yield {"host": target.name, "store": disk["store"]}, float(disk["free"])


def _versions(target: Target) -> Iterator[Sample]:
    for name, row in _values(target).get("versions", {}).items():
        if row["installed"]:
            yield {"host": target.name, "component": name, "version": row["installed"]}, 1.0


STATUS: tuple[Metric, ...] = (
    ("instance_info", "Who the host is, as labels.", _info),
    ("agent_connected", "Whether the ECS agent is connected to ACS (1) or not (0).", _connected),
    ("credentials_left_seconds", "Seconds until the agents' credentials expire.", _left),
    ("credentials_age_seconds", "Seconds since the agents' credentials were written.", _age),
    ("tasks_running", "How many tasks run on the host.", _tasks),
    ("unit_running", "Whether the unit runs (1) or not (0).", _running),
    ("unit_restarts", "How often systemd has restarted the unit.", _restarts),
    ("store_free_bytes", "Free bytes where docker and containerd keep their images.", _free),
    ("component_version", "The installed version, as a label.", _versions),
)
