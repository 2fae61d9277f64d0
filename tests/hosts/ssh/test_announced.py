"""Names that are announced: asked for at once, and there when somebody wants them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from anywhere.hosts.base import Query
from anywhere.hosts.ssh.names.coalesce import Slot, Together
from tests.support.ssh.sshd import Server, serving


def test_an_announced_question_is_asked_once() -> None:
    asked: list[list[str]] = []
    go_on = threading.Event()

    def work(slots: Sequence[Slot[str]]) -> None:
        asked.append([slot.question for slot in slots])
        go_on.wait(60)
        for slot in slots:
            slot.set(slot.question.upper() if slot.question != "none" else None)

    together: Together[str] = Together(work)
    together.announce(["a", "b", "none"])
    together.announce(["b", "a"])
    assert not together.known("a", 0.05) and not together.known("other", 60)
    go_on.set()
    assert together.known("a", 60) == "A" and together.known("none", 60) is None
    assert together.ask("a", 60) == "A" and together.ask("b", 60) == "B"
    assert asked == [["a", "b", "none"]]
    assert together.ask("a", 60) == "A" and asked[1:] == [["a"]]


@pytest.mark.region
def test_names_of_a_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    room = tmp_path_factory.mktemp("announced")
    room.chmod(0o755)
    with serving(Server(room)) as server:
        host = server.open(budget=30)
        host.announce(["localhost", "no-such-name.invalid"], (), 0.0)
        assert host.has(Query("localhost"), 30)
        assert "127.0.0.1" in host.resolve(Query("localhost")).addresses
        assert not host.has(Query("localhost"), 30)  # taken: whoever wants it again asks again
        assert "127.0.0.1" in host.resolve(Query("localhost")).addresses
        assert host.resolve(Query("no-such-name.invalid")).reason
        host.close()
