"""Which of the key files that ssh_config names serve a login: OpenSSH goes on without those that do not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache

import asyncssh
from asyncssh.public_key import load_identities

from anywhere.frozen import frozen
from anywhere.hosts.base import Deadline
from anywhere.hosts.reading import read_file
from anywhere.hosts.ssh.settings.bound import KEY, SECONDS

PRIVATE = b"PRIVATE KEY-----"
# In OpenSSH's order (readconf.c, fill_default_options).
DEFAULT = tuple(f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk"))
KINDS = ("private", "locked", "token", "public", "unusable")


@frozen
class KeyFiles:
    """`private` ones are offered; of `locked` ones, of those on a `token` and of `public` ones the agent may hold the private
    half; `unusable` are no keys. `identities` are the public halves that could be read, in the order of the files,
    `certificates` those beside them and those of CertificateFile."""

    private: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    token: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    identities: tuple[bytes, ...] = ()
    certificates: tuple[asyncssh.SSHCertificate, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a refusal says of those that were not offered."""
        return (
            *(f"{path} has a passphrase" for path in self.locked),
            *(f"{path} is the key of a FIDO token, which only the agent can use" for path in self.token),
            *(f"{path} is no private key that can be read" for path in self.unusable),
        )


def sorted_out(paths: Sequence[str], certificates: Sequence[str] = ()) -> KeyFiles:
    """The files of IdentityFile by what they are, and those of CertificateFile. One that is not there is left out, as
    OpenSSH does (sshconnect2.c, load_identity_file), but the public key beside it counts."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    halves: list[bytes] = []
    for path in map(os.path.expanduser, paths):
        kind = _kind(path)
        beside = _kind(f"{path}.pub")
        if kind == "missing" and beside == "public":
            kind, path = beside, f"{path}.pub"
        if kind != "missing":
            found[kind].append(path)
            halves += _identities(path)
    private, locked, token, public, unusable = (tuple(dict.fromkeys(found[kind])) for kind in KINDS)
    signed = [f"{path.removesuffix('.pub')}-cert.pub" for path in map(os.path.expanduser, paths)]
    known = [one for path in (*map(os.path.expanduser, certificates), *signed) for one in _certificates(path)]
    return KeyFiles(private, locked, token, public, unusable, tuple(dict.fromkeys(halves)), tuple(known))


def _certificates(path: str) -> Sequence[asyncssh.SSHCertificate]:
    try:
        return [asyncssh.read_certificate(path)]
    except (OSError, asyncssh.KeyImportError, ValueError):
        return []


def _identities(path: str) -> Iterator[bytes]:
    """The public half and a certificate beside it, as an agent names them."""
    for name in (f"{path.removesuffix('.pub')}-cert.pub", path, f"{path}.pub"):
        with contextlib.suppress(OSError):
            stat = os.stat(name)
            yield from _halves(name, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _halves(path: str, _changed: int, _size: int) -> tuple[bytes, ...]:
    try:
        return tuple(load_identities(path))
    except (OSError, asyncssh.KeyImportError, ValueError):
        return ()


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
        kind = asyncssh.import_private_key(data).algorithm
    except asyncssh.KeyEncryptionError:
        return "locked"
    except (asyncssh.KeyImportError, ValueError) as error:
        return "locked" if "passphrase" in str(error).lower() else "unusable"
    return "token" if kind.startswith(b"sk-") else "private"
