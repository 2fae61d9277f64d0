"""DER as Go's cryptobyte reads it: definite lengths in their shortest form, one value after another."""

from __future__ import annotations

SEQUENCE, SET, INTEGER, BIT_STRING, OCTET_STRING, BOOLEAN, OID = 0x30, 0x31, 0x02, 0x03, 0x04, 0x01, 0x06
UTC_TIME, GENERALIZED_TIME, NULL = 0x17, 0x18, b"\x05\x00"


class Malformed(ValueError):
    """What Go refuses to parse; the message says which part."""


class Reader:
    """A run of DER values. Every `read` raises Malformed with the caller's word for the part."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.at >= self.end

    @property
    def tag(self) -> int:
        """The next value's tag, -1 at the end."""
        return self.data[self.at] if self.at < self.end else -1

    def _span(self, part: str) -> tuple[int, int]:
        """Start and end of the next value's content. Source: x/crypto/cryptobyte asn1.go, readASN1."""
        data, at = self.data, self.at
        if self.end - at < 2 or data[at] & 0x1F == 0x1F:
            raise Malformed(f"malformed {part}")
        length, start = data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or self.end - start < size:
                raise Malformed(f"malformed {part}")
            length = int.from_bytes(data[start : start + size], "big")
            if length < 0x80 or length >> ((size - 1) * 8) == 0:
                raise Malformed(f"malformed {part}")
            start += size
        if self.end - start < length:
            raise Malformed(f"malformed {part}")
        return start, start + length

    def any(self, part: str) -> tuple[int, bytes]:
        """The next value's tag and content."""
        tag = self.tag
        start, end = self._span(part)
        self.at = end
        return tag, self.data[start:end]

    def value(self, tag: int, part: str) -> bytes:
        """The content of the next value, which has this tag."""
        if self.tag != tag:
            raise Malformed(f"malformed {part}")
        return self.any(part)[1]

    def element(self, tag: int, part: str) -> bytes:
        """The next value with its tag and length, as it is compared and signed."""
        if self.tag != tag:
            raise Malformed(f"malformed {part}")
        begun = self.at
        self.at = self._span(part)[1]
        return self.data[begun : self.at]

    def into(self, tag: int, part: str) -> Reader:
        """A reader of the next value's content, which has this tag."""
        if self.tag != tag:
            raise Malformed(f"malformed {part}")
        start, end = self._span(part)
        self.at = end
        return Reader(self.data, start, end)

    def integer(self, part: str, tag: int = INTEGER) -> int:
        """A signed number in its shortest form."""
        value = self.value(tag, part)
        if not value or (len(value) > 1 and value[0] in (0, 0xFF) and (value[0] ^ value[1]) < 0x80):
            raise Malformed(f"malformed {part}")
        return int.from_bytes(value, "big", signed=True)

    def boolean(self, part: str) -> bool:
        """TRUE or FALSE: DER knows one form of each."""
        value = self.value(BOOLEAN, part)
        if value not in (b"\x00", b"\xff"):
            raise Malformed(f"malformed {part}")
        return value == b"\xff"

    def bits(self, part: str) -> tuple[int, bytes]:
        """A bit string: unused bits of the last byte, which are zero, and the bytes."""
        value = self.value(BIT_STRING, part)
        unused = value[0] if value else 9
        if unused > 7 or (len(value) == 1 and unused) or (unused and value[-1] & ((1 << unused) - 1)):
            raise Malformed(f"malformed {part}")
        return unused, value[1:]

    def oid(self, part: str) -> str:
        """An object identifier with dots."""
        value = self.value(OID, part)
        if not is_oid(value):
            raise Malformed(f"malformed {part}")
        numbers: list[int] = []
        number = 0
        for byte in value:
            number = number << 7 | byte & 0x7F
            if number >= 1 << 31:
                raise Malformed(f"malformed {part}")
            if not byte & 0x80:
                numbers, number = [*numbers, number], 0
        first = min(2, numbers[0] // 40)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def is_oid(value: bytes) -> bool:
    """Whether an object identifier's numbers, of any size, are in their shortest form (crypto/x509 oid.go)."""
    starts = [0, *(at + 1 for at, byte in enumerate(value) if not byte & 0x80)]
    return bool(value) and starts.pop() == len(value) and all(value[at] != 0x80 for at in starts)
