"""The agent's keys in the order in which OpenSSH offers them (sshconnect2.c, pubkey_prepare): asyncssh offers all in the
agent's own order, and the same key once more from its file, and a host counts each (MaxAuthTries)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def named_first(connection: Any, named: Sequence[bytes]) -> None:
    """On this connection the agent's keys that ssh_config names come first, and no key comes twice."""
    agent = connection._agent
    if not agent:
        return
    original = agent.get_keys

    async def keys(identities: Sequence[bytes] | None = None) -> list[Any]:
        found = list(await original(identities))
        held = {key.public_data for key in found}
        connection._client_keys[:] = [key for key in connection._client_keys if key.public_data not in held]
        return sorted(
            found, key=lambda key: list(named).index(key.public_data) if key.public_data in named else len(named)
        )

    agent.get_keys = keys
