"""PEM blocks as Go's encoding/pem finds them: a block starts at a line's start, its end line stands alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"\n-----END ", b"-----"


def certificates(text: bytes) -> Iterator[bytes]:
    """The DER of every CERTIFICATE block without headers; broken blocks are passed over, as AppendCertsFromPEM does.

    Source: Go encoding/pem pem.go, Decode; crypto/x509 cert_pool.go, AppendCertsFromPEM.
    """
    at = 0
    while (end := text.find(_END, at)) >= 0:
        begun = text.rfind(_BEGIN, at, end)
        after = end + len(_END)
        if begun < 0 or (begun > at and text[begun - 1 : begun] != b"\n"):
            at = after
            continue
        der, at = _block(text, begun + len(_BEGIN), end, after)
        if der is not None:
            yield der


def _block(text: bytes, begun: int, end: int, after: int) -> tuple[bytes | None, int]:
    """The content of one block and where the search goes on."""
    kind, body = _line(text, begun)
    if not kind.endswith(_DASHES):
        return None, after
    kind = kind.removesuffix(_DASHES)
    trailer = kind + _DASHES
    rest, beyond = _line(text, after + len(trailer))
    if not text.startswith(trailer, after) or rest:
        return None, after
    if kind != b"CERTIFICATE":
        return None, beyond
    content = text[body:end] if body <= end else b""
    if b":" in content.partition(b"\n")[0]:  # a block with headers is no certificate for the pool
        return None, beyond
    try:
        return base64.b64decode(content.translate(None, b" \t\r\n"), validate=True), beyond
    except (binascii.Error, ValueError):
        return None, after


def _line(text: bytes, at: int) -> tuple[bytes, int]:
    """The line from here on without blanks at its end, and where the next one starts."""
    stop = text.find(b"\n", at)
    stop = len(text) if stop < 0 else stop
    return text[at:stop].removesuffix(b"\r").rstrip(b" \t"), min(stop + 1, len(text))
