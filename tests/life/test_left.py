"""What leaving, moving and updating report: JSON in its form, text with the orphans first and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from anywhere.changes.agents.result import State
from anywhere.changes.leave.result import Left
from anywhere.report.life import left

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "left-1.json").read_text())
BASE = Left("a", State.PLANNED, "mi-1", "us-east-1", "prod", "arn:aws:ecs:us-east-1:1:container-instance/prod/1")
FULL = Left(
    "b",
    State.DONE,
    "mi-2",
    "us-east-1",
    "prod",
    "arn",
    orphans=("task 1 of web:3 (ecs-web-3)",),
    steps=("stop ecs.service", "set HTTPS_PROXY=http://user:hunter2@proxy:3128"),
    differences=(("docker", "containers are there: web"),),
    commands=(("aws", "ssm", "deregister-managed-instance", "--instance-id", "mi-2"),),
    versions=(("amazon-ecs-init", "1.105.1-1", "1.106.0-1"),),
    seconds=3.0,
)
FAILED = Left(
    "c", State.FAILED, error="no\x1b[31m way", code="disk.low", fix="free space", now="1 of 3 steps of this part done"
)


@pytest.mark.parametrize("verb", ["deregister", "reset", "move", "update"])
def test_json_has_its_form(verb: str) -> None:
    body = json.loads(left.as_json(verb, (BASE, FULL, FAILED, Left("d", State.UNTOUCHED), Left("e", State.ALREADY))))
    jsonschema.validate(body, SCHEMA)
    assert "hunter2" not in json.dumps(body)


@pytest.mark.parametrize("verb", ["deregister", "reset", "move", "update"])
def test_text_is_harmless_and_names_each_host(verb: str) -> None:
    text = left.done(verb, (FULL, FAILED, Left("d", State.UNTOUCHED), Left("e", State.ALREADY)))
    assert all(f"{name}: " in text for name in "bcde")
    assert "hunter2" not in text and "\x1b" not in text and "[disk.low]" in text
    assert "\n  Now: 1 of 3 steps of this part done.\n  Fix: free space\n" in text


def test_a_plan_names_the_orphans_before_the_steps() -> None:
    text = left.planned("deregister", (Left("b", State.PLANNED, orphans=FULL.orphans, steps=FULL.steps),))
    assert text.index("task 1 of web:3") < text.index("stop ecs.service")
    assert "hunter2" not in text
