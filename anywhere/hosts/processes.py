"""Child processes that end: in their time, within their limit, and with this program, all their children included."""

from __future__ import annotations

import os
import secrets
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from anywhere.hosts.bounds import ERRORS_KEPT, OUTPUT, Limit
from anywhere.hosts.offspring import MARK, end_offspring

SMALL = 256 * 1024  # bytes: of what gives more only one is taken in at a time, while the others wait on their pipes
AFTER_KILL = 0.1  # seconds: a process that hangs in the kernel (a dead NFS server) cannot be killed, nor waited for
PIECE = 65536  # bytes, as much as a pipe holds

_running: dict[subprocess.Popen[bytes], str] = {}
_lock = threading.RLock()
_large, _killing = threading.Lock(), threading.Lock()
_doomed: dict[subprocess.Popen[bytes], str] = {}
_run, _number = secrets.token_hex(8), count()


@dataclass(slots=True)
class Ran:
    """What a command did. `code` is None when it was cut off: after its time, or where `cut` says so, at its limit."""

    code: int | None = None
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    cut: str = ""


def run(argv: Sequence[str], input: bytes, seconds: float, env: Mapping[str, str], limit: Limit = OUTPUT) -> Ran:
    """Run a command for at most so many seconds, and until its output meets the limit.

    Raises OSError where it cannot be started. The command leads a session of its own; what descends from it ends with it
    when it is cut off, also what has left that session.
    """
    end = time.monotonic() + seconds
    with _started(argv, env) as process:
        ran = Ran()
        try:
            _exchange(process, input, end, limit, ran)
            ran.code = process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill(process)
            del ran.out[SMALL:]
        ran.cut = ran.cut or limit.met_by(ran.out)
        if ran.cut:
            ran.code, ran.out = None, bytearray()
        return ran


def end_all() -> None:
    """Kill every command that still runs and let no other start: only for the end of the program."""
    _lock.acquire(timeout=AFTER_KILL)
    _kill(*_running)


def _exchange(process: subprocess.Popen[bytes], input: bytes, end: float, limit: Limit, ran: Ran) -> None:
    """Feed the input and take the output until all is said. TimeoutExpired at the end of the time; at the limit `cut`
    is set and the command killed."""
    rest = memoryview(input)
    err_seen, is_large = 0, False
    with selectors.DefaultSelector() as waiting, ExitStack() as held:
        _watch(waiting, process, bool(input))
        while waiting.get_map():
            left = end - time.monotonic()
            if left <= 0 or (not is_large and len(ran.out) > SMALL and not _large.acquire(timeout=left)):
                raise subprocess.TimeoutExpired(process.args, left)
            if not is_large and len(ran.out) > SMALL:
                is_large = True
                held.callback(_large.release)
            for key, _ in waiting.select(end - time.monotonic()):
                if key.fileobj is process.stdin:
                    rest = _write(waiting, process, rest)
                    continue
                piece = os.read(key.fd, PIECE)
                if not piece:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    ran.out += piece
                else:
                    err_seen += len(piece)
                    ran.err += piece[: ERRORS_KEPT - len(ran.err)]
                if max(len(ran.out), err_seen) > limit.size:
                    ran.cut = limit.met
                    _kill(process)
                    return


def _watch(waiting: selectors.BaseSelector, process: subprocess.Popen[bytes], has_input: bool) -> None:
    assert process.stdin and process.stdout and process.stderr
    for stream in (process.stdout, process.stderr):
        os.set_blocking(stream.fileno(), False)
        waiting.register(stream, selectors.EVENT_READ)
    if has_input:
        os.set_blocking(process.stdin.fileno(), False)
        waiting.register(process.stdin, selectors.EVENT_WRITE)
    else:
        process.stdin.close()


def _write(waiting: selectors.BaseSelector, process: subprocess.Popen[bytes], rest: memoryview) -> memoryview:
    assert process.stdin
    try:
        rest = rest[os.write(process.stdin.fileno(), rest[:PIECE]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:  # a quick command is over before it could read
        rest = rest[:0]
    if not rest:
        waiting.unregister(process.stdin)
        process.stdin.close()
    return rest


@contextmanager
def _started(argv: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    mark = f"{_run}-{next(_number)}"
    with _lock:
        process = subprocess.Popen(
            list(argv),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**env, MARK: mark},
            cwd="/",  # what lies in the caller's folder is another user's word
            start_new_session=True,
        )
        _running[process] = f"{MARK}={mark}"
    try:
        yield process
    except BaseException:
        _kill(process)
        raise
    finally:
        process.poll()
        with _lock:
            _running.pop(process, None)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


def _kill(*processes: subprocess.Popen[bytes]) -> None:
    """All that descends from them, found while the families still stand together, then their groups. Before a leader is
    reaped its number belongs to nobody else. Whoever comes while others are being killed is killed with the next."""
    mine = {process: _running.get(process, f"{MARK}=") for process in processes if process.returncode is None}
    _doomed.update(mine)
    with _killing:
        batch = dict(_doomed)
        if not mine.keys().isdisjoint(batch):
            end_offspring({process.pid: mark for process, mark in batch.items()})
            for process in batch:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                _doomed.pop(process, None)
    for process in mine:
        with suppress(subprocess.TimeoutExpired):
            process.wait(AFTER_KILL)
