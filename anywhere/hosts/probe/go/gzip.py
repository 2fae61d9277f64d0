"""A gzip stream as Go's compress/gzip reads it: member after member, and all that came before what is wrong.

Source: Go compress/gzip gunzip.go (Reader.Read), net/http transport.go (gzipReader).
"""

from __future__ import annotations

import zlib

_GZIP = 31  # zlib's number for a gzip header and the largest window
MOST = 1 << 20  # bytes that one piece may become


class Gzip:
    """Give it the pieces in their order, and tell it when they end."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._begun, self._is_wrong = False, False

    def feed(self, piece: bytes) -> bytes:
        """What a piece becomes. Raises ValueError at the piece after one that is no gzip."""
        self._check()
        found = b""
        while piece and len(found) < MOST:
            if self._member.eof:
                self._member, self._begun = zlib.decompressobj(_GZIP), False
            self._begun = True
            before = self._member.copy()
            try:
                found += self._member.decompress(piece)
            except zlib.error:
                self._is_wrong = True
                return found + _as_far_as_it_goes(before, piece)
            piece = self._member.unused_data
        return found

    def end(self) -> None:
        """Raises ValueError where something is wrong or missing."""
        self._check()
        if self._begun and not self._member.eof:
            raise ValueError("the answer's body is cut within its gzip")

    def _check(self) -> None:
        if self._is_wrong:
            raise ValueError("the answer's body is not the gzip that it says")


def _as_far_as_it_goes(member: zlib._Decompress, piece: bytes) -> bytes:
    found = b""
    try:
        for at in range(len(piece)):
            found += member.decompress(piece[at : at + 1])
    except zlib.error:
        pass
    return found
