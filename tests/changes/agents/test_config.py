"""ecs.config merged by key: what is there stays, what is wanted stands once, in the file that counts."""

from __future__ import annotations

import json

import pytest

from anywhere.changes.agents.config import config_steps, merge
from anywhere.changes.agents.wanted import Wanted
from anywhere.changes.base import ChangeFailed
from anywhere.facts.system.packages import RPM
from anywhere.hosts.base import Completed
from tests.support.fakehost import FakeHost

INSTANCE, USER = "/var/lib/ecs/ecs.config", "/etc/ecs/ecs.config"
WANTED = Wanted("us-east-1", "prod")


def written(host: FakeHost, wanted: Wanted = WANTED) -> dict[str, str]:
    return {step.key.removeprefix("file:"): step.do.input.decode() for step in config_steps(host, wanted)}


def test_a_bare_host_gets_both_files() -> None:
    assert written(FakeHost()) == {
        INSTANCE: "AWS_DEFAULT_REGION=us-east-1\nECS_EXTERNAL=true\n",
        USER: "ECS_CLUSTER=prod\n",
    }


def test_a_second_time_nothing_is_written() -> None:
    first = written(FakeHost())
    assert written(FakeHost(first)) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Gotcha 21: no final newline, so that an appended line would be glued to the last one.
        ("ECS_LOGLEVEL=debug", "ECS_LOGLEVEL=debug\nECS_CLUSTER=prod\n"),
        # Gotcha 20: quotes reach the agent.
        ('# ours\nECS_CLUSTER="prod"\nX=1\n', "# ours\nECS_CLUSTER=prod\nX=1\n"),
        ("ECS_CLUSTER=a\nX=1\nECS_CLUSTER=b\n", "X=1\nECS_CLUSTER=prod\n"),
        ("ECS_CLUSTER=prod\nECS_CLUSTER=prod\n", "ECS_CLUSTER=prod\n"),
        ("ECS_CLUSTER=prod\r\n", "ECS_CLUSTER=prod\n"),
        ("ECS_LOGLEVEL=debugECS_CLUSTER=typo\n", "ECS_LOGLEVEL=debug\nECS_CLUSTER=prod\n"),
        ("#X=1ECS_CLUSTER=typo\n", "#X=1ECS_CLUSTER=typo\nECS_CLUSTER=prod\n"),
        ("ECS_CLUSTERS=x\n", "ECS_CLUSTERS=x\nECS_CLUSTER=prod\n"),
    ],
)
def test_the_cluster_stands_once_and_the_rest_stays(before: str, after: str) -> None:
    assert written(FakeHost({USER: before}))[USER] == after


def test_a_value_in_the_file_that_wins_is_changed_there_too() -> None:
    found = written(FakeHost({USER: "AWS_DEFAULT_REGION=eu-west-1\nECS_EXTERNAL=True\n"}))
    assert found[USER] == "AWS_DEFAULT_REGION=us-east-1\nECS_EXTERNAL=true\nECS_CLUSTER=prod\n"


def test_amazon_linux_own_unit_reads_the_user_file_alone() -> None:
    # Gotcha 3.
    rpm = Completed(RPM, 0, "ecs-init 1.105.1-1 installed\n")
    found = written(FakeHost(commands={RPM: rpm}))
    assert "ECS_EXTERNAL=true" in found[USER] and "AWS_DEFAULT_REGION=us-east-1" in found[USER]


def test_attributes_and_tags_are_merged_as_json() -> None:
    wanted = Wanted(
        "us-east-1", "prod", attributes={"rack": "b12"}, tags={"site": "x"}, ip="ipv6", gpu=True, endpoint="e"
    )
    found = written(FakeHost({USER: 'ECS_INSTANCE_ATTRIBUTES={"row": "7", "rack": "a1"}\n'}), wanted)
    lines = dict(line.partition("=")[::2] for line in found[USER].splitlines())
    assert json.loads(lines["ECS_INSTANCE_ATTRIBUTES"]) == {"row": "7", "rack": "b12"}
    assert json.loads(lines["ECS_CONTAINER_INSTANCE_TAGS"]) == {"site": "x"}
    # Gotcha 14: the agent has it as well.
    assert lines["ECS_INSTANCE_IP_COMPATIBILITY"] == "ipv6"
    assert "ECS_ENABLE_GPU_SUPPORT=true" in found[INSTANCE] and "ECS_BACKEND_HOST=e" in found[INSTANCE]


def test_what_cannot_be_merged_or_read_is_refused() -> None:
    wanted = Wanted("us-east-1", "prod", attributes={"rack": "b12"})
    with pytest.raises(ChangeFailed, match="not a JSON object"):
        written(FakeHost({USER: "ECS_INSTANCE_ATTRIBUTES={rack\n"}), wanted)
    with pytest.raises(ChangeFailed, match="root"):
        written(FakeHost({USER: None}))


def test_the_undo_names_our_lines_and_what_they_replaced() -> None:
    _, undo, changed = merge("A=1\nB=2\n", {"B": "3", "C": "4"})
    assert undo == (("B=3", "B=2"), ("C=4", None)) and changed == ("B", "C")
