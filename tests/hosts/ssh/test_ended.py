"""A connection that ends just when a channel is opened on it: asyncssh says so by an assertion."""

from __future__ import annotations

from typing import Any

import pytest

from anywhere.errors import HostUnreachable
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
    with pytest.raises(HostUnreachable, match="h: no command can be run"):
        Connection(inner, "h").execute("true", timeout=1.0)
