"""PEM as Go finds it: what an editor left before, behind or between the blocks decides."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.hosts.probe.go.x509.pem import certificates

DER = b"0\x03\x02\x01\x05"
BLOCK = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(DER) + b"\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (BLOCK, 1),
        (BLOCK * 2, 2),
        (BLOCK.replace(b"\n", b"\r\n"), 1),
        (b"# Example Industries\n" + BLOCK, 1),
        ("# \u00e4\n".encode("latin-1") + BLOCK, 1),
        (b"\xef\xbb\xbf" + BLOCK, 0),
        (BLOCK.rstrip(b"\n") + BLOCK, 0),
        (b"  " + BLOCK, 0),
        (BLOCK.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"), 0),
        (BLOCK.replace(b"-----\n", b"-----\nProc-Type: 4\n\n", 1), 0),
        (b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n" + BLOCK, 1),
        (b"-----BEGIN CERTIFICATE-----\n" + BLOCK, 1),
        (BLOCK.rstrip(b"-\n"), 0),
        (b"", 0),
    ],
)
def test_blocks(text: bytes, count: int) -> None:
    assert list(certificates(text)) == [DER] * count


@given(
    st.lists(st.sampled_from([b"-----BEGIN ", b"\n-----END ", b"CERTIFICATE", b"-----", b"\n", b":", b"AAAA", b"\r"]))
)
def test_no_text_breaks_it(parts: list[bytes]) -> None:
    assert list(certificates(b"".join(parts))) is not None
