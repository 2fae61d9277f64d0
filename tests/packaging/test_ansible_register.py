"""The module `register` of the Ansible collection: its words, its results, and check mode on a real host."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.packaging.test_ansible_changes import controller, host, options, place, shared
from tests.support.barehost import BareHost, snapshot
from tests.support.controller import COLLECTION, Controller

__all__ = ["controller", "host"]

registering = shared("registering")
ID, CODE = "01234567-89ab-cdef-0123-456789abcdef", "abcdefghij0123456789"


def given(**more: Any) -> dict[str, Any]:
    return options(registering.REGISTER, region="us-east-1", cluster="prod") | more


def test_the_words_hold_no_secret() -> None:
    every = given(
        activation_id=ID,
        activation_code=CODE,
        artifacts="/a",
        keyring="/k",
        attributes={"rack": "b12", "a": "b"},
        tags={"site": "x"},
        demote=["system.memory"],
        start=False,
        arguments=["--ssh-accept-new"],
    )
    words = registering.words(every, True, "/dev/fd/5")
    assert words == [
        "register",
        "--format",
        "json",
        "--region",
        "us-east-1",
        "--cluster",
        "prod",
        "--artifacts",
        "/a",
        "--keyring",
        "/k",
        "--docker",
        "auto",
        "--wait",
        "180",
        "--attribute",
        "a=b",
        "--attribute",
        "rack=b12",
        "--tag",
        "site=x",
        "--demote",
        "system.memory",
        "--no-start",
        "--activation-file",
        "/dev/fd/5",
        "--dry-run",
        "--ssh-accept-new",
    ]
    assert registering.activation(every) == f"id={ID}\ncode={CODE}\n"
    assert registering.activation(given()) == "" and "--activation-file" not in registering.words(given(), False, "")


def said(state: str, **more: Any) -> str:
    step = {"key": "file:/x", "title": "write /x", "argv": ["install"], "path": "/x", "before": None, "after": "a\n"}
    row = {
        "host": "h", "state": state, "instance": "mi-1", "arn": "arn:x", "cluster": "prod", "steps": [step], "error": "",
        "code": "", "fix": "", "differences": [], "causes": [],
    }  # fmt: skip
    return json.dumps({"hosts": [row | more]})


@pytest.mark.parametrize(
    ("state", "rc", "changed", "failed"),
    [
        ("already", 0, False, False),
        ("done", 0, True, False),
        ("planned", 0, True, False),
        ("different", 1, False, True),
        ("failed", 1, True, True),
    ],
)
def test_results(state: str, rc: int, changed: bool, failed: bool) -> None:
    found = registering.result(rc, said(state), "")
    assert (found["changed"], found.get("failed", False)) == (changed, failed)
    assert found["diff"][1] == {"before": "", "after": "a\n", "before_header": "/x (absent)", "after_header": "/x"}
    assert (found["instance"], found["arn"]) == ("mi-1", "arn:x")


@pytest.mark.parametrize("out", ["", "no JSON", "{}", '{"hosts": []}'])
def test_no_result_is_a_failure_that_says_what_was_said(out: str) -> None:
    found = registering.result(2, out, "anywhere: --cluster takes letters")
    assert found["failed"] and "--cluster takes letters" in found["msg"]


def test_the_example_playbook_names_what_exists() -> None:
    (play,) = yaml.safe_load((COLLECTION / "playbooks" / "register.yml").read_text())
    task = next(task for task in play["tasks"] if "ecs_anywhere.toolkit.register" in task)
    assert set(task["ecs_anywhere.toolkit.register"]) <= set(registering.REGISTER)


@pytest.mark.region
@pytest.mark.slow
@pytest.mark.parametrize("where", ["controller", "host"])
def test_check_mode_shows_steps_and_files_and_changes_nothing(
    controller: Controller, host: BareHost, where: str
) -> None:
    before = snapshot(host)
    words = place(controller, where) | {"region": "us-east-1", "cluster": "prod", "attributes": {"rack": "b12"}}
    played = controller.task(
        "register", words | {"activation_id": ID, "activation_code": CODE}, "--check", "--diff", "-vvv"
    )
    assert not played.result.get("failed"), played.output
    assert played.result["changed"] and played.result["state"] == "planned"
    assert "+++ after: /etc/ecs/ecs.config" in played.output and "+ECS_CLUSTER=prod" in played.output, played.output
    assert CODE not in played.output
    assert snapshot(host) == before
