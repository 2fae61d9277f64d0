"""Reading this machine's files and folders: nothing that blocks is opened, nothing without end is taken in."""

from __future__ import annotations

import os
import stat

from anywhere.hosts.base import Deadline
from anywhere.hosts.bounds import FOLDER, NULL_DEVICE, Limit, NotAFile, TooLarge
from anywhere.windows import IS_WINDOWS, O_BINARY, O_CLOEXEC, O_NONBLOCK, O_PATH, is_posix_path

PIECE = 256 * 1024  # bytes at once, and between two looks at the clock
KINDS = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))


def read_file(path: str, limit: Limit, deadline: Deadline, tail: int = 0) -> bytes:
    """A regular file's content, or its last `tail` bytes. Raises OSError: TooLarge, NotAFile, TimeoutError, and those
    of the system."""
    with _Opened(path) as number:
        if number is None:
            return b""
        size = os.fstat(number).st_size
        if tail:
            tail = min(tail, limit.size)
            os.lseek(number, max(0, size - tail), os.SEEK_SET)
            return _read(number, tail, deadline, path)[:tail]
        if size > limit.size:
            raise TooLarge(limit, path)
        data = _read(number, limit.size + 1, deadline, path)
        if met := limit.met_by(data):
            raise TooLarge(limit, path, met)
        return data


def look_at(path: str, limit: Limit) -> None:
    """Raises OSError for what `read_file` would not read, without reading it."""
    with _Opened(path) as number:
        if number is not None and os.fstat(number).st_size > limit.size:
            raise TooLarge(limit, path)


def list_folder(path: str) -> tuple[str, ...]:
    """The sorted names. Raises OSError."""
    _on_this_system(path)
    names: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > FOLDER.size:
                raise TooLarge(FOLDER, path)
    return tuple(sorted(names))


class _Opened:
    """A descriptor of a regular file, None for the null device. What it is gets looked at before it is opened: opening
    a pipe waits, and opening a device may do something (a watchdog starts)."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._numbers: list[int] = []

    def __enter__(self) -> int | None:
        try:
            return self._open()
        except BaseException:
            self.__exit__()
            raise

    def _open(self) -> int | None:
        _on_this_system(self._path)
        place = os.open(self._path, O_PATH | O_CLOEXEC | O_BINARY)
        self._numbers.append(place)
        found = os.fstat(place)
        if IS_WINDOWS:
            return place
        if stat.S_ISCHR(found.st_mode) and (os.major(found.st_rdev), os.minor(found.st_rdev)) == NULL_DEVICE:
            return None
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(21, "Is a directory", self._path)
        for is_kind, name in KINDS:
            if is_kind(found.st_mode):
                raise NotAFile(name, self._path)
        try:
            number = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        except OSError as error:
            raise type(error)(error.errno, error.strerror, self._path) from None
        self._numbers.append(number)
        return number

    def __exit__(self, *_: object) -> None:
        for number in self._numbers:
            os.close(number)
        self._numbers.clear()


def _on_this_system(path: str) -> None:
    if IS_WINDOWS and is_posix_path(path):
        raise FileNotFoundError(2, "No such file or directory", path)


def _read(number: int, most: int, deadline: Deadline, path: str) -> bytes:
    data = bytearray()
    while len(data) < most:
        if deadline.is_over():
            raise TimeoutError(110, "not read: time budget used up", path)
        piece = os.read(number, min(PIECE, most - len(data)))
        if not piece:
            break
        data += piece
    return bytes(data)
