"""The site's HTTP proxy: CONNECT, with the refusals that proxies give."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from fnmatch import fnmatchcase

from tests.region.machine import wire
from tests.region.machine.endpoints import server_context
from tests.region.world import Proxy, World

AGENT = "Via: 1.1 proxy.dc1.example.com\r\nProxy-Agent: region\r\n"


class ProxyServer:
    """The proxy of the world."""

    def __init__(self, world: World, proxy: Proxy) -> None:
        self.world, self.proxy = world, proxy
        self.context = server_context(world.pem["proxy"]) if proxy.tls else None
        if self.context and proxy.wants_certificate:
            self.context.load_verify_locations(world.pem["root:proxy"])
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.open = 0

    def handle(self, connection: socket.socket) -> None:
        """One client."""
        if self.proxy.mode == "silent":
            wire.hold(connection)
        client = self.context.wrap_socket(connection, server_side=True) if self.context else connection
        with client:
            head, rest = wire.read_head(client)
            refusal = self.refusal(head)
            if not head or refusal:
                client.sendall(refusal)
                return
            with self.upstream(head.split()[1].decode("latin-1")) as far:
                if far.fileno() < 0:
                    client.sendall(_answer("503 Service Unavailable", "", "The name does not resolve."))
                    return
                if self.proxy.limit and self.open >= self.proxy.limit:
                    client.sendall(_answer("503 Service Unavailable", "", "Too many connections."))
                    return
                time.sleep(self.proxy.delay)
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                if self.proxy.opened != "tunnel":
                    self.misuse(client)
                    return
                self.open += 1
                try:
                    far.sendall(rest)
                    wire.relay(client, far)
                finally:
                    self.open -= 1

    def misuse(self, client: socket.socket) -> None:
        """What some proxies do behind a 200."""
        if self.proxy.opened == "page":
            client.recv(65536)
            client.sendall(_answer("503 Service Unavailable", "", "The proxy could not connect."))
        elif self.proxy.opened == "silent":
            wire.hold(client)

    def refusal(self, head: bytes) -> bytes:
        """What the client gets in place of a tunnel, empty when it may pass."""
        if self.proxy.mode == "error":
            return _answer("502 Bad Gateway", "", "The proxy's own upstream is down.")
        if self.proxy.mode == "plain":
            return _answer("405 Method Not Allowed", "", "This web server knows no CONNECT.")
        token = base64.b64encode(self.proxy.credentials.encode()).decode()
        if self.proxy.credentials and wire.header(head, "proxy-authorization") != f"Basic {token}":
            realm = ' realm="proxy"'
            lines = [f"{one}{realm if one == 'Basic' else ''}" for one in self.proxy.offers]
            offers = "".join(f"Proxy-Authenticate: {one}\r\n" for one in lines)
            return _answer("407 Proxy Authentication Required", offers, "Sign in first.")
        words = head.split()[:2]
        if len(words) < 2 or words[0] != b"CONNECT":
            return _answer("403 Forbidden", "", "Only CONNECT passes here.")
        agent = wire.header(head, "user-agent")
        minded = any(fnmatchcase(agent, one) for one in self.proxy.refuses)
        if minded or (self.proxy.lets and not any(fnmatchcase(agent, one) for one in self.proxy.lets)):
            return _answer("403 Forbidden", "", "This program is not allowed.")
        name = words[1].decode("latin-1").rpartition(":")[0]
        if any(fnmatchcase(name, one) for one in self.proxy.denied):
            return _answer("403 Forbidden", "X-Squid-Error: ERR_ACCESS_DENIED 0\r\n", "Access denied by policy.")
        for pattern, status in self.proxy.answers.items():
            if fnmatchcase(name, pattern):
                return _answer(status, "", "No.")
        return b""

    def upstream(self, target: str) -> socket.socket:
        """A connection to the target, closed when its name does not exist."""
        name, _, port = target.rpartition(":")
        known = self.world.records(name)
        closed = socket.socket()
        closed.close()
        if not known or port != "443":
            return closed
        return socket.create_connection((known[0], int(port)), 10)


def _answer(status: str, headers: str, text: str) -> bytes:
    body = f"<html><body><h1>{status}</h1><p>{text}</p></body></html>"
    lines = f"HTTP/1.1 {status}\r\n{AGENT}{headers}Content-Type: text/html\r\nConnection: close\r\n"
    return f"{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()
