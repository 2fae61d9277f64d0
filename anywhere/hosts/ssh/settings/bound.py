"""Key files and ssh_config as asyncssh reads them, but with a limit: it takes in whole whatever a path leads to."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import asyncssh.config
import asyncssh.public_key

from anywhere.hosts.base import Deadline
from anywhere.hosts.bounds import Limit
from anywhere.hosts.reading import read_file
from anywhere.hosts.ssh.settings.words import readable

KEY, CONFIG = Limit("a key file", 1 << 20), Limit("ssh_config", 1 << 20)
SECONDS = 5.0


_given: dict[str, str] = {}


def given(lines: Sequence[str]) -> str:
    """The path under which asyncssh finds these lines of ssh_config; there is no such file."""
    text = "\n".join(lines)
    path = f"/dev/null/{hashlib.sha256(text.encode()).hexdigest()}"
    _given[path] = text
    return path


def bound() -> None:
    """From now on asyncssh reads these files through here. May be called again."""
    vars(asyncssh.public_key)["read_file"] = _read
    vars(asyncssh.config)["open"] = _open


def _read(path: str | Path, mode: str = "rb") -> bytes | str:
    data = read_file(str(Path(path).expanduser()), KEY, Deadline(SECONDS))
    return data if mode == "rb" else data.decode()


def _open(path: str | Path) -> io.StringIO:
    if str(path) in _given:
        return io.StringIO(readable(_given[str(path)]))
    return io.StringIO(readable(read_file(str(path), CONFIG, Deadline(SECONDS)).decode("utf-8", "replace")))
