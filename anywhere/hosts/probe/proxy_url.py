"""A proxy's URL taken apart as Go does: a missing scheme is http, a missing port is the scheme's own."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from anywhere.errors import ParseError

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class ProxyUrl:
    """Where the proxy listens. The credentials are left out of repr, so that no message shows them."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> ProxyUrl:
        """Take a URL apart. Raises ParseError (without the text: it may hold a password)."""
        if "://" not in text:
            text = "http://" + text
        try:
            parts = urlsplit(text)
            scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
        except ValueError as error:
            raise ParseError("the proxy URL cannot be read: write http://HOST:PORT") from error
        if not host or scheme not in PORTS:
            raise ParseError("the proxy URL cannot be read: write http://HOST:PORT")
        return cls(scheme, host, port or PORTS[scheme], unquote(parts.username or ""), unquote(parts.password or ""))

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization (Basic), empty without credentials."""
        if not (self.user or self.password):
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"
