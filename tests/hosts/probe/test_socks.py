"""SOCKS5 as a client, against a far end that says what a test wants."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.hosts.probe.socks import Refused, ask
from anywhere.model import Reason

OPEN = b"\x05\x00\x00\x01\x0a\x00\x00\x01\x01\xbb"


def spoken(url: str, *answers: bytes) -> bytes:
    """What the client sends to a far end that gives these answers, one after each message."""
    near, far = socket.socketpair()
    heard = bytearray()

    def play() -> None:
        for answer in answers:
            heard.extend(far.recv(600))
            far.sendall(answer)
        far.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        with near:
            ask(near, "ecs.example.com", 443, ProxyUrl.parse(url), time.monotonic() + 2)
    finally:
        thread.join(2)
        far.close()
    return bytes(heard)


def test_a_tunnel_by_name() -> None:
    heard = spoken("socks5://10.0.0.1", b"\x05\x00", OPEN)
    assert heard == b"\x05\x01\x00" + b"\x05\x01\x00\x03\x0fecs.example.com\x01\xbb"


def test_user_and_password() -> None:
    heard = spoken("socks5://edge:p%40ss@10.0.0.1", b"\x05\x02", b"\x01\x00", OPEN)
    assert b"\x01\x04edge\x04p@ss" in heard


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((b"\x05\xff",), Reason.PROXY_AUTH_REQUIRED),
        ((b"\x05\x02", b"\x01\x01"), Reason.PROXY_AUTH_REQUIRED),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), Reason.PROXY_ERROR),
        ((b"\x05\x00", b"\x05\x02\x00\x01"), Reason.PROXY_DENIED),
        ((b"\x05\x00", b"\x05\x05\x00\x01"), Reason.PROXY_ERROR),
        ((b"\x05",), Reason.PROXY_ERROR),
    ],
)
def test_refusals(answers: tuple[bytes, ...], reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        spoken("socks5://edge:secret@10.0.0.1", *answers)
    assert caught.value.reason is reason
    assert "secret" not in caught.value.detail
