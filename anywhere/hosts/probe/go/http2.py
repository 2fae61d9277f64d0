"""As much of HTTP/2 as shows that the far end speaks it: the client's preface, and the server's, which is a SETTINGS frame.

Source: RFC 9113, sections 3.4 and 4.1; Go net/http h2_bundle.go (ClientConn.readLoop, maxFrameSize).
"""

from __future__ import annotations

SETTINGS, LARGEST = 4, 16 << 10
HEAD = 9  # bytes of a frame's head: 3 of length, 1 of type, 1 of flags, 4 of stream
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, SETTINGS, 0, 0, 0, 0, 0))


def check(head: bytes) -> None:
    """Raises ValueError where these first bytes are not the head of a SETTINGS frame."""
    if len(head) < HEAD:
        raise ValueError("connection closed")
    length, stream = int.from_bytes(head[:3], "big"), int.from_bytes(head[5:9], "big")
    if head[3] != SETTINGS or length > LARGEST or length % 6 or stream:
        text = "HTTP/1" if head.startswith(b"HTTP/") else "something else"
        raise ValueError(f"it answers in {text}")
