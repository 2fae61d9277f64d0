"""One run at a time on a host, local or over SSH, with no lock that outlives its holder.

The lock names the process that holds it on that host: the tool itself, or the SSH daemon's process of the connection.
When that process is gone, killed or cut off, the lock is free again: at once, or when the command that it left behind
has ended. Every command of a run keeps the file locked, and none begins once another run has the lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from anywhere.changes.base import ChangeFailed, HostBusy
from anywhere.changes.script import own_script
from anywhere.hosts.base import Host

LOCK = "/run/anywhere.lock"
_PATIENCE = 250.0  # seconds: a command that outlived its run is waited for
_WRONG = re.compile(r"incorrect|try again|[Aa]uthentication failure")
_HELD = (3, 5)
_NOT_WRITABLE = (2, 4)


@contextmanager
def locked(host: Host, name: str) -> Iterator[str]:
    """Hold the host's lock; the value is the token of this run, for `under`. Raises HostBusy when another run has it,
    ChangeFailed when it cannot be taken."""
    done = host.run(own_script("lock", "take", LOCK, name), timeout=_PATIENCE)
    said = done.stdout.strip()
    if done.rc in _HELD:
        raise HostBusy(f"another run is changing {host.name}: {said}; wait for it, or end it")
    if not done.ok or not said:
        why = _no_rights(host) if done.rc in _NOT_WRITABLE else done.stderr.strip() or f"rc {done.rc}"
        raise ChangeFailed(f"the lock {LOCK} on {host.name} cannot be taken: {why}")
    try:
        yield said
    finally:
        host.run(own_script("lock", "release", LOCK, said), timeout=20)


def _no_rights(host: Host) -> str:
    """Why commands have not root's rights there: over SSH sudo may want a password, or another one."""
    refused = host.inventory().refused
    if not refused:
        return "it must run as root"
    if _WRONG.search(refused):
        return (
            f"sudo on that host refused the password ({refused}): run it again with --ask-become-pass and the right one"
        )
    if "password" in refused:
        return f"sudo on that host asks for a password ({refused}): run it again with --ask-become-pass"
    return f"it must run as root, and sudo on that host refuses: {refused}"


def under(token: str, argv: Sequence[str]) -> tuple[str, ...]:
    """The argv of a command of the run that has this token."""
    return own_script("hold", LOCK, token, *argv)
