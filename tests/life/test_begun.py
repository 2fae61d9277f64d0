"""A move or update that was cut off shows in `status`, and its Next is the command that goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anywhere.facts.status import status_facts
from anywhere.flows.lifecycle.begun import begun
from anywhere.model import Report, Target
from anywhere.report.life.status import render
from tests.support.fakehost import FakeHost

FOLDER = "/var/lib/anywhere"
CONFIG = "/etc/ecs/ecs.config"


def host(*names: str, **files: str) -> FakeHost:
    return FakeHost(
        {f"{FOLDER}/{name}": "" for name in names} | {f"{FOLDER}/leave.json": '{"cluster": "plant-7"}'} | files
    )


def screen(seen: FakeHost, reach: tuple[str, ...] = ()) -> list[str]:
    facts = {"status": {**status_facts(seen), "unfinished": begun(seen)}}
    found = Target("host", "a", "2026-11-30T00:00:00Z", 0.1, facts=facts)
    return render(Report((replace(found, reach=reach),))).splitlines()


@pytest.mark.parametrize(("now", "cluster"), [("plant-8", "plant-8"), ("plant-7", "CLUSTER"), ("", "default")])
def test_a_move_that_was_cut_off_goes_on_with_its_cluster(now: str, cluster: str) -> None:
    text = f"ECS_CLUSTER={now}\n" if now else ""
    seen = host("move.journal", "move.seal", "move.copy", **{CONFIG: text})
    assert begun(seen) == [{"verb": "move", "command": ["anywhere", "move", "--cluster", cluster]}]
    assert screen(seen)[-1].endswith(f"anywhere move --cluster {cluster}")
    assert any(line.startswith("  unfinished      move: begun, and not finished") for line in screen(seen))


def test_an_update_on_a_host_over_ssh_names_the_host() -> None:
    seen = host("update.journal", "update.seal")
    assert screen(seen, ("--host", "root@h"))[-1].endswith("anywhere update --host root@h")


def test_what_has_ended_or_stands_for_good_is_not_shown() -> None:
    seen = host("rules.journal", "rules.seal", "register.journal", "register.seal", "move.cleared")
    assert begun(seen) == [] and begun(FakeHost()) == []
    assert screen(seen)[-1].startswith("Next: nothing to do")
