"""A connection that the host's sshd is to open, tried again beside the first try, so that one lost packet costs little."""

from __future__ import annotations

import asyncio

import asyncssh

from anywhere.hosts.ssh.channels.pump import Pump
from anywhere.threads import Latch

AGAIN = (0.7, 0.6)  # seconds after which another try is made beside those that are not answered


class Tries:
    """The tries of one connection. The first that is answered counts, by a connection or by a refusal. A lost packet costs
    the kernel over there a second."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connection: asyncssh.SSHClientConnection, address: str, port: int
    ) -> None:
        self.pumps: list[Pump] = []
        self._loop, self._connection, self._address, self._port = loop, connection, address, port
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._chosen: Pump | None = None
        self._error: BaseException | None = None
        self._answered, self._is_over = Latch(), False

    def first(self, seconds: float) -> Pump:
        """The first connection, from any thread. Raises what refused it; TimeoutError."""
        self._loop.call_soon_threadsafe(self._begin)
        if not self._answered.wait(seconds):
            raise TimeoutError(f"no answer within {seconds:.1f} s")
        if self._chosen is None:
            raise self._error or TimeoutError("cancelled")
        return self._chosen

    def over(self) -> None:
        """No further try. Those under way close by themselves, because their near ends do."""
        self._is_over = True
        for pump in list(self.pumps):
            pump.near.close()

    # --- in the loop's thread -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._is_over or self._answered.is_open:
            return
        try:
            self.pumps.append(Pump(self._loop))
        except OSError as error:  # no more of our own files: if another try is out, that one counts
            if not self.pumps:
                self._settle(None, error)
            return
        if self._is_over:
            self.pumps[-1].near.close()
        task = self._loop.create_task(self._open(self.pumps[-1]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if len(self.pumps) <= len(AGAIN):
            self._timer = self._loop.call_later(AGAIN[len(self.pumps) - 1], self._begin)

    async def _open(self, pump: Pump) -> None:
        try:
            await self._connection.create_connection(lambda: pump, self._address, self._port)  # type: ignore[arg-type, return-value]  # asyncssh wants its own session type
        except BaseException as error:
            pump.close()
            self._settle(None, error)
        else:
            self._settle(pump, None)

    def _settle(self, pump: Pump | None, error: BaseException | None) -> None:
        if not self._answered.is_open:
            self._chosen = pump
            self._error = None if isinstance(error, asyncio.CancelledError) else error
            self._answered.open()
        if self._timer:
            self._timer.cancel()
