"""`taskdef fit`: what each service and request starts, and with which overrides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anywhere.flows.fit import Request, place
from anywhere.flows.hosts import Hosts
from anywhere.taskdef.source.load import link, load

DEFINITION = {"family": "a", "containerDefinitions": [{"name": "a", "image": "nginx:1.27", "memory": 64}]}
RESOURCES = [
    {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
    {"name": "MEMORY", "type": "INTEGER", "integerValue": 7900},
]
INSTANCE = {
    "ec2InstanceId": "mi-0123456789abcdef0",
    "status": "ACTIVE",
    "agentConnected": True,
    "registeredResources": RESOURCES,
    "remainingResources": RESOURCES,
    "attributes": [
        {"name": "ecs.capability.external"},
        {"name": "ecs.capability.task-cpu-mem-limit"},
        {"name": "ecs.os-type", "value": "linux"},
        {"name": "rack", "value": "near"},
    ],
}
RUN = {"taskDefinition": "a", "count": 2, "launchType": "EXTERNAL"}


def findings(documents: list[Any], folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Subject, status and summary of the findings on one described instance, by check."""
    described = folder / "instances.json"
    described.write_text(json.dumps({"containerInstances": [INSTANCE]}))
    request = Request(Hosts(()), (str(described),), (), "", "", False, 1.0)
    found: dict[str, list[tuple[str, str, str]]] = {}
    for target in place(link([load(json.dumps(documents).encode(), "x.json")]), request):
        for one in target.findings:
            found.setdefault(one.check, []).append((one.subject, str(one.status), one.summary))
    return found


def test_each_service_of_a_definition_is_placed_by_its_own_constraints(tmp_path: Path) -> None:
    far = [{"type": "memberOf", "expression": "attribute:rack == far"}]
    services = [
        {"serviceName": name, "taskDefinition": "a", "launchType": "EXTERNAL", "desiredCount": count} | more
        for name, count, more in (("near", 2, {}), ("far", 3, {"placementConstraints": far}))
    ]
    found = findings([DEFINITION, *services], tmp_path)
    near, away, _ = found["fit.placement"]
    assert near[:2] == ("a/near", "pass") and near[2].startswith("2 of 2 placed")
    assert away[:2] == ("a/far", "fail") and away[2].startswith("0 of 3 placed")
    assert {subject for subject, _, _ in found["fit.reach"]} == {"a"}  # once for both services


@pytest.mark.parametrize(
    "overrides", [{"memory": "6000"}, {"containerOverrides": [{"name": "a", "memoryReservation": 6000}]}]
)
def test_overrides_of_a_request_are_what_its_tasks_take(overrides: dict[str, Any], tmp_path: Path) -> None:
    assert findings([DEFINITION, RUN], tmp_path)["fit.placement"][0][:2] == ("a", "pass")
    first = findings([DEFINITION, RUN | {"overrides": overrides}], tmp_path)["fit.placement"][0]
    assert first[:2] == ("a", "fail") and first[2].startswith("1 of 2 placed")


def test_an_override_of_another_container_changes_nothing(tmp_path: Path) -> None:
    other = {"containerOverrides": [{"name": "b", "memory": 6000}, {"command": ["x"]}]}
    assert findings([DEFINITION, RUN | {"overrides": other}], tmp_path)["fit.placement"][0][1] == "pass"
