"""Why a handshake failed is read from the answer's own bytes, so that it is the same with every version of OpenSSL."""

from __future__ import annotations

import select
import socket
import ssl
import time

import pytest
import trustme

from anywhere.hosts.probe.flight import Refused, refusal_in, shake
from anywhere.model import Reason
from tests.support.loopback import HOST, Handler, Server, says


def alert(number: int) -> bytes:
    return bytes((21, 3, 3, 0, 2, 2, number))


# A ServerHello that answers with TLS 1.0 or 1.1, as far as the client reads it.
def hello(minor: int) -> bytes:
    body = bytes((3, minor)) + b"r" * 32 + b"\x00" + b"\xc0\x13" + b"\x00"
    message = bytes((2, 0, 0, len(body))) + body
    return bytes((22, 3, minor, 0, len(message))) + message


ANSWERS = {
    "handshake failure": (alert(40), Reason.TLS_VERSION, "alert handshake_failure"),
    "protocol version": (alert(70), Reason.TLS_VERSION, "alert protocol_version"),
    "insufficient security": (alert(71), Reason.TLS_VERSION, "alert insufficient_security"),
    "unrecognized name": (alert(112), Reason.TLS_RESET, "alert unrecognized_name"),
    "internal error": (alert(80), Reason.TLS_RESET, "alert internal_error"),
    "an alert of tomorrow": (alert(199), Reason.TLS_RESET, "alert number 199"),
    "TLS 1.0": (hello(1), Reason.TLS_VERSION, "nothing newer than TLS 1.0"),
    "TLS 1.1": (hello(2), Reason.TLS_VERSION, "nothing newer than TLS 1.1"),
    "a web server": (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.NOT_TLS, "'HTTP/1.1 400 Bad'"),
    "a mail server": (b"220 mail.example.com ESMTP\r\n", Reason.NOT_TLS, "'220 mail.example'"),
    "an SSH server": (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.NOT_TLS, "'SSH-2.0-OpenSSH_'"),
    "noise": (bytes(range(200, 240)), Reason.NOT_TLS, "'c8 c9 ca"),
}


def refused(
    handler: Handler, maximum: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED, *, first: bool = False
) -> Refused:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, maximum
    with Server(handler) as server, socket.create_connection(("127.0.0.1", server.port)) as sock:
        if first:
            select.select([sock], [], [], 10)
        tls = context.wrap_socket(sock, server_hostname=HOST, do_handshake_on_connect=False)
        with tls, pytest.raises(Refused) as caught:
            shake(tls, time.monotonic() + 10)
    return caught.value


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_the_answer_says_why(name: str, newest: ssl.TLSVersion) -> None:
    data, reason, words = ANSWERS[name]
    error = refused(says(data), newest)
    assert error.reason is reason and words in error.detail, error.detail


@pytest.mark.parametrize("name", ["a web server", "a mail server", "an SSH server"])
def test_a_server_that_speaks_first_is_heard(name: str) -> None:
    data, reason, words = ANSWERS[name]

    def handler(sock: socket.socket) -> None:
        sock.sendall(data)
        sock.recv(65536)

    error = refused(handler, first=True)
    assert error.reason is reason and words in error.detail, error.detail


def test_a_real_server_without_a_common_suite() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(HOST).configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-CHACHA20-POLY1305")  # the certificate is an ECDSA one

    def handler(sock: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(sock, server_side=True)

    error = refused(handler)
    assert (error.reason, error.detail) == (Reason.TLS_VERSION, "the server sent the TLS alert handshake_failure")


@pytest.mark.parametrize(
    "data",
    [b"", b"\x16", alert(40)[:6], b"\x16\x03\x03\x00\x40\x02\x00\x00\x3c\x03\x03", b"\x17\x03\x03\x00\x20abcd"],
)
def test_bytes_that_tell_nothing_are_left_to_the_library(data: bytes) -> None:
    assert refusal_in(data) is None
