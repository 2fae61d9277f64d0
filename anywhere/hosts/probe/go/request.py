"""The requests of the agents, byte for byte but for signature, token and random values, with no credential.

The order is net/http's: Host, User-Agent, the body's length, the other headers sorted, then Accept-Encoding.
Sources: Go net/http request.go (Request.write), transfer.go; gorilla/websocket client.go; the agents on the wire.
"""

from __future__ import annotations

import base64
import hashlib
import time

from anywhere.catalogue.requests import AGENTS, CALLS, CURL, GO, Call
from anywhere.frozen import frozen
from anywhere.hosts.base import ProbeSpec

TOOL = "ecs-anywhere-toolkit"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# The length of the session tokens that AWS gives: with one, a request fills more than one packet, as the agents' do.
TOKEN_LENGTH = 1100


@frozen
class Request:
    """The bytes to send, and what an upgrade's answer has to hold."""

    data: bytes
    accept: str = ""


def call_of(spec: ProbeSpec) -> Call:
    """What this component asks of this service."""
    return CALLS.get((spec.client, spec.service), Call(json=False))


def build(spec: ProbeSpec, nonce: bytes, now: float) -> Request:
    """The request for a probe; `nonce` is 16 random bytes, `now` epoch seconds for X-Amz-Date."""
    if spec.scheme == "wss":
        return _upgrade(spec, nonce, now)
    if not spec.client:
        return Request(
            _lines(f"GET {spec.path} HTTP/1.1", ("Host", _host(spec)), ("User-Agent", TOOL), ("Accept", "*/*"))
        )
    if spec.client == "installer":
        return Request(
            _lines(f"GET {spec.path} HTTP/1.1", ("Host", _host(spec)), ("User-Agent", CURL), ("Accept", "*/*"))
        )
    return Request(_call(spec, call_of(spec), nonce, now))


def _call(spec: ProbeSpec, call: Call, nonce: bytes, now: float) -> bytes:
    body = b"" if spec.get else call.body.encode()
    head = [("Host", _host(spec)), ("User-Agent", AGENTS.get(spec.client, GO))]
    if call.chunked and body:
        head.append(("Transfer-Encoding", "chunked"))
    elif body:
        head.append(("Content-Length", str(len(body))))
    others: dict[str, str] = {}
    if body:
        others = {"Content-Type": call.content_type, "X-Amz-Date": _date(now)}
        others |= {"X-Amz-Target": call.target} if call.target else {}
        if spec.client == "ecs-agent":
            others |= {"Amz-Sdk-Invocation-Id": _uuid(nonce), "Amz-Sdk-Request": "attempt=1; max=3"}
        if call.chunked:
            others |= {"X-Amz-Content-Sha256": hashlib.sha256(body).hexdigest()}
        elif not spec.small:
            others |= {"X-Amz-Security-Token": _token(nonce)}
    if spec.client == "docker":
        head.append(("Connection", "close"))
    wire = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n" if call.chunked and body else body
    line = f"{'POST' if body else 'GET'} {spec.path} HTTP/1.1"
    return _lines(line, *head, *sorted(others.items()), ("Accept-Encoding", "gzip")) + wire


def _upgrade(spec: ProbeSpec, nonce: bytes, now: float) -> Request:
    key = base64.b64encode(nonce).decode()
    others = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
    if spec.client not in ("", "installer"):
        others["X-Amz-Date"] = _date(now)
        if not spec.small:
            others["X-Amz-Security-Token"] = _token(nonce)
    agent = CURL if spec.client == "installer" else GO if spec.client else TOOL
    head = _lines(f"GET {spec.path} HTTP/1.1", ("Host", _host(spec)), ("User-Agent", agent), *sorted(others.items()))
    return Request(head, base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode())


def connect(host: str, port: int, authorization: str, client: str) -> bytes:
    """CONNECT to a proxy, as the program writes it. `authorization` is empty where it sends none."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    agent = CURL if client == "installer" else GO if client else TOOL
    extra = [("Proxy-Authorization", authorization)] if authorization else []
    head = [("Host", target), ("User-Agent", agent)]
    if client == "installer":
        return _lines(f"CONNECT {target} HTTP/1.1", head[0], *extra, head[1], ("Proxy-Connection", "Keep-Alive"))
    return _lines(f"CONNECT {target} HTTP/1.1", *head, *extra)


def _host(spec: ProbeSpec) -> str:
    """The Host header: the port is named where the scheme has another."""
    name = f"[{spec.host}]" if ":" in spec.host else spec.host
    return name if spec.port in (80, 443) else f"{name}:{spec.port}"


def _lines(first: str, *headers: tuple[str, str]) -> bytes:
    return "".join((first, "\r\n", *(f"{name}: {value}\r\n" for name, value in headers), "\r\n")).encode("latin-1")


def _date(now: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def _token(nonce: bytes) -> str:
    """Made up, of the length of a real one, and different each time."""
    digest, made = nonce, b""
    while len(made) < TOKEN_LENGTH:
        digest = hashlib.sha256(digest).digest()
        made += digest
    return base64.b64encode(made).decode()[:TOKEN_LENGTH]


def _uuid(nonce: bytes) -> str:
    text = nonce.hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"
