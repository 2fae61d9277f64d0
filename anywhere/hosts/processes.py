"""Child processes that end: in their time, and with this program."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

AFTER_KILL = 0.1  # seconds: a process that hangs in the kernel (a dead NFS server) cannot be killed, nor waited for

_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.RLock()


def run(argv: Sequence[str], input: bytes, seconds: float, env: Mapping[str, str]) -> tuple[int | None, bytes, bytes]:
    """Exit code, standard output and error; the code is None for a command that was cut off after `seconds`.

    Raises OSError where it cannot be started. The command leads a session of its own, so that its children end with it.
    """
    with _started(argv, env) as process:
        try:
            out, err = process.communicate(input, timeout=seconds)
            return process.returncode, out, err
        except subprocess.TimeoutExpired as error:
            _kill(process)
            try:
                out, err = process.communicate(timeout=AFTER_KILL)
            except subprocess.TimeoutExpired as late:
                out, err = late.stdout or error.stdout or b"", b""
            return None, out, err


def end_all() -> None:
    """Kill every command that still runs and let no other start: only for the end of the program."""
    _lock.acquire(timeout=AFTER_KILL)
    for process in list(_running):
        _kill(process)


@contextmanager
def _started(argv: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    with _lock:
        process = subprocess.Popen(list(argv), stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True)
        _running.add(process)
    try:
        yield process
    except BaseException:
        _kill(process)
        raise
    finally:
        with _lock:
            _running.discard(process)
        process.poll()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The whole session; before it is reaped its number belongs to nobody else."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
