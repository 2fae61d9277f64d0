"""Host keys: checked against known_hosts; a host without an entry is taken only where the user allowed it."""

from __future__ import annotations

import base64
import hmac
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.packet import SSHPacket
from asyncssh.public_key import get_default_certificate_algs

from anywhere.hosts.base import Deadline
from anywhere.hosts.bounds import Limit
from anywhere.hosts.reading import read_file
from anywhere.hosts.ssh.channels.meter import Meter
from anywhere.hosts.ssh.settings.agent_keys import named_first
from anywhere.hosts.ssh.settings.key_files import KeyFiles
from anywhere.hosts.ssh.settings.proxy_command import ProxyCommand
from anywhere.windows import O_NONBLOCK

# ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile.
USER_FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SYSTEM_FILES = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
READ_SECONDS = 5.0
SSH_PORT = 22
# RFC 4253, section 7.1: bytes before the first list (kind and cookie), and the first lists with what we sent.
KEXINIT_HEAD = 17
KEXINIT = (("key exchange", "_kex_algs"), ("server host key", "_server_host_key_algs"), ("encryption", "_enc_algs"))
_writing = threading.Lock()


class _Entries(asyncssh.SSHKnownHosts):
    """What asyncssh matches, but a key is trusted under the host's name alone, as OpenSSH does unless CheckHostIP adds the
    address: another host had that address before. A key that is revoked for the host is revoked at every port and address:
    where only the revocation names the port, asyncssh falls back to the entries without one and forgets it."""

    def match(self, host: str, addr: str, port: int | None = None) -> Any:
        """See SSHKnownHosts.match."""
        found = list(super().match(host, "", port))
        # Once each: of a file with hashed names every entry is computed for every question.
        everywhere = [self._match(host, addr, one) for one in dict.fromkeys((port, None))]
        for kind in REVOKED:
            found[kind] = [*found[kind], *(key for one in everywhere for key in one[kind])]
        return tuple(found)


REVOKED = (2, 4, 6)  # places of the revoked keys, certificates and names in what `match` returns
FILE = Limit("known_hosts", 16 << 20)


class KnownHosts:
    """The entries of some known_hosts files. New keys go to the first file, and count from then on."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self.files = files
        self.parsed = _Entries()
        for path in files:
            try:
                data = read_file(path, FILE, Deadline(READ_SECONDS))
            except FileNotFoundError:
                continue
            self.load(data.decode("utf-8", "replace"))

    def load(self, text: str) -> None:
        """One line that cannot be understood makes the others no less valid: OpenSSH goes on behind it too (hostfile.c,
        hostkeys_foreach_file)."""
        try:
            _Entries().load(text)
        except ValueError:
            text = "\n".join(line for line in text.splitlines() if _is_entry(line))
        self.parsed.load(text)

    @staticmethod
    def of(named: Sequence[str]) -> KnownHosts:
        """These files, or those that OpenSSH reads by default; read once, and again when one has changed.

        Raises OSError for a file that cannot be read.
        """
        files = tuple(str(Path(path).expanduser()) for path in named or (*USER_FILES, *SYSTEM_FILES))
        return _read(files, tuple(_version(path) for path in files))

    def store(self, line: str) -> None:
        """Add an entry, in memory and in the first file. Raises OSError."""
        with _writing:
            self.parsed.load(line)
            path = Path(self.files[0])
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(
                os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | O_NONBLOCK, 0o600), "a", encoding="utf-8"
            ) as file:
                file.write(line)


class Place:
    """A host as known_hosts names it. Under a HostKeyAlias the port is no part of the name (sshconnect.c,
    get_hostfile_hostname_ipaddr). `is_hashed` is HashKnownHosts."""

    def __init__(self, known: KnownHosts, name: str, port: int, alias: str = "", *, is_hashed: bool = False) -> None:
        self.known, self.name, self.port = known, alias or name, None if alias or port == SSH_PORT else port
        self.text = f"[{self.name}]:{self.port}" if self.port else self.name
        self._more, self._is_hashed = KnownHosts(()), is_hashed

    def learn(self, lines: str) -> None:
        """Lines of known_hosts that hold for this host beside the files."""
        self._more.load(lines)

    def match(self, _host: str, addr: str, _port: int | None) -> Any:
        """The keys to trust and those revoked, as asyncssh wants them."""
        found = [entries.match(self.name, addr, self.port) for entries in (self.known.parsed, self._more.parsed)]
        return tuple([*one, *two] for one, two in zip(*found, strict=True))

    def is_known(self) -> bool:
        """Whether there is any key for this host: then another one is no new host, but a changed key."""
        return bool(self.match("", "", None)[0])

    def algorithms(self) -> list[str]:
        """Those of the certificates and keys that are trusted for this host, which are asked for first."""
        keys, authorities, *_ = self.match("", "", None)
        known = [
            *(get_default_certificate_algs() if authorities else ()),
            *(a for key in keys for a in key.sig_algorithms),
        ]
        return [name.decode() for name in dict.fromkeys(known)]

    def add(self, key: asyncssh.SSHKey) -> None:
        """Store a new host's key. Raises OSError."""
        name = _hashed(self.text) if self._is_hashed else self.text
        self.known.store(f"{name} {key.export_public_key().decode().strip()}\n")


