"""SSH connections: asyncssh on one event loop in one daemon thread, behind a face without asyncio.

The only file that knows asyncio. Everything here may be called from any thread and blocks for at most its timeout.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import logging
import socket
import threading
import time
import warnings
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncssh
from asyncssh.logging import SSHLogger
from asyncssh.packet import SSHPacketLogger

from anywhere.errors import HostUnreachable
from anywhere.frozen import frozen
from anywhere.hosts.base import NotPermitted
from anywhere.hosts.probe.tcp import Dialled
from anywhere.hosts.ssh.channels.meter import Meter
from anywhere.hosts.ssh.channels.session import Pace, Session, Sink
from anywhere.hosts.ssh.channels.tries import Tries

T = TypeVar("T")
COMMANDS_AT_ONCE = 8  # sshd allows ten sessions on a connection (MaxSessions); two are left to others
LARGEST_OUTPUT = 64 * 1024 * 1024  # bytes of one command's output: more is a runaway
GRACE = 2.0  # seconds past a timeout in which the loop itself has to answer
BARE: dict[str, Any] = {"request_pty": False, "x11_forwarding": False}  # whatever ssh_config wants for a person
PATIENT, RETRY = 20, 0.05  # attempts at the only session, and the seconds between them

# asyncssh asserts that a connection is open when one of its channels is opened, and it may just have ended.
LIBRARY = (asyncssh.Error, OSError, AssertionError)

logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
# Python prints them on standard error for each old host; what a host offers is not for this program to fix.
warnings.filterwarnings("ignore", module=r"asyncssh\b")
# Even so it writes its lines before it looks whether anyone reads them.
for kind, name in ((SSHPacketLogger, "log_sent_packet"), (SSHPacketLogger, "log_received_packet"), (SSHLogger, "log")):
    setattr(kind, name, lambda *_, **__: None)


class _Loop:
    """The event loop in its thread, started at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # What fails after its time was over has nobody who asks for it; asyncio would print it.
                self._loop.set_exception_handler(lambda *_: None)
                threading.Thread(target=self._loop.run_forever, name="ssh", daemon=True).start()
            return self._loop

    def start(self, work: Coroutine[object, object, T]) -> concurrent.futures.Future[T]:
        """Begin a coroutine; nobody waits."""
        return asyncio.run_coroutine_threadsafe(work, self.get())

    def call(self, work: Coroutine[object, object, T], timeout: float) -> T:
        """The result of a coroutine. TimeoutError after `timeout` seconds, also when the loop itself is stuck."""
        future = self.start(asyncio.wait_for(work, timeout))
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


@frozen
class Ran:
    """What a command on the far side did; `rc` is None when it was cut off. `first_at` is the local clock (epoch
    seconds) at its first output, 0 without any; `is_full` is whether it was cut off because it wrote too much."""

    rc: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    first_at: float = 0.0
    is_full: bool = False


