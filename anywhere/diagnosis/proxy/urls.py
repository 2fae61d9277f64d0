"""The URL of a proxy in commands: with the other scheme, and without credentials."""

from __future__ import annotations


def other_scheme(url: str) -> str:
    """The scheme that the second look used."""
    return "http" if url.startswith(("https", "socks")) else "https"


def apply_it(url: str, *options: str) -> tuple[tuple[str, ...], ...]:
    """The command that sets this proxy; none for https://, which it refuses since the agents' channels cannot use it."""
    return () if url.startswith("https:") else (("sudo", "anywhere", "proxy", "apply", "--url", url, *options),)


def rewritten(url: str) -> tuple[tuple[str, ...], ...]:
    """The command that sets the proxy with the other scheme; none where the URL has credentials, which are masked."""
    place = bare(url).partition("://")[2]
    hides = "@" in url or not place
    return () if hides else (("sudo", "anywhere", "proxy", "apply", "--url", f"{other_scheme(url)}://{place}"),)


def bare(url: str) -> str:
    """The URL without the masked credentials."""
    scheme, mark, rest = url.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]
