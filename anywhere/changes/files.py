"""Files as steps: written whole or not at all, put back byte for byte with mode and owner."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable

from anywhere.changes.base import ChangeFailed, Command, NeedsRoot, PutBack, Step
from anywhere.changes.merging import bytes_of, without
from anywhere.changes.script import own_script
from anywhere.hosts.base import Host


def write(path: str, content: bytes, mode: str = "0644", owner: str = "0:0", *, secret: bool = False) -> Command:
    """Write a file atomically, with its folders. `mode` is octal, `owner` is `uid:gid`."""
    uid, _, gid = owner.partition(":")
    shown = ("install", "-D", "-m", mode, *(() if owner == "0:0" else ("-o", uid, "-g", gid)), "/dev/stdin", path)
    return Command(own_script("write", path, mode, owner, str(len(content))), content, secret, shown=shown)


def remove(path: str, folders: tuple[str, ...] = ()) -> Command:
    """Remove a file, and those of the folders that are empty then."""
    return Command(own_script("remove", path, *folders), shown=("rm", "-f", path))


def file_step(
    host: Host,
    path: str,
    content: bytes,
    title: str,
    *,
    mode: str = "0644",
    secret: bool = False,
    lines: tuple[tuple[str, str | None], ...] = (),
) -> tuple[Step, ...]:
    """The step that makes a file hold exactly this; none when it does. The owner of an existing file stays, and so
    does its mode unless the new content is `secret` and others may read it. Raises ChangeFailed when the present file
    cannot be read: what cannot be put back is not touched."""
    try:
        old: bytes | None = host.read(path)
    except (FileNotFoundError, NotADirectoryError):
        old = None
    except PermissionError as error:
        raise NeedsRoot(f"{path} cannot be read: {error.strerror}: run as root") from None
    except OSError as error:
        raise ChangeFailed(f"{path} cannot be read: {error.strerror}") from None
    had, owner = _mode(host, path) if old is not None else (mode, "0:0")
    want = mode if old is None or (secret and int(had, 8) & 0o077) else had
    if old == content and want == had:
        return ()
    made = () if old is not None else _missing_folders(host, path)
    digest = hashlib.sha256(content).hexdigest()
    back = PutBack(path, old, digest, had, owner, made, lines)
    return (Step(f"file:{path}", title, write(path, content, want, owner, secret=secret), (back,), _parent(path)),)


def present(host: Host, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of these files that are there."""
    found = []
    for path in paths:
        try:
            host.read(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass
        found.append(path)
    return tuple(found)


def put_back(host: Host, undo: PutBack) -> Command:
    """The command that puts a file back, from what is there now. Where it is as it was, only what a dead run left goes.

    Raises ChangeFailed when someone else has changed the file since and no line of it is ours."""
    try:
        now: bytes | None = host.read(undo.path)
    except (FileNotFoundError, NotADirectoryError):
        now = None
    except OSError as error:
        raise ChangeFailed(f"{undo.path}: {error.strerror}") from None
    if now is None and undo.content is None:
        return remove(undo.path, undo.folders)
    if now == undo.content and _mode(host, undo.path) == (undo.mode, undo.owner):
        return Command(own_script("leftovers", undo.path), shown=("true",))
    ours = (undo.wrote, *undo.also)
    if now is None or now == undo.content or (not undo.mixed and hashlib.sha256(now).hexdigest() in ours):
        if undo.content is None:
            return remove(undo.path, undo.folders)
        return write(undo.path, undo.content, undo.mode, undo.owner, secret=True)
    if not undo.lines:
        when = "between two of our writes" if undo.mixed else "since"
        raise ChangeFailed(
            f"{undo.path} was changed by someone else {when}: left as it is; remove {undo.path} or undo that edit, "
            "then run the same command again"
        )
    mode, owner = _mode(host, undo.path)
    left = bytes_of(without(now.decode("utf-8", "surrogateescape"), dict(undo.lines)))
    return write(undo.path, left, mode, owner, secret=True)


def _mode(host: Host, path: str) -> tuple[str, str]:
    found = host.run(("stat", "-L", "-c", "%a %u:%g", path)).stdout.split()
    return (found[0].zfill(4), found[1]) if len(found) == 2 else ("0644", "0:0")


def _parent(path: str) -> str:
    return posixpath.dirname(path) or "/"


def _missing_folders(host: Host, path: str) -> tuple[str, ...]:
    missing = []
    folder = _parent(path)
    while folder != "/":
        try:
            host.listdir(folder)
            break
        except FileNotFoundError:
            missing.append(folder)
        except OSError:
            break
        folder = _parent(folder)
    return tuple(missing)
