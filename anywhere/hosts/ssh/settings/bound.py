"""Key files as asyncssh reads them, and ssh_config, but with a limit: a path may lead to what has no end."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import asyncssh.public_key

from anywhere.hosts.base import Deadline
from anywhere.hosts.bounds import Limit
from anywhere.hosts.reading import read_file

KEY, CONFIG = Limit("a key file", 1 << 20), Limit("ssh_config", 1 << 20)
SECONDS = 5.0


_given: dict[str, str] = {}


def given(lines: Sequence[str]) -> str:
    """The path under which `config_text` finds these lines of ssh_config; there is no such file."""
    text = "\n".join(lines)
    path = str(Path(os.devnull, hashlib.sha256(text.encode()).hexdigest()))
    _given[path] = text
    return path


def bound() -> None:
    """From now on asyncssh reads key files through here. May be called again."""
    vars(asyncssh.public_key)["read_file"] = _read


def _read(path: str | Path, mode: str = "rb") -> bytes | str:
    data = read_file(str(Path(path).expanduser()), KEY, Deadline(SECONDS))
    return data if mode == "rb" else data.decode()


def config_text(path: str) -> str:
    """A file of ssh_config, or the lines that were given under this path. Raises OSError."""
    if path in _given:
        return _given[path]
    return read_file(path, CONFIG, Deadline(SECONDS)).decode("utf-8", "replace")
