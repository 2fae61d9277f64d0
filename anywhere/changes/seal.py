"""What is on the disk of a journal, and whether it is what was written: kinds, owners, modes, digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from anywhere.changes.base import ChangeFailed, NeedsRoot
from anywhere.changes.script import own_script
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

STICKY = 0o1000  # in such a folder nobody can rename or remove what is root's
ABSENT = "absent"  # what the seal holds where there may be no journal


@frozen
class Stored:
    """`text` is the journal where it, or its copy, is what was written; `digest` that of the file that is there.
    `problems` are the reasons not to act on it. `trusted` is whether `text` is sealed and only root could have written
    it; `exists` whether the folder is there, which a run that was killed may have left;
    `files` are the regular files by path."""

    exists: bool = False
    text: bytes = b""
    digest: str = ABSENT
    problems: tuple[str, ...] = ()
    trusted: bool = True
    files: frozenset[str] = frozenset()


def look(host: Host, base: str) -> Stored:
    """Read and check a journal on a live host. Raises ChangeFailed where it may not be read."""
    found = _listed(host, base)
    if f"{base}.seal" not in found and f"{base}.cleared" in found:
        return Stored(exists=True)  # all was undone; only the removal was cut off
    owners = tuple(_owners(found, base))
    if not any(f"{base}.{name}" in found for name in ("seal", "undo", "journal")):
        return Stored(bool(found), problems=owners, trusted=not owners)
    # Only files are read: a pipe in the place of one would hold the run.
    files = frozenset(name for name, (kind, _, _) in found.items() if kind.startswith("regular"))
    journal, copy = _read(host, f"{base}.journal", files), _read(host, f"{base}.copy", files)
    sealed = (_read(host, f"{base}.seal", files) or b"").decode("ascii", "replace").split()
    digest = _digest(journal)
    if digest in sealed and (f"{base}.undo" in found or digest == ABSENT):
        return Stored(True, journal or b"", digest, owners, not owners, files)
    intact = copy is not None and _digest(copy) in sealed
    problems = (*owners, _why(base, frozenset(found), journal))
    return Stored(True, copy if intact and copy else b"", digest, problems, intact and not owners, files)


def _why(base: str, found: frozenset[str], journal: bytes | None) -> str:
    if f"{base}.seal" not in found:
        return f"{base}.seal is missing, which says what the journal must be"
    if journal is None:
        return f"{base}.journal is missing, though changes were recorded"
    if f"{base}.undo" not in found:
        return f"{base}.undo is missing, with the former content of files"
    if not journal.strip():
        return f"{base}.journal is damaged: it is empty, though changes were recorded"
    return f"{base}.journal is damaged: it is not what was written"


def _listed(host: Host, base: str) -> Mapping[str, tuple[str, str, int]]:
    """Kind, owner and mode of the folder and of every file of a journal, by name."""
    done = host.run(own_script("look", base))
    if not done.ok:
        raise ChangeFailed(f"{base}.journal: {done.stderr.strip() or f'rc {done.rc}'}")
    found = {}
    for line in done.stdout.splitlines():
        kind, uid, mode, name = line.split(":", 3)
        found[name] = (kind, uid, int(mode, 8))
    return found


def _owners(found: Mapping[str, tuple[str, str, int]], base: str) -> Iterator[str]:
    for name, (kind, uid, mode) in found.items():
        is_ours = name.startswith(f"{base}.")
        expected = "directory" if name == f"{base}.undo" or not is_ours else "regular"
        if not kind.startswith(expected):
            yield f"{name} is a {kind}, not a {expected}{' file' if expected == 'regular' else ''}"
        elif uid != "0":
            yield f"{name} belongs to user {uid}, not to root"
        elif mode & 0o077 if is_ours else mode & 0o022 and not mode & STICKY:
            yield f"{name} has mode {mode:04o}: others may {'write to' if mode & 0o022 else 'read'} it"


def _read(host: Host, path: str, files: frozenset[str]) -> bytes | None:
    if path not in files:
        return None
    try:
        return host.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise NeedsRoot(f"{path}: permission denied; run as root") from None
    except OSError as error:
        raise ChangeFailed(f"{path}: {error.strerror}") from None


def _digest(content: bytes | None) -> str:
    return ABSENT if content is None else hashlib.sha256(content).hexdigest()
