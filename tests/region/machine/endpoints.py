"""AWS as a client without credentials sees it: TLS on port 443 of every address, and the services' refusals."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import struct
import time
import uuid
from fnmatch import fnmatchcase
from http import HTTPStatus

from tests.region.controlplane import dispatch
from tests.region.controlplane.http import Request
from tests.region.controlplane.state import State
from tests.region.machine import wire
from tests.region.names import find
from tests.region.world import Manner, World

WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PAGE = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>\n"
HTML = "text/html; charset=utf-8"
JSON = "application/x-amz-json-1.1"
REFUSED = b"\x15\x03\x03\x00\x02\x02\x28"  # a fatal alert: handshake failure
OLD_SUITES = "ALL:@SECLEVEL=0"


class Endpoints:
    """The far end of every name."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = State(world.plane, world.clock, world.options.shards)
        self.contexts: dict[tuple[str, str], ssl.SSLContext] = {}
        self.owners: dict[str, str] = {}
        for name, one in world.names.items():
            self.owners |= dict.fromkeys((one.public, one.private, one.public6, one.private6), name)

    def handle(self, connection: socket.socket) -> None:
        """One connection, from accept to close."""
        name = self.owners.get(connection.getsockname()[0], "")
        manner = self.world.manner(name)
        if manner.speaks == "reset":
            wire.reset(connection)
        elif manner.speaks == "silent":
            wire.hold(connection)
        elif manner.speaks == "plain":
            # A ClientHello is no request line: web servers say so at once.
            if connection.recv(65536):
                connection.sendall(self.page(400, "Bad Request", "This port speaks plain HTTP.", "close"))
        elif manner.speaks in ("close", "alert"):
            connection.recv(65536)
            if manner.speaks == "alert":
                connection.sendall(REFUSED)
        elif manner.speaks == "half":
            connection.sendall(_begun(connection.recv(65536), self.context(manner)))
            wire.hold(connection)
        elif manner.speaks != "closed":
            with self.context(manner).wrap_socket(connection, server_side=True) as tls:
                self.talk(tls, name, manner)

    def handle_plain(self, connection: socket.socket) -> None:
        """One connection to port 80: web sites alone have one."""
        name = self.owners.get(connection.getsockname()[0], "")
        rest = b""
        while name in self.state.plane.sites:
            head, rest = wire.read_head(connection, rest)
            if not head or not self.control(connection, name, self.world.manner(name), (head, b"", rest)):
                return
            if wire.is_last(head):
                return
        wire.reset(connection)

    def context(self, manner: Manner) -> ssl.SSLContext:
        """TLS with the certificate and the versions of this manner."""
        key = (manner.certificate, manner.tls)
        if key not in self.contexts:
            self.contexts[key] = server_context(self.world.pem[manner.certificate], manner.tls)
        return self.contexts[key]

    def talk(self, tls: ssl.SSLSocket, name: str, manner: Manner) -> None:
        """Requests and answers on one connection."""
        rest = b""
        while True:
            tls.settimeout(manner.idle or None)
            try:
                head, rest = wire.read_head(tls, rest)
            except TimeoutError:
                _cut(tls, manner.idle_how)
                return
            if not head:
                return
            tls.settimeout(None)
            body, rest = wire.read_body(tls, head, rest)
            time.sleep(manner.delay)
            if manner.speaks == "cut":
                wire.reset(tls)
                return
            is_upgrade = _is_upgrade(head)
            if _is_refused(head, manner):
                tls.sendall(self.page(403, "Forbidden", "This kind of request is not allowed.", "close"))
                return
            if is_upgrade and manner.upgrade == "101-reset":
                tls.sendall(accept(head))
                wire.reset(tls)
                return
            if is_upgrade and manner.upgrade == "101" and not wire.header(head, "authorization"):
                tls.sendall(accept(head))
                _websocket(tls, manner)
                return
            if not self.control(tls, name, manner, (head, body, rest)):
                tls.sendall(self.answer(name, manner, head))
            if wire.is_last(head):
                return

    def control(self, tls: socket.socket, name: str, manner: Manner, parts: tuple[bytes, bytes, bytes]) -> bool:
        """Let the control plane answer a request (head, body, what came after); False when it is not for it. Raises
        ConnectionError when the connection ended with it."""
        head, body, rest = parts
        is_spoiled = _is_upgrade(head) and manner.upgrade not in ("403", "101")
        if manner.said or manner.speaks != "https" or manner.status or is_spoiled:
            return False
        words = (*head.decode("latin-1").split("\r\n", 1)[0].split(), "", "")
        host = wire.header(head, "host").partition(":")[0].lower()
        known = host if find(self.world.names, host) == name else name
        request = Request(known, words[0], words[1], wire.headers(head), body, _peer(tls))
        try:
            found = dispatch.answer(self.state, request)
        except dispatch.Ended as ended:
            _end(tls, str(ended))
        except dispatch.Upgraded as upgraded:
            tls.sendall(accept(head))
            upgraded.kind(self.state, request.operation, upgraded.owner, tls, rest).serve()
            raise ConnectionError("the channel has ended") from None
        if found is None:
            return False
        data = b"" if words[0] == "HEAD" else found.body
        extra = "".join(f"{key}: {value}\r\n" for key, value in found.headers.items())
        sent = self.head(found.status, len(found.body), found.kind, extra)
        tls.sendall(sent + (data if found.cut < 0 else data[: found.cut]))
        if found.cut >= 0:
            raise ConnectionError("cut")
        return True

    def answer(self, name: str, manner: Manner, head: bytes) -> bytes:
        """What a request without a signature gets."""
        method, target = (*head.decode("latin-1").split("\r\n", 1)[0].split(), "", "")[:2]
        is_upgrade = _is_upgrade(head)
        if manner.said:
            return manner.said.replace("\n", "\r\n").encode()
        if is_upgrade and manner.upgrade == "stripped":
            return self.response(426, "Upgrade Required", "text/plain")
        if manner.speaks == "portal":
            return self.page(200, "Welcome", "Please accept the terms of use to go online.")
        if manner.speaks == "redirect":
            return self.response(302, "", HTML, f"Location: http://portal.example.net/login?to={name}\r\n")
        if manner.speaks == "product":
            page = f"Location: https://aws.amazon.com/{name.partition('.')[0]}/\r\n"
            return self.response(302, "", HTML, page)
        if is_upgrade and manner.upgrade in ("page", "502", "redirect"):
            return self.refused_upgrade(manner.upgrade)
        asked = wire.header(head, "host").partition(":")[0].lower()
        known = asked if asked in self.world.names else name
        status, kind, body, extra = self.service(find(self.world.names, known), method, target)
        return self.response(manner.status or status, "" if method == "HEAD" else body, kind, extra)

    def refused_upgrade(self, how: str) -> bytes:
        """A middlebox's words for a WebSocket."""
        if how == "502":
            return self.page(502, "Bad Gateway", "The upstream server gave an invalid response.")
        if how == "redirect":
            return self.response(302, "", HTML, "Location: https://filter.example.net/blocked\r\n")
        return self.page(200, "Blocked", "This category of traffic is not allowed here.")

    def service(self, name: str, method: str, target: str) -> tuple[int, str, str, str]:
        """Status, content type, body and further headers of the service behind a name."""
        if "s3" in name.split("."):
            body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            return 403, "application/xml", '<?xml version="1.0" encoding="UTF-8"?>\n' + body, "Server: AmazonS3\r\n"
        if name in ("registry-1.docker.io", "public.ecr.aws") or ".dkr" in name:
            challenge = 'Docker-Distribution-Api-Version: registry/2.0\r\nWww-Authenticate: Bearer realm="token"\r\n'
            return 401, "application/json", '{"errors":[{"code":"UNAUTHORIZED"}]}', challenge
        if name not in self.world.names or not self.world.names[name].amazon or "cloudfront" in name:
            return 404, "text/plain", "404: Not Found\n", ""
        if name.startswith(("sts", "monitoring")):
            return 403, "text/xml", _xml("MissingAuthenticationToken", "Request is missing Authentication Token"), ""
        if name.startswith("ssmmessages"):
            return 403, "application/xml", "<AccessDeniedException/>", ""
        if target.startswith("/ws"):
            said = {"AccessDeniedException": "Missing Authentication Token"}
            return 403, "application/json", json.dumps(said), ""
        if method == "POST":
            said = {"__type": "MissingAuthenticationTokenException", "message": "Missing Authentication Token"}
            return 400, JSON, json.dumps(said), ""
        return 404, JSON, "<UnknownOperationException/>\n", ""

    def page(self, status: int, title: str, text: str, connection: str = "keep-alive") -> bytes:
        """A page for people."""
        return self.response(status, PAGE.format(title, text), HTML, f"Connection: {connection}\r\n", aws=False)

    def response(self, status: int, body: str, kind: str, extra: str = "", aws: bool = True) -> bytes:
        """An HTTP answer with the region's own date."""
        data = body.encode()
        return self.head(status, len(data), kind, extra, aws) + data

    def head(self, status: int, size: int, kind: str, extra: str = "", aws: bool = True) -> bytes:
        """An answer's head with the region's own date."""
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.state.now()))
        request = f"x-amzn-RequestId: {uuid.uuid4()}\r\n" if aws else ""
        first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {date}\r\n"
        return f"{first}Content-Type: {kind}\r\n{request}{extra}Content-Length: {size}\r\n\r\n".encode()


