"""Signatures as AWS checks them: Version 4 with a secret key, and the SSM agent's RSA-PSS over the same string."""

from __future__ import annotations

import base64
import calendar
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from urllib.parse import quote

from tests.region.controlplane.http import Refusal, Request

WINDOW = 300  # seconds
_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=(\S+)")


@dataclass(frozen=True)
class Signature:
    """The parts of an Authorization header, and the string that was signed."""

    identity: str
    scope: tuple[str, str, str]
    value: str
    text: bytes


def read(request: Request) -> Signature | None:
    """The request's signature; None when it has none. Raises Refusal for one that cannot be read."""
    header = request.headers.get("authorization", "")
    if not header:
        return None
    found = _AUTHORIZATION.match(header)
    parts = found[1].split("/") if found else []
    if not found or len(parts) != 5:
        raise Refusal("IncompleteSignatureException", "Authorization header requires 'Credential' parameter.")
    stamp = request.headers.get("x-amz-date", "")
    canonical = hashlib.sha256(_canonical(request, found[2].split(";"))).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, "/".join(parts[1:]), canonical)).encode()
    return Signature(parts[0], (parts[1], parts[2], parts[3]), found[3], text)


def _canonical(request: Request, signed: list[str]) -> bytes:
    path, _, query = request.target.partition("?")
    # A blank is sent as a plus and signed as %20.
    pairs = sorted(tuple((one.split("=", 1) + [""])[:2]) for one in query.replace("+", "%20").split("&") if one)
    body = request.headers.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest()
    if body not in ("UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest()):
        raise Refusal(
            "InvalidSignatureException", "The provided 'x-amz-content-sha256' header does not match the body."
        )
    lines = [f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed]
    encoded = quote(path, safe="/-_.~")
    return "\n".join(
        (request.method, encoded, "&".join("=".join(one) for one in pairs), *lines, "", ";".join(signed), body)
    ).encode()


def check_date(request: Request, now: float) -> None:
    """Refuse a request that was signed too long ago, or too far ahead."""
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refusal("InvalidSignatureException", "Date in the request is missing or malformed.") from None
    if signed < now - WINDOW:
        edge = f"{_stamp(now - WINDOW)} ({_stamp(now)} - 5 min.)"
        raise Refusal("InvalidSignatureException", f"Signature expired: {stamp} is now earlier than {edge}")
    if signed > now + WINDOW:
        edge = f"{_stamp(now + WINDOW)} ({_stamp(now)} + 5 min.)"
        raise Refusal("InvalidSignatureException", f"Signature not yet current: {stamp} is still later than {edge}")


def _stamp(moment: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))


def check_secret(signature: Signature, secret: str) -> None:
    """Refuse a Version 4 signature that this secret did not make."""
    key = f"AWS4{secret}".encode()
    for word in (*signature.scope, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, signature.text, hashlib.sha256).hexdigest(), signature.value):
        raise Refusal(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
            403,
        )


def check_rsa(signature: Signature, public_key: str) -> None:
    """Refuse an RSA-PSS signature (SHA-256, MGF1, any salt) that this key did not make."""
    try:
        modulus, exponent = public_numbers(base64.b64decode(public_key))
        is_good = _verify_pss(modulus, exponent, signature.text, base64.b64decode(signature.value))
    except (ValueError, IndexError):
        is_good = False
    if not is_good:
        raise Refusal("InvalidSignatureException", "The request signature does not match the registered key.")


def public_numbers(der: bytes) -> tuple[int, int]:
    """Modulus and exponent of an RSA SubjectPublicKeyInfo. Raises ValueError, IndexError."""
    outer = _parts(_parts(der)[0])
    modulus, exponent = _parts(_parts(outer[1][1:])[0])
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _parts(der: bytes) -> list[bytes]:
    """The contents of the DER values that stand in a row."""
    found, place = [], 0
    while place < len(der):
        size, place = der[place + 1], place + 2
        if size & 0x80:
            count = size & 0x7F
            size, place = int.from_bytes(der[place : place + count], "big"), place + count
        found.append(der[place : place + size])
        place += size
    return found


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _verify_pss(modulus: int, exponent: int, message: bytes, signature: bytes) -> bool:
    """RFC 8017, 9.1.2."""
    bits = modulus.bit_length() - 1
    encoded = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes((bits + 7) // 8, "big")
    masked, hashed = encoded[:-33], encoded[-33:-1]
    mask = b"".join(_digest(hashed + n.to_bytes(4, "big")) for n in range(len(masked) // 32 + 1))[: len(masked)]
    block = bytearray(a ^ b for a, b in zip(masked, mask, strict=True))
    block[0] &= 0xFF >> (8 * len(encoded) - bits)
    padding, one, salt = bytes(block).partition(b"\x01")
    if encoded[-1] != 0xBC or any(padding) or not one:
        return False
    return _digest(bytes(8) + _digest(message) + salt) == hashed
