"""SSH connections: asyncssh on one event loop in one daemon thread, behind a face without asyncio.

The only file that knows asyncio. Everything here may be called from any thread and blocks for at most its timeout.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncssh

from anywhere.errors import HostUnreachable
from anywhere.hosts.probe.tcp import Dialled

T = TypeVar("T")
COMMANDS_AT_ONCE = 8  # sshd allows ten sessions on a connection (MaxSessions); two are left to others
LARGEST_OUTPUT = 64 * 1024 * 1024  # bytes of one command's output: more is a runaway
GRACE = 2.0  # seconds past a timeout in which the loop itself has to answer
CHUNK = 65536
Sink = Callable[[bytes, bool], None]
"""Takes a piece of output, and whether it is of standard error."""
SOON = 0.7
AGAIN = (SOON, 0.6)  # seconds after which another connection is tried beside those that are not answered
PATIENT, RETRY = 20, 0.05  # attempts at the only session, and the seconds between them

logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


class NotPermitted(OSError):
    """This view from the host is not to be had: `connect_reason` makes it the reason `not-permitted`."""

    not_permitted = True


class _Loop:
    """The event loop in its thread, started at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="ssh", daemon=True).start()
            return self._loop

    def call(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """The result of a coroutine. TimeoutError after `timeout` seconds, also when the loop itself is stuck."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, timeout), self.get())
        try:
            return future.result(timeout + GRACE)
        except concurrent.futures.CancelledError as error:
            raise TimeoutError("cancelled") from error
        except (TimeoutError, concurrent.futures.TimeoutError) as error:
            future.cancel()
            raise TimeoutError(f"no answer within {timeout:.1f} s") from error
        except BaseException:
            future.cancel()
            raise


LOOP = _Loop()


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command on the far side did; `rc` is None when it was cut off. `first_at` is the local clock (epoch
    seconds) at its first output, 0 without any."""

    rc: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    first_at: float = 0.0


class Connection:
    """One authenticated connection."""

    def __init__(self, inner: asyncssh.SSHClientConnection, name: str) -> None:
        self.inner = inner
        self.name = name
        self._sessions = asyncio.Semaphore(COMMANDS_AT_ONCE)
        self._running = 0
        self._closing = False

    @property
    def lost(self) -> bool:
        """Whether the far side, or the network, ended the connection."""
        return not self._closing and self.inner.is_closed()

    def check(self) -> None:
        """Raises HostUnreachable when the connection is gone."""
        if self.inner.is_closed():
            raise self._gone()

    def _gone(self) -> HostUnreachable:
        told = "see the host's own log of sshd, mend the link and run again"
        return HostUnreachable(f"{self.name}: the connection was lost", remedy=told)

    def execute(
        self,
        command: str,
        input: bytes = b"",
        timeout: float = 10.0,
        sink: Sink | None = None,
        quiet: float = float("inf"),
        largest: int = 0,
    ) -> Ran:
        """Run a command line in the user's login shell; `sink` gets both streams piece by piece as they come, in
        the loop's thread. After `timeout` seconds, `quiet` seconds without a byte, or `largest` bytes (0:
        LARGEST_OUTPUT): what came until then, and rc None."""
        self.check()
        session = _Session(LOOP.get(), sink, largest or LARGEST_OUTPUT)
        started = time.monotonic()
        try:
            LOOP.call(self._execute(session, command, input, quiet), timeout)
        except TimeoutError:
            session.cut_off()
        except (asyncssh.Error, OSError) as error:
            self.check()
            raise HostUnreachable(f"{self.name}: no command can be run: {error}") from error
        if session.rc is None and not session.is_cut:
            raise self._gone()  # a channel that ends without an exit code is the first sign of it
        out, err = bytes(session.out), bytes(session.err)
        return Ran(session.rc, out, err, time.monotonic() - started, session.first_at)

    async def _execute(self, session: _Session, command: str, input: bytes, quiet: float) -> None:
        async with self._sessions:
            channel = await self._open_session(session, command)
            try:
                with contextlib.suppress(BrokenPipeError):  # a quick command is over before it could read
                    channel.write(input)
                    channel.write_eof()
                await session.finish(quiet)
            finally:
                self._running -= 1

    async def _open_session(self, session: _Session, command: str) -> Any:
        """Where sshd allows fewer sessions than we want (MaxSessions), wait until one of ours is over."""
        factory: Any = lambda: session  # noqa: E731
        alone = 0
        while True:
            self._running += 1
            try:
                return (await self.inner.create_session(factory, command, encoding=None))[0]
            except BaseException as error:
                self._running -= 1
                alone = 0 if self._running else alone + 1
                # sshd counts a session for a moment longer than we do, so once alone is not yet refused.
                if not isinstance(error, asyncssh.ChannelOpenError) or alone > PATIENT:
                    raise
            await asyncio.sleep(RETRY)

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        """A connected socket whose far end is opened by the host's sshd (direct-tcpip).

        Raises OSError as connect does: refused, unreachable, timed out; NotPermitted where sshd forbids forwarding.
        """
        self.check()
        pumps: list[_Pump] = []
        try:
            chosen = LOOP.call(self._race(pumps, address, port), timeout)
        except asyncssh.ChannelOpenError as error:
            self.check()
            raise dial_error(error.code, error.reason) from error
        except TimeoutError:
            self.check()
            raise
        except (asyncssh.Error, OSError) as error:
            raise HostUnreachable(f"{self.name}: the connection was lost: {error}") from error
        else:
            near = Dialled(fileno=chosen.near.detach())
            near.lost, near.far = len(pumps) - 1, True
            near.settimeout(timeout)
            return near
        finally:
            for pump in pumps:
                pump.near.close()

    async def _race(self, pumps: list[_Pump], address: str, port: int) -> _Pump:
        """The first try that is answered, by a connection or a refusal. A lost packet costs the kernel over there a
        second: another try is made beside the first. The others close by themselves, because their near ends do."""
        tries: dict[asyncio.Future[None], _Pump] = {}
        for patience in (*AGAIN, None):
            pumps.append(_Pump(LOOP.get()))
            task = asyncio.ensure_future(self._dial(pumps[-1], address, port))
            task.add_done_callback(lambda task: task.cancelled() or task.exception())  # of the others nobody asks
            tries[task] = pumps[-1]
            done, _ = await asyncio.wait(tries, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if done:
                break
        first = done.pop()
        first.result()
        return tries[first]

    async def _dial(self, pump: _Pump, address: str, port: int) -> None:
        try:
            await self.inner.create_connection(lambda: pump, address, port)  # type: ignore[arg-type, return-value]
        except BaseException:
            pump.close()
            raise

    def close(self) -> None:
        """Close with all channels on it. Never raises, never waits."""
        self._closing = True
        LOOP.get().call_soon_threadsafe(self.inner.abort)


def dial_error(code: int, text: str) -> OSError:
    """What sshd's refusal of a channel means. The texts are strerror's and gai_strerror's (OpenSSH channels.c)."""
    if code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return NotPermitted(errno.EPERM, "sshd forbids forwarding (AllowTcpForwarding or PermitOpen)")
    known: dict[str, OSError] = {
        "Connection refused": ConnectionRefusedError(errno.ECONNREFUSED, "connection refused"),
        "No route to host": OSError(errno.EHOSTUNREACH, "no route to host"),
        "Network is unreachable": OSError(errno.ENETUNREACH, "network is unreachable"),
        "Permission denied": OSError(errno.EACCES, "permission denied"),
        "Operation not permitted": OSError(errno.EPERM, "operation not permitted"),
        "Connection timed out": TimeoutError("connection timed out"),
        "Connection reset by peer": ConnectionResetError(errno.ECONNRESET, "connection reset"),
        "Name or service not known": socket.gaierror(socket.EAI_NONAME, "name or service not known"),
        "No address associated with hostname": socket.gaierror(socket.EAI_NONAME, "no address for this name"),
        "Temporary failure in name resolution": socket.gaierror(socket.EAI_AGAIN, "temporary failure"),
    }
    return known.get(text, OSError(errno.EHOSTUNREACH, f"sshd could not connect: {text[:200] or 'no reason given'}"))


class _Session:
    """Collects what one command writes (a session in asyncssh's sense)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: Sink | None, largest: int) -> None:
        self.out, self.err = bytearray(), bytearray()
        self.rc: int | None = None
        self.first_at = 0.0
        self.is_cut = False  # by us: its time was over, or its output too long
        self.done: asyncio.Future[None] = loop.create_future()
        self._loop, self._sink, self._largest = loop, sink, largest
        self._channel: Any = None

    def connection_made(self, channel: Any) -> None:
        self._channel = channel

    def session_started(self) -> None:
        pass

    def data_received(self, data: bytes, kind: int | None) -> None:
        if self.is_cut:
            return
        self.first_at = self.first_at or time.time()
        into = self.err if kind else self.out
        into += data
        if len(into) > self._largest:
            self.is_cut = True
            self._channel.abort()
        elif self._sink:
            self._sink(data, bool(kind))

    def exit_status_received(self, status: int) -> None:
        self.rc = status

    def exit_signal_received(self, signal: str, _core: bool, _message: str, _language: str) -> None:
        self.rc = 128 + SIGNALS.get(signal, 0)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    async def finish(self, quiet: float) -> None:
        """Wait for the end. TimeoutError after `quiet` seconds without a byte."""
        seen = -1
        while not self.done.done():
            if seen == (seen := len(self.out) + len(self.err)):
                raise TimeoutError("nothing heard")
            await asyncio.wait((self.done,), timeout=None if quiet == float("inf") else quiet)

    def cut_off(self) -> None:
        """Give up on the command; the far side's own time limit ends it there."""
        self.rc, self.is_cut = None, True
        if self._channel is not None:
            self._loop.call_soon_threadsafe(self._channel.abort)


SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "SEGV": 11, "PIPE": 13, "ALRM": 14, "TERM": 15}


class _Pump:
    """Carries bytes between a channel and one end of a socket pair; the other end, `near`, is handed out."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.near, self._far = socket.socketpair()
        self._far.setblocking(False)
        self._number = self._far.fileno()  # the loop takes a number without looking at the socket's addresses
        self._loop = loop
        self._channel: Any = None
        self._waiting = bytearray()
        self._ended = False

    def connection_made(self, channel: Any) -> None:
        self._channel = channel

    def session_started(self) -> None:
        self.resume_writing()

    def data_received(self, data: bytes, _kind: int | None) -> None:
        if not self._waiting:
            try:
                data = data[self._far.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                self._channel.abort()
                return
        if data:
            if not self._waiting:
                self._channel.pause_reading()
                self._loop.add_writer(self._number, self._drain)
            self._waiting += data

    def _drain(self) -> None:
        try:
            del self._waiting[: self._far.send(self._waiting)]
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()
        if not self._waiting:
            self._loop.remove_writer(self._number)
            if self._ended:
                self._far.close()
            else:
                self._channel.resume_reading()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._loop.remove_reader(self._number)

    def resume_writing(self) -> None:
        if not self._ended:
            self._loop.add_reader(self._number, self._from_near)

    def _from_near(self) -> None:
        try:
            data = self._far.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._channel.write(data)
        else:
            self._loop.remove_reader(self._number)
            self._channel.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._ended = True
        self._loop.remove_reader(self._number)
        if not self._waiting:
            self._loop.remove_writer(self._number)
            self._far.close()

    def close(self) -> None:
        """Drop both ends when nothing was handed out."""
        self.near.close()
        self._loop.call_soon_threadsafe(self.connection_lost, None)
