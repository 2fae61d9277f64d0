"""The URL of a proxy, written another way."""

from __future__ import annotations

from anywhere.catalogue.texts.proxy import set_proxy
from anywhere.redact import without_user


def other_scheme(url: str) -> str:
    """The scheme that the second look used."""
    return "http" if url.startswith(("https", "socks")) else "https"


def rewritten(url: str) -> tuple[tuple[str, ...], ...]:
    """The command that sets the proxy with the other scheme; none where the URL has credentials, which are masked."""
    place = without_user(url).partition("://")[2]
    return () if "@" in url or not place else set_proxy(f"{other_scheme(url)}://{place}")


def bracketed(place: str) -> str:
    """HOST:PORT, an IPv6 address in brackets also where it was written without."""
    host, colon, port = place.rpartition(":")
    return f"[{host}]:{port}" if colon and ":" in host and "[" not in host else place
