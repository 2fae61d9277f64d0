"""A connection that ends just when a channel is opened on it (asyncssh says so by an assertion), or is silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from anywhere.errors import HostUnreachable
from anywhere.hosts.ssh.background import Gathering
from anywhere.hosts.ssh.connection import Connection


class Ended:
    """Stands for asyncssh's connection in that moment."""

    def is_closed(self) -> bool:
        return False

    async def create_connection(self, *_words: object) -> None:
        raise AssertionError

    async def create_session(self, *_words: object, **_named: object) -> None:
        raise AssertionError


def test_a_connection_that_just_ended_is_lost() -> None:
    inner: Any = Ended()
    with pytest.raises(HostUnreachable, match="h: the connection was lost"):
        Connection(inner, "h").dial("127.0.0.1", 443, 1.0)
    with pytest.raises(HostUnreachable, match="h: login succeeded, but sshd gives no session"):
        Connection(inner, "h").execute("true", timeout=1.0)


def test_a_host_that_did_not_answer_is_not_asked_for_each_observation_anew() -> None:
    def gather(lines: Sequence[str], _on_part: object) -> None:
        raise HostUnreachable("h: no answer within 8.5 s (step: login shell)", timed=True, was_up=True)

    gathering = Gathering(gather)
    gathering.start({("inventory",): "inventory", ("read", "/etc/hosts"): "read_file /etc/hosts"})
    for key in (("inventory",), ("inventory",), ("run", "true"), ("read", "/etc/hosts")):
        with pytest.raises(HostUnreachable, match=r"8\.5 s"):
            gathering.take(key, 5.0)
    gathering.forget()
    assert gathering.take(("inventory",), 5.0) is None