class Connection:
    """One authenticated connection."""

    def __init__(
        self, inner: asyncssh.SSHClientConnection, name: str, meter: Meter | None = None, by_hand: str = ""
    ) -> None:
        self.inner = inner
        self.name = name
        self.by_hand = by_hand or f"ssh {name}"  # the same login, for a person
        self.meter = meter
        self._sessions = asyncio.Semaphore(COMMANDS_AT_ONCE)
        self._running = 0
        self._closing = False
        self._wanted: tuple[str, int] | None = None
        self._spare: dict[str, tuple[Session, asyncio.Task[Any]]] = {}

    @property
    def lost(self) -> bool:
        """Whether the far side, or the network, ended the connection."""
        return not self._closing and self.inner.is_closed()

    def check(self) -> None:
        """Raises HostUnreachable when the connection is gone."""
        if self.inner.is_closed():
            raise self._gone()

    def _ask(self) -> None:
        """Before something more is asked of the host. Raises HostUnreachable when the connection is gone."""
        self.check()
        if self.meter:
            self.meter.ask()

    def _gone(self) -> HostUnreachable:
        if self.meter and self.meter.exceeded:
            advice = "Find out what the host prints (its login scripts, its logs), or leave the host out."
            return HostUnreachable(f"{self.name}: the connection was dropped: {self.meter.exceeded}", remedy=advice)
        advice = "Read the log of sshd on the host, repair the link, and run again."
        return HostUnreachable(f"{self.name}: the connection was lost", remedy=advice, timed=True)

    def stand_by(self, command: str, largest: int) -> None:
        """Open a session for this command beside the next one, so that its input need not wait for that: it takes two
        round trips. Where sshd allows no further session it is opened when it is needed."""
        self._wanted = (command, largest)

    def execute(
        self,
        command: str,
        input: bytes = b"",
        timeout: float = 10.0,
        sink: Sink | None = None,
        pace: Pace = Pace(),  # noqa: B008  # without a state
        largest: int = 0,
        is_last: bool = True,
    ) -> Ran:
        """Run a command line in the user's login shell; `sink` gets both streams piece by piece as they come, and its
        replies go to standard input where the `input` was not the last (`is_last`). After `timeout` seconds, when `pace`
        gives it up, or after `largest` bytes (0: LARGEST_OUTPUT): what came until then, and rc None."""
        self._ask()
        session, opened = self._spare.pop(command, None) or (self._session(largest or LARGEST_OUTPUT), None)
        started = time.monotonic()
        work = LOOP.start(self._execute(session, opened, command, input, is_last))
        work.add_done_callback(lambda _: session.over())
        try:
            session.follow(started + timeout, pace, sink)
            if not session.is_cut:
                work.result(GRACE)
        except TimeoutError:
            session.cut_off()
        except LIBRARY as error:
            self.check()
            said = f"{self.name}: login succeeded, but sshd gives no session: {error}"
            advice = "Check MaxSessions in the sshd_config of the host, and the options of the key in authorized_keys"
            raise HostUnreachable(said, remedy=f"{advice}: `{self.by_hand} true` must work.") from error
        finally:
            work.cancel()
        if session.rc is None and not session.is_cut:
            raise self._gone()  # a channel that ends without an exit code is the first sign of it
        out, err = bytes(session.out), bytes(session.err)
        return Ran(session.rc, out, err, time.monotonic() - started, session.first_at, session.is_full)

    def _session(self, largest: int) -> Session:
        return Session(LOOP.get(), largest, self.meter.charge if self.meter else lambda _: None)

    async def _execute(
        self, session: Session, opened: asyncio.Task[Any] | None, command: str, input: bytes, is_last: bool
    ) -> None:
        async with self._sessions:
            if self._wanted:
                (spare, largest), self._wanted = self._wanted, None
                another = self._session(largest)
                # A task begins when this one waits: sshd is asked for the session that is needed now before it.
                self._spare[spare] = another, asyncio.ensure_future(self._open_spare(another, spare))
            channel = (opened and await opened) or await self._open_session(session, command)
            try:
                session.send(input, is_last)
                await session.done
            finally:
                self._running -= 1
                if not session.done.done():
                    channel.abort()

    async def _open_session(self, session: Session, command: str) -> Any:
        """Where sshd allows fewer sessions than we want (MaxSessions), wait until one of ours is over."""
        factory: Any = lambda: session  # noqa: E731
        alone = 0
        while True:
            self._running += 1
            try:
                return (await self.inner.create_session(factory, command, encoding=None, **BARE))[0]
            except BaseException as error:
                self._running -= 1
                alone = 0 if self._running else alone + 1
                # sshd counts a session for a moment longer than we do, so once alone is not yet refused.
                if not isinstance(error, asyncssh.ChannelOpenError) or alone > PATIENT:
                    raise
            await asyncio.sleep(RETRY)

    async def _open_spare(self, session: Session, command: str) -> Any:
        """The channel; None where there is none to be had, and who needs it asks again."""
        factory: Any = lambda: session  # noqa: E731
        try:
            channel = (await self.inner.create_session(factory, command, encoding=None, **BARE))[0]
        except LIBRARY:
            return None
        self._running += 1
        return channel

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        """A connected socket whose far end is opened by the host's sshd (direct-tcpip).

        Raises OSError as connect does: refused, unreachable, timed out; NotPermitted where sshd forbids forwarding.
        """
        self._ask()
        tries = Tries(LOOP.get(), self.inner, address, port)
        try:
            chosen = tries.first(timeout)
        except asyncssh.ChannelOpenError as error:
            self.check()
            raise dial_error(error.code, error.reason) from error
        except TimeoutError:
            self.check()
            raise
        except LIBRARY as error:
            raise HostUnreachable(f"{self.name}: the connection was lost: {error}", timed=True) from error
        else:
            near = Dialled(fileno=chosen.near.detach())
            near.lost, near.far = len(tries.pumps) - 1, True
            near.settimeout(timeout)
            return near
        finally:
            tries.over()

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
