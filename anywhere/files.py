"""Files on the machine that this program runs on: written atomically, and never to a place that another user chose.

All writes follow one rule: each folder of the path is opened once and held, links of other users are not followed, the
file is created exclusively under a random name and then renamed, and no open can block.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import secrets
import stat
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from anywhere.errors import BadInput
from anywhere.windows import (
    IS_WINDOWS,
    O_CLOEXEC,
    O_DIRECTORY,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    replace_file,
    set_blocking,
    user,
)

_DIRECTORY = O_DIRECTORY | O_CLOEXEC | O_PATH
_MOST_LINKS = 40  # as the kernel
_SHARED = stat.S_IWOTH | stat.S_ISVTX  # /tmp: everybody may make files, and remove only their own

PIECE = 1 << 20  # bytes read at once
_unfinished: set[tuple[int, str]] = set()
_lock = threading.RLock()


class _Refused(OSError):
    """Another user could redirect this write."""


def writable(path: str) -> None:
    """Raise BadInput early where a file cannot be written, before the work for it is done."""
    folder = os.path.dirname(os.path.realpath(path))
    if path != "-" and not os.path.isdir(folder):
        raise BadInput(f"cannot write {path}: there is no folder {folder}")
    if os.path.isdir(path):
        raise BadInput(f"cannot write {path}: it is a folder")
    if path != "-" and not IS_WINDOWS:
        with _errors(path), _place(path) as (folder_fd, name):
            _existing(folder_fd, name)


def write_file(path: str, data: bytes | Iterable[bytes], *, private: bool = False) -> None:
    """Write a file atomically, from one piece or many. An existing file keeps its mode, and a link keeps pointing to the file;
    a `private` one is readable by its owner alone, whatever mode it had. Raises BadInput."""
    pieces = (data,) if isinstance(data, bytes) else data
    if IS_WINDOWS:
        with _errors(path):
            replace_file(path, b"".join(pieces))
        return
    with _errors(path), _place(path) as (folder, name):
        found = _existing(folder, name)
        if found and (_is_magic(folder, name) or not stat.S_ISREG(found.st_mode)):
            with _open_here(folder, name, os.O_TRUNC) as file:
                file.writelines(pieces)
            return
        kept = found and found.st_uid in (0, user())
        mode = stat.S_IMODE(found.st_mode) if found and kept else 0o666 & ~_umask()
        _replace(folder, name, pieces, 0o600 if private else mode)


def _replace(folder: int, name: str, pieces: Iterable[bytes], mode: int) -> None:
    scratch = f".{name[:80]}.{secrets.token_hex(8)}"
    unfinished = (folder, scratch)
    try:
        with _lock:
            number = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | O_NOFOLLOW, 0o600, dir_fd=folder)
            _unfinished.add(unfinished)
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, mode)
            file.writelines(pieces)
            file.flush()
            os.fsync(number)
        os.replace(scratch, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _drop(unfinished)
        raise
    finally:
        _unfinished.discard(unfinished)


def open_file(path: str, *, append: bool = False) -> BinaryIO:
    """Open a file to write piece by piece, truncated first or appended to. Raises BadInput."""
    if IS_WINDOWS:
        with _errors(path):
            return open(path, "ab" if append else "wb")
    with _errors(path), _place(path) as (folder, name):
        _existing(folder, name)
        return _open_here(folder, name, os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC))


def append_lines(path: str, lines: bytes) -> None:
    """Append whole lines, and wait until the disk has them; a last line that was cut off stays a line of its own. Raises
    BadInput, OSError."""
    with open_file(path, append=True) as file:
        file.write(lines if _ends_a_line(path) else b"\n" + lines)
        file.flush()
        os.fsync(file.fileno())


def _ends_a_line(path: str) -> bool:
    try:
        with open_input(path) as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except OSError:  # empty, or no file that can be read
        return True


def _open_here(folder: int, name: str, flags: int) -> BinaryIO:
    """Open an existing file for writing. A pipe without a reader is refused at once, since opening it would block for ever; a
    hard link in a world-writable folder is refused, since it may lead to any file of root."""
    follow = 0 if _is_magic(folder, name) else O_NOFOLLOW
    truncate = flags & os.O_TRUNC
    flags = os.O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | follow | (flags & ~os.O_TRUNC)
    number = os.open(name, flags, 0o666, dir_fd=folder)
    file = os.fdopen(number, "wb")
    found = os.fstat(number)
    if stat.S_ISREG(found.st_mode):
        if found.st_nlink > 1 and os.fstat(folder).st_mode & stat.S_IWOTH:
            file.close()
            raise _Refused(errno.EPERM, "it is a second name of another file")
        if truncate:
            os.ftruncate(number, 0)
    set_blocking(number)
    return file


@contextmanager
def _errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = "nobody reads from this pipe" if error.errno == errno.ENXIO else error.strerror or str(error)
        raise BadInput(f"cannot write {path}: {why}") from error


@contextmanager
def _place(path: str) -> Iterator[tuple[int, str]]:
    """The open folder that holds the file, and the file's name in it, with all links followed."""
    parts = [part for part in os.path.join(os.getcwd(), path).split("/") if part not in ("", ".")]
    folder = os.open("/", _DIRECTORY)
    links = 0
    try:
        while True:
            name = parts.pop(0) if parts else "."
            target = _link(folder, name, path)
            if target is None:
                if not parts:
                    yield folder, name
                    return
                folder = _entered(folder, name)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if target.startswith("/"):
                folder = _entered(folder, "/")
            parts[:0] = [part for part in target.split("/") if part not in ("", ".")]
    finally:
        os.close(folder)


