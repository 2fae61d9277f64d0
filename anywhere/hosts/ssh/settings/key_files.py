"""Which of the key files that ssh_config names serve a login: OpenSSH goes on without those that do not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache

import asyncssh

from anywhere.frozen import frozen
from anywhere.hosts.base import Deadline
from anywhere.hosts.reading import read_file
from anywhere.hosts.ssh.settings.bound import KEY, SECONDS

PRIVATE = b"PRIVATE KEY-----"


@frozen
class KeyFiles:
    """`private` ones are offered; of `locked` ones and of `public` ones the agent may hold the private half; `unusable` are
    no keys."""

    private: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a refusal says of those that were not offered."""
        return (
            *(f"{path} has a passphrase" for path in self.locked),
            *(f"{path} is no private key that can be read" for path in self.unusable),
        )


def sorted_out(paths: Sequence[str]) -> KeyFiles:
    """The files of IdentityFile by what they are. One that is not there is left out, as OpenSSH does (sshconnect2.c,
    load_identity_file), but the public key beside it counts."""
    found: dict[str, list[str]] = {"private": [], "locked": [], "public": [], "unusable": []}
    for path in map(os.path.expanduser, paths):
        kind = _kind(path)
        beside = _kind(f"{path}.pub")
        if kind == "missing" and beside == "public":
            kind, path = beside, f"{path}.pub"
        if kind != "missing":
            found[kind].append(path)
    return KeyFiles(*(tuple(dict.fromkeys(found[kind])) for kind in found))


def _kind(path: str) -> str:
    try:
        stat = os.stat(path)
    except OSError:
        return "missing"
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _read(path: str, _changed: int, _size: int) -> str:
    try:
        data = read_file(path, KEY, Deadline(SECONDS))
    except OSError:
        return "unusable"
    try:
        if PRIVATE not in data:  # asyncssh finds the public half of a private key too
            asyncssh.import_public_key(data)
            return "public"
        asyncssh.import_private_key(data)
    except asyncssh.KeyEncryptionError:
        return "locked"
    except (asyncssh.KeyImportError, ValueError) as error:
        return "locked" if "passphrase" in str(error).lower() else "unusable"
    return "private"
