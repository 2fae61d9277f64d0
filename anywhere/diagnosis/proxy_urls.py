"""The URL of a proxy in commands: with the other scheme, and without what is not shown."""

from __future__ import annotations


def other_scheme(url: str) -> str:
    """The scheme that the second look spoke."""
    return "http" if url.startswith(("https", "socks")) else "https"


def apply_it(url: str, *options: str) -> tuple[tuple[str, ...], ...]:
    """The command that sets this proxy; none for https://, which it refuses since the agents' channels cannot use it."""
    return () if url.startswith("https:") else (("sudo", "anywhere", "proxy", "apply", "--url", url, *options),)


def rewritten(url: str) -> tuple[tuple[str, ...], ...]:
    """The command that sets the proxy with the other scheme; none where the URL holds what is not shown."""
    place = bare(url).partition("://")[2]
    hides = "@" in url or not place
    return () if hides else (("sudo", "anywhere", "proxy", "apply", "--url", f"{other_scheme(url)}://{place}"),)


def bracketed(place: str) -> str:
    """HOST:PORT, an IPv6 address in brackets also where it was written without."""
    host, colon, port = place.rpartition(":")
    return f"[{host}]:{port}" if colon and ":" in host and "[" not in host else place


def bare(url: str) -> str:
    """A proxy's URL without what stood in the place of user and password."""
    scheme, mark, rest = url.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]
