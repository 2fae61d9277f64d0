"""The agent's keys in the order in which OpenSSH offers them (sshconnect2.c, pubkey_prepare): asyncssh offers all in the
agent's own order, and the same key once more from its file, and a host counts each (MaxAuthTries)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import asyncssh

from anywhere.hosts.ssh.settings.key_files import KeyFiles


def named_first(connection: Any, files: KeyFiles) -> None:
    """On this connection the agent's keys that ssh_config names come first, those with a certificate before all, and no key
    comes twice."""
    agent = connection._agent
    if not agent:
        return
    original, named = agent.get_keys, list(files.identities)

    async def keys(identities: Sequence[bytes] | None = None) -> list[Any]:
        found = list(await original(identities))
        held = {key.public_data for key in found}
        connection._client_keys[:] = [key for key in connection._client_keys if key.public_data not in held]
        found.sort(key=lambda key: named.index(key.public_data) if key.public_data in named else len(named))
        return [*_signed(found, files.certificates), *found]

    agent.get_keys = keys


def _signed(keys: Sequence[Any], certificates: Sequence[asyncssh.SSHCertificate]) -> list[Any]:
    """The keys that have a certificate here which the agent does not have."""
    held, found = {key.public_data for key in keys}, []
    for certificate in certificates:
        for key in keys:
            if key.public_data == certificate.key.public_data and certificate.public_data not in held:
                found.append(copy(key))
                found[-1].set_certificate(certificate)
    return found