def _hashed(name: str) -> str:
    """See sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; hostfile.c, host_hash."""
    salt = os.urandom(20)
    parts = (salt, hmac.digest(salt, name.encode(), "sha1"))
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in parts)


def _is_entry(line: str) -> bool:
    try:
        _Entries().load(line)
    except ValueError:
        return False
    return True


def _version(path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=8)
def _read(files: tuple[str, ...], _versions: tuple[tuple[int, int], ...]) -> KnownHosts:
    return KnownHosts(files)


class Client(asyncssh.SSHClient):
    """Decides on a host key that known_hosts does not hold, and meters the connection from its first byte. `methods` are
    those that the host would have let the user in by, after all keys were offered."""

    def __init__(
        self, place: Place, accept_new: bool, command: ProxyCommand | None = None, files: KeyFiles | None = None
    ) -> None:
        self._place, self._accept_new, self._command = place, accept_new, command
        self._files = files or KeyFiles()
        self.meter: Meter | None = None
        self._connection: Any = None
        self.methods: set[str] = set()

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Called before the host has said anything."""
        self.meter, self._connection = Meter(conn), conn
        named_first(conn, self._files)

    def connection_lost(self, exc: Exception | None) -> None:
        """The way there ends with it."""
        if self._command:
            self._command.end()

    def mismatch(self) -> str:
        """What the host and we have not in common, in asyncssh's words. The host hangs up then, and mostly before asyncssh has
        compared; host keys it does not compare at all."""
        message = self._connection and self._connection._server_kexinit
        if not message:
            return ""
        packet = SSHPacket(message[KEXINIT_HEAD:])
        for kind, ours in KEXINIT:
            offered: Sequence[bytes] = packet.get_namelist()
            if not set(offered) & set(vars(self._connection)[ours] or ()):
                names = b",".join(offered).decode("ascii", "replace")
                return f"No matching {kind} algorithm found, sent ours and received {names}"
        return ""

    def public_key_auth_requested(self) -> None:
        """No key is left to offer."""
        self.methods.add("publickey")

    def password_auth_requested(self) -> None:
        """There is no password to give."""
        self.methods.add("password")

    def kbdint_auth_requested(self) -> None:
        """There is nobody to ask."""
        self.methods.add("keyboard-interactive")

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether to go on. Raises ValueError, which asyncssh reports as HostKeyNotVerifiable with this text."""
        if self._place.is_known():
            raise ValueError("changed")
        if not self._accept_new:
            raise ValueError("unknown")
        try:
            self._place.add(key)
        except OSError as error:
            raise ValueError(f"cannot be stored in {self._place.known.files[0]}: {error.strerror}") from error
        return True
