"""JSON pointers (RFC 6901), token by token."""

from __future__ import annotations


def token(key: str | int) -> str:
    """One reference token of a JSON pointer, escaped as RFC 6901 says."""
    text = str(key)
    if "~" in text or "/" in text:
        text = text.replace("~", "~0").replace("/", "~1")
    return "/" + text


def tokens(pointer: str) -> list[str]:
    """The unescaped reference tokens of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
