"""The module `check` of the Ansible collection against a real sshd: without anything on the host, and with the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.controller import Controller
from tests.support.ssh.remote import remote

pytestmark = [pytest.mark.region, pytest.mark.slow]


@pytest.fixture(scope="module")
def controller(shared_room: Path) -> Iterator[Controller]:
    with remote(shared_room / "far", ("proxy-407",)) as far:
        yield Controller(far.server, far.region.pid, far.home, shared_room / "controller")


def check(controller: Controller, options: dict[str, Any], *words: str) -> dict[str, Any]:
    return controller.task("check", {"region": ["us-east-1"], "shards": 4, **options}, *words).result


@pytest.mark.parametrize("words", [(), ("--check", "--diff")])
@pytest.mark.parametrize("where", ["controller", "host"])
def test_the_report_comes_back_as_facts(controller: Controller, where: str, words: tuple[str, ...]) -> None:
    executable = [str(controller.wrapper)] if where == "host" else ["anywhere"]
    found = check(controller, {"where": where, "executable": executable, "fail_on": "never"}, *words)
    assert not found.get("failed"), found["msg"]
    assert found["changed"] is False
    assert found["report"]["schema"] == "anywhere/report/1"
    assert found["verdict"] == found["ansible_facts"]["anywhere"]["verdict"]
    assert found["ansible_facts"]["anywhere"]["facts"]["os"]["id"] == "debian"
    if where == "controller":
        assert [cause["code"] for cause in found["causes"]] == ["proxy.auth-required"]


def test_a_host_that_is_not_ready_fails_the_task_with_the_cause(controller: Controller) -> None:
    found = check(controller, {})
    assert found["failed"]
    assert found["msg"].startswith("proxy.auth-required: ")
    assert found["exit_code"] == 1


def test_what_the_connection_hands_to_ssh_is_used(controller: Controller) -> None:
    """A bastion is given so; without it each host behind one would be unreachable."""
    words = ("-e", json.dumps({"ansible_ssh_common_args": "-o ProxyCommand='echo no way >&2'"}))
    found = check(controller, {}, *words)
    assert "its ProxyCommand ended (exit code 0: no way)" in json.dumps(found["report"])


def test_what_is_wrong_with_the_words_is_told(controller: Controller) -> None:
    found = check(controller, {"region": ["mars-1"]})
    assert found["failed"]
    assert "mars-1" in found["msg"]
    found = check(controller, {"executable": ["/no/such/anywhere"]})
    assert found["failed"]
    assert "No such file" in found["msg"]
