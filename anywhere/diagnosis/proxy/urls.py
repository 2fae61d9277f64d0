"""The URL of a proxy with the other scheme."""

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
