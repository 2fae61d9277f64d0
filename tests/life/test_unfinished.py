"""What a move or an update that was killed has left is gone after a deregistration, and settings are the original again."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from anywhere.changes import engine
from anywhere.changes.agents.config import merge
from anywhere.changes.base import Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.leave.move import ASIDE
from anywhere.changes.leave.note import Note, note_step
from anywhere.flows.life.leave import Leaving
from anywhere.flows.life.leaving import Leave
from anywhere.hosts.base import Host
from tests.support.barehost import BareHost

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
CONFIG = "/etc/ecs/ecs.config"
OURS = "ECS_LOGLEVEL=info\n"
NOTE = Note("mi-1", "us-east-1", "plant-7", "", (), True)


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost(alone=True) as made:
        made.sh(f"mkdir -p /etc/ecs /var/lib/ecs/data; printf '{OURS}' > {CONFIG}; echo old > {ASIDE}")
        yield made


def into(cluster: str, seen: Host) -> tuple[Step, ...]:
    merged, lines, _ = merge(seen.read(CONFIG).decode(), {"ECS_CLUSTER": cluster})
    return file_step(seen, CONFIG, merged.encode(), f"set {cluster}", lines=lines)


def killed_move(seen: Host) -> tuple[Step, ...]:
    start = Step("unit:ecs.service", "start", Command(("true",)), (Command(("touch", "/etc/started")),))
    return (*note_step(seen, NOTE), *into("default", seen), start)


def killed_update(seen: Host) -> tuple[Step, ...]:
    back = Command(("touch", "/etc/installed-again"))
    return (Step("update:amazon-ecs-init", "update", Command(("true",)), (back,)),)


@pytest.mark.parametrize("verb", ["deregister", "reset"])
def test_nothing_of_a_killed_move_or_update_is_left(host: BareHost, verb: str) -> None:
    engine.apply(host, "register", lambda seen: into("plant-7", seen))
    engine.apply(host, "move", killed_move)
    engine.apply(host, "update", killed_update)
    planned = Leaving(host, Leave(verb))(dry=True)
    assert f"restore {CONFIG}" in planned.steps, planned
    done = Leaving(host, Leave(verb))()
    assert done.ok and {what for what, _ in done.differences} <= {"/etc/ecs"}, done
    left = host.sh("ls -A /var/lib/anywhere 2>/dev/null || :").split()
    assert [name for name in left if not name.startswith("register.")] == []
    assert host.sh(f"cat {CONFIG}") == OURS + ("" if verb == "deregister" else "ECS_CLUSTER=plant-7\n")
    assert host.sh(f"ls {ASIDE} /etc/started /etc/installed-again 2>/dev/null || :") == ""
    assert Leaving(host, Leave(verb))().state == "already"


def test_without_a_move_or_update_the_registration_alone_is_undone(host: BareHost) -> None:
    engine.apply(host, "register", lambda seen: into("plant-7", seen))
    done = Leaving(host, Leave("deregister"))()
    assert done.ok and {what for what, _ in done.differences} <= {"/etc/ecs"}, done
    assert host.sh(f"cat {CONFIG}; ls -A /var/lib/anywhere 2>/dev/null || :") == OURS


def test_a_record_that_is_damaged_is_given_up_and_said(host: BareHost) -> None:
    engine.apply(host, "move", killed_move)
    host.sh("echo no > /var/lib/anywhere/move.journal; rm /var/lib/anywhere/move.copy")
    done = Leaving(host, Leave("deregister"))()
    assert done.ok and any("move.journal" in what for what, _ in done.differences), done
    assert host.sh("ls -A /var/lib/anywhere 2>/dev/null || :") == ""


def test_what_someone_else_has_added_since_stays(host: BareHost) -> None:
    engine.apply(host, "register", lambda seen: into("plant-7", seen))
    engine.apply(host, "move", killed_move)
    host.sh(f"echo OTHER=1 >> {CONFIG}")
    assert Leaving(host, Leave("deregister"))().ok
    assert host.sh(f"cat {CONFIG}") == OURS + "OTHER=1\n"
