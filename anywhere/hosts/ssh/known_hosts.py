"""Host keys: checked against known_hosts; a host without an entry is taken only where the user allowed it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import asyncssh

USER_FILE, SYSTEM_FILES = "~/.ssh/known_hosts", ("/etc/ssh/ssh_known_hosts",)
_writing = threading.Lock()


class KnownHosts:
    """The entries of some known_hosts files. New keys go to the first file, and count from then on."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self.files = files
        self.parsed = asyncssh.SSHKnownHosts()
        for path in files:
            try:
                self.parsed.load(Path(path).read_text(encoding="utf-8", errors="replace"))
            except FileNotFoundError:
                continue

    @staticmethod
    def of(named: Sequence[str]) -> KnownHosts:
        """These files, or those that OpenSSH reads by default; read once, and again when one has changed.

        Raises OSError for a file that cannot be read, ValueError for a line that cannot be understood.
        """
        files = tuple(str(Path(path).expanduser()) for path in named or (USER_FILE, *SYSTEM_FILES))
        return _read(files, tuple(_version(path) for path in files))

    def has(self, host: str, address: str, port: int) -> bool:
        """Whether there is any key for this host: then another one is no new host, but a changed key."""
        return bool(self.parsed.match(host, address, None if port == 22 else port)[0])

    def add(self, host: str, port: int, key: asyncssh.SSHKey) -> None:
        """Store a new host's key, in memory and in the first file. Raises OSError."""
        place = host if port == 22 else f"[{host}]:{port}"
        line = f"{place} {key.export_public_key().decode().strip()}\n"
        with _writing:
            self.parsed.load(line)
            path = Path(self.files[0])
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
                file.write(line)


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
    """Decides on a host key that known_hosts does not hold."""

    def __init__(self, known: KnownHosts, host: str, accept_new: bool) -> None:
        self._known, self._host, self._accept_new = known, host, accept_new

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether to go on. Raises ValueError, which asyncssh reports as HostKeyNotVerifiable with this text."""
        if self._known.has(self._host, addr, port):
            raise ValueError("changed")
        if not self._accept_new:
            raise ValueError("unknown")
        try:
            self._known.add(self._host, port, key)
        except OSError as error:
            raise ValueError(f"cannot be stored in {self._known.files[0]}: {error.strerror}") from error
        return True
