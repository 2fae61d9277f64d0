"""HTTP answers as net/http reads them."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.hosts.probe.go.response import MOST_HEAD, Body, read_answer
from anywhere.hosts.probe.go.stream import Stream

OK = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def stream(data: bytes) -> Iterator[Stream]:
    """What the far end said before it closed."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(data)
        far.shutdown(socket.SHUT_WR)
        yield Stream(near, time.monotonic() + 5, MOST_HEAD)


def read(data: bytes, skip_early: bool = True) -> tuple[int, bytes]:
    with stream(data) as one:
        answer = read_answer(one, skip_early=skip_early)
        return answer.status, Body(one, answer).all()


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (OK, 400, b"{}"),
        (OK.replace(b"\r\n", b"\n"), 400, b"{}"),
        (OK.replace(b"HTTP/1.1", b"HTTP/2.0"), 400, b"{}"),
        (OK.replace(b" Bad Request", b""), 400, b"{}"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, 400, b"{}"),
        (OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n"), 400, b"{}"),
        (OK.replace(b"\r\n\r\n", b"\r\nX-A: b\r\n c\r\n\r\n"), 400, b"{}"),
        (b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n", 403, b"{}"),
        (b"HTTP/1.0 403 No\r\n\r\n{}", 403, b"{}"),
        (b"HTTP/1.1 204 None\r\nContent-Length: 9\r\n\r\n", 204, b""),
    ],
)
def test_taken(data: bytes, status: int, body: bytes) -> None:
    assert read(data) == (status, body)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\nTrailer: X, Content-Length\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"\r\n" + OK,
        b"SSH-2.0-x\r\n",
        OK.replace(b"400", b"40"),
        OK.replace(b"HTTP/1.1", b"HTTP/11"),
        OK.replace(b"Content-Length: 2", b"Content-Length: x2"),
        OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"),
        OK.replace(b"\r\n\r\n", b"\r\nno header\r\n\r\n"),
        OK.replace(b"\r\n\r\n", b"\r\nX-\x01: b\r\n\r\n"),
        OK.replace(b"Content-Length", b" Content-Length"),
        OK[:-1],
        b"HTTP/1.1 403 No\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read(data)


def test_a_channel_takes_the_first_answer() -> None:
    with stream(b"HTTP/1.1 100 Continue\r\n\r\n" + OK) as one:
        assert read_answer(one, skip_early=False).status == 100


def test_one_json_value_is_read_and_no_more() -> None:
    with stream(b'HTTP/1.1 400 Bad\r\nContent-Length: 80\r\n\r\n{"__type":"x"}') as one:
        assert Body(one, read_answer(one, skip_early=True)).value() == {b"__type": b'"x"'}


def test_a_zipped_body_is_unzipped() -> None:
    packed = gzip.compress(b"{}")
    head = b"HTTP/1.1 400 Bad\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    assert read(head + packed) == (400, b"{}")


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    try:
        read(b"HTTP/1.1 200 OK\r\n" + data)
    except ValueError:
        pass
