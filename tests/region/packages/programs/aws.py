"""The agents' way to AWS: HTTPS with retries and signatures, WebSockets, and errors in the words of Go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

Keys = tuple[str, str, str]
Sign = Callable[[bytes], str]


class Failed(Exception):
    """An API's refusal: the type and message of the error, the HTTP status."""

    def __init__(self, kind: str, message: str, status: int = 0) -> None:
        super().__init__(kind, message, status)
        self.kind, self.message, self.status = kind, message, status

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Broken(Exception):
    """No answer; the message is Go's. `is_final` is what the SDK does not try again."""

    def __init__(self, message: str, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


def connect(name: str, port: int, limit: float, proxy: str) -> ssl.SSLSocket:
    """TLS to a name, through the proxy where there is one. Raises Broken."""
    host, number = name, port
    if proxy:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, number = parts.hostname or "", parts.port or 3128
    try:
        plain = socket.create_connection((host, number), limit)
        if proxy:
            _tunnel(plain, name, port, urlsplit(proxy if "://" in proxy else f"http://{proxy}"))
        plain.settimeout(limit)
        # OpenSSL calls a reset an early end: it is told from a plain one only when it is not suppressed.
        return ssl.create_default_context().wrap_socket(plain, server_hostname=name, suppress_ragged_eofs=False)
    except OSError as error:
        raise _broken(error, host, number, bool(proxy)) from None


def _tunnel(plain: socket.socket, name: str, port: int, proxy: Any) -> None:
    head = f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\nUser-Agent: Go-http-client/1.1\r\n"
    if proxy.username:
        pair = base64.b64encode(unquote(f"{proxy.username}:{proxy.password or ''}").encode()).decode()
        head += f"Proxy-Authorization: Basic {pair}\r\n"
    plain.sendall(head.encode() + b"\r\n")
    said = b""
    while b"\r\n\r\n" not in said:
        chunk = plain.recv(1)
        if not chunk:
            raise Broken("unexpected EOF")
        said += chunk
    words = said.split(b"\r\n", 1)[0].decode("latin-1").split(None, 2)
    if words[1] != "200":
        raise Broken(words[2] if len(words) > 2 else words[1])


def _broken(error: OSError, host: str, port: int, is_proxy: bool) -> Broken:
    start = "proxyconnect tcp: " if is_proxy else ""
    if isinstance(error, socket.gaierror):
        server = _nameserver()
        tail = (
            "no such host" if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5)) else "i/o timeout"
        )
        return Broken(f"{start}dial tcp: lookup {host} on {server}:53: {tail}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Broken(f"tls: failed to verify certificate: x509: {_x509(error)}")
    if isinstance(error, ssl.SSLError):
        return Broken(f"remote error: tls: {str(error.reason or error).lower().replace('_', ' ')}")
    words = {
        111: "connect: connection refused",
        113: "connect: no route to host",
        101: "connect: network is unreachable",
    }
    if error.errno == 104:
        return Broken("read tcp: connection reset by peer", is_final=True)
    if isinstance(error, socket.timeout):
        return Broken(f"{start}dial tcp {host}:{port}: i/o timeout")
    return Broken(f"{start}dial tcp {host}:{port}: {words.get(error.errno or 0, str(error))}")


def _x509(error: ssl.SSLCertVerificationError) -> str:
    said = error.verify_message
    if "expired" in said or "not yet valid" in said:
        return f"certificate has expired or is not yet valid: current time {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}"
    return (
        f"certificate is valid for other names: {said}"
        if "match" in said
        else "certificate signed by unknown authority"
    )


def _nameserver() -> str:
    try:
        with open("/etc/resolv.conf") as file:
            return next((line.split()[1] for line in file if line.startswith("nameserver")), "[::1]")
    except OSError:
        return "[::1]"


class Client:
    """One service in one region. `keys` gives key, secret and token, or `rsa` signs in its place."""

    def __init__(self, service: str, region: str, agent: str = "Go-http-client/1.1", prefix: str = "") -> None:
        self.service, self.region, self.agent, self.prefix = service, region, agent, prefix
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        self.name = f"{service}.{region}.{suffix}"
        self.limit = 60.0

    def call(
        self,
        operation: str,
        body: dict[str, Any],
        keys: Keys | None = None,
        rsa: tuple[str, Sign] | None = None,
        tries: int = 4,
    ) -> dict[str, Any]:
        """A JSON operation, tried again as the SDK does. Raises Failed, Broken."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{self.prefix}.{operation}"}
        data = json.dumps(body).encode()
        for turn in range(tries):
            try:
                status, _, said = self.request("POST", "/", data, headers, keys, rsa)
                return _json(status, said)
            except Failed as failed:
                is_again = failed.status >= 500 or failed.status == 429 or failed.kind == "ThrottlingException"
                is_again = is_again or failed.kind == "SerializationError" or not failed.kind
                if turn == tries - 1 or not is_again:
                    raise
            except Broken as broken:
                if turn == tries - 1 or broken.is_final:
                    raise
            time.sleep((1.0, 2.2, 4.5, 8.0)[turn])
        raise AssertionError("unreachable")

    def request(
        self,
        method: str,
        target: str,
        body: bytes,
        headers: dict[str, str],
        keys: Keys | None = None,
        rsa: tuple[str, Sign] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own. Raises Broken."""
        signed = self.signed(method, target, body, headers, keys, rsa)
        url = f'Post "https://{self.name}{target}": '
        try:
            tls = connect(self.name, 443, min(self.limit, 30.0), proxy_of(self.name))
        except Broken as broken:
            raise Broken(url + str(broken), broken.is_final) from None
        connection = http.client.HTTPSConnection(self.name)
        connection.sock = tls
        tls.settimeout(self.limit)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for key, value in {**signed, "Host": self.name, "User-Agent": self.agent}.items():
                connection.putheader(key, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        except socket.timeout:
            raise Broken(url + "net/http: request canceled (Client.Timeout exceeded while awaiting headers)") from None
        except http.client.RemoteDisconnected:
            raise Broken(url + "EOF") from None
        except (ConnectionResetError, ssl.SSLEOFError):
            raise Broken(url + "read tcp: read: connection reset by peer", is_final=True) from None
        except (OSError, http.client.HTTPException):
            raise Broken(url + "EOF") from None
        finally:
            connection.close()

    def signed(
        self,
        method: str,
        target: str,
        body: bytes,
        headers: dict[str, str],
        keys: Keys | None,
        rsa: tuple[str, Sign] | None,
    ) -> dict[str, str]:
        """The headers with a signature: Version 4 with `keys`, the same string signed by `rsa`, or none."""
        if not keys and not rsa:
            return dict(headers)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        found = {**headers, "X-Amz-Date": stamp}
        if keys and keys[2]:
            found["X-Amz-Security-Token"] = keys[2]
        lower = {key.lower(): value for key, value in found.items()}
        lower["host"] = self.name
        names = sorted(lower)
        path, _, query = target.partition("?")
        lines = [f"{name}:{lower[name]}" for name in names]
        digest = hashlib.sha256(body).hexdigest()
        whole = "\n".join(
            (method, path, "&".join(sorted(query.replace("+", "%20").split("&"))), *lines, "", ";".join(names), digest)
        )
        scope = f"{stamp[:8]}/{self.region}/{'ecs' if self.service.startswith('ecs') else self.service}/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(whole.encode()).hexdigest())).encode()
        value, who = (
            (rsa[1](text), rsa[0]) if rsa else (_v4((keys or ("", "", ""))[1], scope, text), (keys or ("",))[0])
        )
        found["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={who}/{scope}, SignedHeaders={';'.join(names)}, Signature={value}"
        )
        return found


def _v4(secret: str, scope: str, text: bytes) -> str:
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _json(status: int, said: bytes) -> dict[str, Any]:
    try:
        found = json.loads(said or b"{}")
        assert isinstance(found, dict)
    except (ValueError, AssertionError):
        kind = "failed decoding JSON RPC response" if status == 200 else "failed to unmarshal response error"
        raise Failed("SerializationError", f"{kind}\n\tstatus code: {status}, request id: ", status) from None
    if status != 200:
        kind = str(found.get("__type", "UnknownError")).rpartition("#")[2]
        raise Failed(kind, str(found.get("message", found.get("Message", ""))), status)
    return found


def proxy_of(name: str) -> str:
    """The proxy for a name, as Go reads the environment: upper case wins."""
    without = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    if any(one and (name == one.strip() or name.endswith("." + one.strip().lstrip("."))) for one in without.split(",")):
        return ""
    return os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""


class WebSocket:
    """The client's side of a WebSocket."""

    def __init__(self, client: Client, target: str, keys: Keys) -> None:
        """Upgrade. Raises Broken with what the far end answered."""
        headers = client.signed("GET", target, b"", {}, keys, None)
        nonce = base64.b64encode(os.urandom(16)).decode()
        headers.update({
            "Host": client.name, "User-Agent": "Go-http-client/1.1", "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": nonce,
        })  # fmt: skip
        start = f"websocket client: unable to dial {client.name} response: "
        try:
            self.tls = connect(client.name, 443, 30.0, proxy_of(client.name))
            lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
            self.tls.sendall(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode())
            answer = http.client.HTTPResponse(self.tls)
            answer.begin()
            body = b"" if answer.status == 101 else answer.read()
        except Broken as broken:
            raise Broken(f"{start}: {broken}") from None
        except (OSError, http.client.HTTPException):
            raise Broken(f"{start}: unexpected EOF") from None
        key = hashlib.sha1((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        if answer.status != 101 or answer.getheader("Sec-WebSocket-Accept") != base64.b64encode(key).decode():
            raise Broken(f"{start}{body.decode('utf-8', 'replace')}: websocket: bad handshake")
        self.rest = b""

    def send(self, text: str, kind: int = 1) -> None:
        """A text frame, masked."""
        data, mask = text.encode(), os.urandom(4)
        size = len(data)
        head = (
            struct.pack("!BB", 0x80 | kind, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x80 | kind, 0xFE, size)
        )
        self.tls.sendall(head + mask + bytes(one ^ mask[n % 4] for n, one in enumerate(data)))

    def receive(self, seconds: float) -> str | None:
        """The next text message, None when there was none in time. Raises ConnectionError at the end, OSError."""
        until = time.monotonic() + seconds
        while True:
            if len(self.rest) >= 2:
                size, place = self.rest[1] & 0x7F, 2
                if size == 126:
                    size, place = struct.unpack("!H", self.rest[2:4])[0], 4
                if len(self.rest) >= place + size:
                    kind, data = self.rest[0] & 0x0F, self.rest[place : place + size]
                    self.rest = self.rest[place + size :]
                    if kind == 8:
                        raise ConnectionError("websocket: close 1000 (normal)")
                    if kind == 1:
                        return data.decode()
                    continue
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.tls.settimeout(max(left, 0.01))
            try:
                chunk = self.tls.recv(65536)
            except socket.timeout:
                return None
            finally:
                self.tls.settimeout(30)
            if not chunk:
                raise ConnectionError("unexpected EOF")
            self.rest += chunk


def openssl(*words: str, data: bytes = b"") -> bytes:
    """Run openssl. Raises CalledProcessError."""
    return subprocess.run(
        ("openssl", *words), input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    ).stdout
