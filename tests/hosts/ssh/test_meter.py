"""A connection that takes more than its share is paused, and dropped in the end."""

from __future__ import annotations

import asyncio
import time

import pytest

from anywhere.hosts.ssh.channels import meter
from anywhere.hosts.ssh.channels.meter import Meter


class Transport:
    """Counts pauses."""

    max_size = 262144

    def __init__(self) -> None:
        self.paused = self.resumed = 0

    def pause_reading(self) -> None:
        self.paused += 1

    def resume_reading(self) -> None:
        self.resumed += 1


class Connection:
    """Takes so many seconds of a processor for each piece."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._transport = Transport()
        self.seconds, self.got, self.aborted = seconds, 0, 0

    def data_received(self, data: bytes, _kind: int | None = None) -> None:
        self.got += len(data)
        end = time.thread_time() + self.seconds
        while time.thread_time() < end:
            pass

    def abort(self) -> None:
        self.aborted += 1


def test_what_a_plain_host_says_is_not_paused() -> None:
    async def work() -> None:
        connection = Connection()
        counted = Meter(connection)
        for _ in range(50):
            connection.data_received(b"x" * 2000)
        assert (connection.got, counted.bytes, connection._transport.paused) == (100_000, 100_000, 0)
        assert connection._transport.max_size == meter.PIECE

    asyncio.run(work())


def test_a_flood_is_paused_and_goes_on() -> None:
    async def work() -> None:
        connection = Connection(1.5 * meter.AT_ONCE)
        Meter(connection)
        connection.data_received(b"x")
        assert connection._transport.paused > 0
        await asyncio.sleep(meter.LONGEST_PAUSE + 0.2)
        assert connection._transport.resumed == connection._transport.paused

    asyncio.run(work())


def test_time_that_another_thread_spends_counts() -> None:
    async def work() -> None:
        connection = Connection()
        counted = Meter(connection)
        counted.charge(0.5)
        connection.data_received(b"x")
        assert connection._transport.paused == 1
        counted.charge(meter.MOST_SECONDS)
        connection.data_received(b"x")
        assert (connection.aborted, "processor" in counted.exceeded) == (1, True)

    asyncio.run(work())


def test_too_many_bytes_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "MOST_BYTES", 1 << 20)

    async def work() -> None:
        connection = Connection()
        counted = Meter(connection)
        for _ in range(20):
            connection.data_received(b"x" * 100_000)
        assert (connection.aborted, counted.exceeded) == (1, "it sent more than 1 MiB")
        assert connection.got < 1_200_000

    asyncio.run(work())


def test_whoever_is_asked_more_may_answer_more() -> None:
    """A registration asks hundreds of times on one connection; what nobody asked for is counted as before."""

    async def work() -> None:
        connection = Connection()
        counted = Meter(connection)
        for _ in range(40):
            counted.ask()
        counted.charge(meter.MOST_SECONDS + 1.0)
        connection.data_received(b"x")
        assert counted.exceeded == ""
        counted.charge(40 * meter.MORE_SECONDS)
        connection.data_received(b"x")
        assert (connection.aborted, "processor" in counted.exceeded) == (1, True)

    asyncio.run(work())