def _entered(folder: int, name: str) -> int:
    inner = os.open(name, _DIRECTORY | O_NOFOLLOW, dir_fd=folder)
    os.close(folder)
    return inner


def _link(folder: int, name: str, path: str) -> str | None:
    """The target of a link; None for anything else, and for the links of /proc, which are not paths."""
    try:
        found = os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(found.st_mode):
        return None
    if found.st_uid not in (0, user()) and (user() == 0 or os.fstat(folder).st_mode & stat.S_IWOTH):
        raise _Refused(errno.EPERM, f"{name} in its path is a link of another user (uid {found.st_uid})")
    target = os.readlink(name, dir_fd=folder)
    return None if _is_magic(folder, name) else target


def _is_magic(folder: int, name: str) -> bool:
    """Whether this is a link in /proc to an open file, as `/dev/stdout` leads to."""
    return name.isdigit() and os.path.isdir("/proc") and os.fstat(folder).st_dev == os.stat("/proc").st_dev


def _existing(folder: int, name: str) -> os.stat_result | None:
    try:
        found = os.stat(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    mine = found.st_uid in (0, user())
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not mine and stat.S_ISFIFO(found.st_mode):
        raise _Refused(errno.EPERM, f"it is a pipe of another user (uid {found.st_uid})")
    if not mine and os.fstat(folder).st_mode & _SHARED == _SHARED:
        raise _Refused(errno.EPERM, f"it belongs to another user (uid {found.st_uid}): name another file")
    return found


def drop_unfinished() -> None:
    """Remove the files that other threads are still writing, and let them start no other: only when the program ends."""
    _lock.acquire(timeout=0.1)
    for unfinished in list(_unfinished):
        _drop(unfinished)


def _drop(unfinished: tuple[int, str]) -> None:
    try:
        os.unlink(unfinished[1], dir_fd=unfinished[0])
    except OSError:
        pass


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


class NotText(BadInput):
    """A file that should be text contains zero bytes."""


def open_input(path: str) -> BinaryIO:
    """Open a regular file to read, or a pipe that the shell passed as /dev/fd/N. Raises OSError, at once for a FIFO, a device
    or a socket, which could be endless or block, and for an impossible name."""
    if "\0" in path:
        raise OSError(errno.EINVAL, "no file can have this name")
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | O_NONBLOCK | O_CLOEXEC))  # noqa: SIM115
    mode = os.fstat(file.fileno()).st_mode
    handed = path.startswith(("/dev/fd/", "/proc/self/fd/")) and stat.S_ISFIFO(mode)
    if not (stat.S_ISREG(mode) or handed):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file")
    set_blocking(file.fileno())
    return file


def read_file(path: str, largest: int, option: str = "") -> bytes:
    """The bytes of a text file, or of standard input for `-`. Raises BadInput, with the option that named it, for a file that
    cannot be read or has more than `largest` bytes; NotText at the first zero byte, so that /dev/zero is not read to the
    limit."""
    named = f"{option}: {path} " if option else f"{path}: "
    try:
        if path == "-":
            data = _bounded(sys.stdin.buffer, largest)
        else:
            with open_input(path) as file:
                data = _bounded(file, largest)
    except OSError as error:
        raise BadInput(f"{named}cannot be read: {error.strerror or error}") from None
    text = as_utf8(data)
    if b"\0" in text[-PIECE:]:
        raise NotText(f"{named}is not a text file")
    if len(data) > largest:
        raise BadInput(f"{named}{'is ' if option else ''}larger than {largest >> 20} MiB")
    return text


def as_utf8(data: bytes | bytearray) -> bytes:
    """Text as UTF-8 without a byte order mark: `>` in Windows PowerShell 5.1 writes UTF-16 with one, editors there UTF-8
    with one (learn.microsoft.com, about_Character_Encoding). What is no whole UTF-16 stays as it is."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("utf-16").encode("utf-8")
    return bytes(data.removeprefix(codecs.BOM_UTF8))


def _bounded(file: BinaryIO, largest: int) -> bytearray:
    """Read at most one byte more than the limit, and stop at the first piece that is not text."""
    data = bytearray()
    while piece := file.read(min(PIECE, largest + 1 - len(data))):
        data += piece
        if b"\0" in piece and bytes(data[:2]) not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            break
    return data
