"""Replacements for what Windows lacks. A Windows machine can check its own way to the endpoints, other hosts over SSH, and
task definitions; all other facts about a host exist on Linux only."""

from __future__ import annotations

import os
import secrets
import sys

IS_WINDOWS = sys.platform == "win32"
LINUX, WINDOWS = "Linux", "Windows"
SYSTEM = WINDOWS if IS_WINDOWS else LINUX
LINUX_ONLY = "a fact of Linux: this machine runs Windows, where only the way to the endpoints is checked"

# Zero where the system has no such flag: its behavior is the default there, or does not exist.
O_BINARY: int = getattr(os, "O_BINARY", 0)
O_CLOEXEC: int = getattr(os, "O_CLOEXEC", 0)
O_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
O_NOCTTY: int = getattr(os, "O_NOCTTY", 0)
O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
O_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
O_PATH: int = getattr(os, "O_PATH", 0)


def user() -> int:
    """The uid of this process; 0 on Windows, as files report their owner there."""
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def is_root() -> bool:
    """Whether this runs as root, or elevated as an administrator."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0


def set_blocking(number: int) -> None:
    """Make reads and writes block again. On Windows files always block."""
    if sys.platform != "win32":
        os.set_blocking(number, True)


def is_posix_path(path: str) -> bool:
    """Whether a path names a place on Linux: `/etc` on Windows is any user's folder on the current drive."""
    return path.startswith("/")


def replace_file(path: str, data: bytes) -> None:
    """Replace a file atomically on a system where folders cannot be held open. Raises OSError."""
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as there:
            there.write(data)
        return
    scratch = f"{path}.{secrets.token_hex(8)}"
    try:
        with open(scratch, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        if os.path.exists(scratch):
            os.unlink(scratch)
        raise
