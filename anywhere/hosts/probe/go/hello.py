"""A ClientHello as large as Go's of today, with a post-quantum key share: two segments where older ones fill one.

Source: Go crypto/tls handshake_client.go, defaults.go (from 1.24 on, unless GODEBUG tlsmlkem=0): 1,534 bytes with a name of
26 letters. Some boxes read the server name in the first segment alone, and drop or reset what goes on in a second.
"""

from __future__ import annotations

import os

X25519, MLKEM = 29, 4588
MLKEM_SHARE = 1184  # bytes of an ML-KEM-768 encapsulation key
_SUITES = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC013, 0xC00A, 0xC014, 0x1301, 0x1302, 0x1303)
_SIGNATURES = (0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603)


def client_hello(name: str) -> bytes:
    """One TLS record with the greeting for this server name."""
    # An encapsulation key is packed numbers below 3329 and a seed: zeros are valid numbers, the seed is random.
    share = bytes(MLKEM_SHARE - 32) + os.urandom(32) + os.urandom(32)
    host = name.encode("ascii", "replace")[:255]
    extensions = b"".join(
        (
            _extension(0, _vector(2, b"\0" + _vector(2, host))),
            _extension(11, _vector(1, b"\0")),
            _extension(10, _vector(2, _numbers(MLKEM, X25519, 23, 24, 25))),
            _extension(13, _vector(2, _numbers(*_SIGNATURES))),
            _extension(23, b""),
            _extension(65281, b"\0"),
            _extension(43, _vector(1, _numbers(0x0304, 0x0303))),
            _extension(51, _vector(2, _share(MLKEM, share) + _share(X25519, os.urandom(32)))),
        )
    )
    body = b"\x03\x03" + os.urandom(32) + _vector(1, os.urandom(32)) + _vector(2, _numbers(*_SUITES)) + b"\x01\0"
    body += _vector(2, extensions)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + _vector(2, message)


def is_record(data: bytes) -> bool:
    """Whether what came back is TLS: a ServerHello or an alert, which shows that the greeting arrived."""
    return len(data) >= 3 and data[0] in (21, 22) and data[1] == 3


def _vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _numbers(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def _extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _vector(2, data)


def _share(group: int, data: bytes) -> bytes:
    return group.to_bytes(2, "big") + _vector(2, data)