def _is_upgrade(head: bytes) -> bool:
    return wire.header(head, "upgrade").lower() == "websocket"


def _peer(tls: socket.socket) -> str:
    try:
        return str(tls.getpeername()[0])
    except OSError:
        return ""


def _end(tls: socket.socket, how: str) -> None:
    if how == "reset":
        wire.reset(tls)
    elif how == "hold":
        wire.hold(tls)
    raise ConnectionError(how)


def server_context(pem: str, versions: str = "any") -> ssl.SSLContext:
    """A server's TLS settings."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if versions == "old":
        context.set_ciphers(OLD_SUITES)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    elif versions == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    elif versions == "rsa":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-SHA:AES256-SHA:@SECLEVEL=0")
    elif versions == "1.3":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _begun(hello: bytes, context: ssl.SSLContext) -> bytes:
    """The start of a server's side of a handshake, cut in the middle of its certificates."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello)
    try:
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()[:1500]


def accept(head: bytes) -> bytes:
    """The answer to a WebSocket handshake."""
    key = wire.header(head, "sec-websocket-key").encode()
    token = base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest()).decode()
    lines = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return f"{lines}Sec-WebSocket-Accept: {token}\r\n\r\n".encode()


def _websocket(tls: ssl.SSLSocket, manner: Manner) -> None:
    """Answer pings, until the client leaves or was quiet for too long."""
    tls.settimeout(manner.idle or None)
    try:
        while frame := tls.recv(4096):
            if frame[0] & 0x0F == 9:
                tls.sendall(struct.pack("!BB", 0x8A, 0))
            if frame[0] & 0x0F == 8:
                return
    except TimeoutError:
        _cut(tls, manner.idle_how)


def _cut(tls: ssl.SSLSocket, how: str) -> None:
    if how == "silence":
        tls.settimeout(None)
        socket.socket.recv(tls, 65536)  # The device forgot the flow: what comes is read and dropped.
        time.sleep(3600)
    elif how == "rst":
        wire.reset(tls)


def _xml(code: str, message: str) -> str:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"


def _is_refused(head: bytes, manner: Manner) -> bool:
    """Whether a device on the path minds this request's method, User-Agent or one of its header lines."""
    first, *lines = head.decode("latin-1").split("\r\n")
    marks = (first.split(" ", 1)[0], wire.header(head, "user-agent"), *lines)
    return any(fnmatchcase(mark, one) for mark in marks for one in manner.refuses)
