"""The few system calls that Python 3.11 lacks: namespaces, mounts, death with the parent."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV = 2, 4
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave these namespaces for new ones."""
    _check(_libc.unshare(flags), "unshare")


def enter(path: str, kind: int = CLONE_NEWNET) -> None:
    """Move this thread into the namespace that the file stands for."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(handle, kind), f"setns {path}")
    finally:
        os.close(handle)


@contextmanager
def inside(path: str) -> Iterator[None]:
    """This thread is in another network namespace for a while: sockets made there stay there."""
    home = f"/proc/self/task/{_libc.gettid()}/ns/net"
    back = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
    enter(path)
    try:
        yield
    finally:
        _check(_libc.setns(back, CLONE_NEWNET), "setns back")
        os.close(back)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    arguments = (source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)
    _check(_libc.mount(*arguments[:3], ctypes.c_ulong(flags), arguments[4]), f"mount {target}")


def unmount(target: str) -> None:
    """Detach a mount."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def pivot(root: str) -> None:
    """Make `root` (a mount point) the root, and let go of the old one."""
    os.chdir(root)
    _check(_libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    unmount(".")
    os.chdir("/")


def die_with_parent() -> None:
    """Be killed when the parent thread ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def set_name(name: str) -> None:
    """What `ps` calls this process."""
    _libc.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)
