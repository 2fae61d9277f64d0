"""Files of the machine that this program runs on, written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import threading
from pathlib import Path

from anywhere.errors import BadInput

_unfinished: set[str] = set()
_lock = threading.RLock()


def writable(path: str) -> None:
    """Raise BadInput where a file can surely not be written, before the work for it is done."""
    folder = os.path.dirname(os.path.realpath(path))
    if path != "-" and not os.path.isdir(folder):
        raise BadInput(f"cannot write {path}: there is no folder {folder}")
    if os.path.isdir(path):
        raise BadInput(f"cannot write {path}: it is a folder")


def write_file(path: str, data: bytes) -> None:
    """Write a file whole or not at all; one that is there keeps its mode, a link what it points to. Raises BadInput."""
    target = Path(os.path.realpath(path))
    scratch = None
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        # A name that nobody can guess: another user's link in a shared folder must not lead elsewhere.
        with _lock:
            number, scratch = tempfile.mkstemp(prefix=f".{target.name[:80]}.", dir=target.parent)
            _unfinished.add(scratch)
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, mode)
            file.write(data)
            file.flush()
            os.fsync(number)
        os.replace(scratch, target)
    except BaseException as error:
        if scratch:
            Path(scratch).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BadInput(f"cannot write {path}: {error.strerror or error}") from error
        raise
    finally:
        _unfinished.discard(scratch or "")


def drop_unfinished() -> None:
    """Remove what other threads are writing just now, and let them begin no more: only for the end of the program."""
    _lock.acquire(timeout=0.1)
    for scratch in list(_unfinished):
        Path(scratch).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def read_file(path: str, largest: int, option: str = "") -> bytes:
    """A file's content, or standard input's for `-`. Raises BadInput, with the option that named it, for what cannot be
    read or has more than `largest` bytes."""
    named = f"{option}: {path} " if option else f"{path}: "
    try:
        if path == "-":
            data = sys.stdin.buffer.read(largest + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(largest + 1)
    except OSError as error:
        raise BadInput(f"{named}cannot be read: {error.strerror or error}") from None
    if len(data) > largest:
        raise BadInput(f"{named}{'is ' if option else ''}larger than {largest >> 20} MiB")
    return data
