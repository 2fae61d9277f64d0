"""One certificate as Go's crypto/x509 parses it, with all that Go refuses.

Source: Go crypto/x509 parser.go, parseCertificate and processExtensions (1.25).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import field
from datetime import date
from functools import lru_cache

from anywhere.frozen import frozen
from anywhere.hosts.probe.go.x509 import der
from anywhere.hosts.probe.go.x509.der import Malformed, Reader
from anywhere.hosts.probe.go.x509.extensions import Extensions, read_extensions

RSA, ECDSA, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.3.101.112"
X25519, DSA = "1.3.101.110", "1.2.840.10040.4.1"
# The curves that Go knows, by object identifier: the prime and the constant of y^2 = x^3 - 3x + b (FIPS 186-4, D.1.2).
CURVES: Mapping[str, tuple[int, int]] = {
    "1.3.132.0.33": (2**224 - 2**96 + 1, 0xB4050A850C04B3ABF54132565044B0B7D7BFD8BA270B39432355FFB4),
    "1.2.840.10045.3.1.7": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "1.3.132.0.34": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "1.3.132.0.35": (
        2**521 - 1,
        int("51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E1"
            "56193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00", 16),
    ),
}  # fmt: skip
NEGATIVE_SERIAL = "negative serial number"


@frozen
class Certificate:
    """What of a certificate decides. `subject` and `issuer` are DER, which Go compares byte by byte; dates are epoch
    seconds; `key` is the SubjectPublicKeyInfo, None for a kind of key that Go does not know."""

    raw: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    version: int
    serial: int
    algorithm: bytes = field(repr=False)
    issuer: bytes
    subject: bytes
    not_before: float
    not_after: float
    spki: bytes = field(repr=False)
    key_kind: str
    signature: bytes = field(repr=False)
    extensions: Extensions
    subject_names: tuple[tuple[str, str], ...] = ()
    issuer_names: tuple[tuple[str, str], ...] = ()

    @property
    def key_known(self) -> bool:
        """Whether Go has a public key for it."""
        return self.key_kind in (RSA, ECDSA, ED25519, X25519, DSA)


@lru_cache(maxsize=256)  # a fleet's hosts, and a host's endpoints, are sent the same few
def parse(raw: bytes) -> Certificate:
    """Parse one certificate. Raises Malformed where Go refuses it; a negative serial is left to the caller."""
    outer = _whole(raw)
    tbs_raw = outer.element(der.SEQUENCE, "tbs certificate")
    tbs = Reader(tbs_raw).into(der.SEQUENCE, "tbs certificate")
    version = tbs.into(0xA0, "version").integer("version") + 1 if tbs.tag == 0xA0 else 1
    if not 1 <= version <= 3:
        raise Malformed("invalid version")
    serial = tbs.integer("serial number")
    inner = tbs.value(der.SEQUENCE, "signature algorithm identifier")
    algorithm = outer.value(der.SEQUENCE, "algorithm identifier")
    if inner != algorithm:
        raise Malformed("inner and outer signature algorithm identifiers don't match")
    _algorithm(Reader(algorithm))
    issuer = tbs.element(der.SEQUENCE, "issuer")
    issuer_names = _names(issuer)
    validity = tbs.into(der.SEQUENCE, "validity")
    not_before, not_after = read_time(validity), read_time(validity)
    subject = tbs.element(der.SEQUENCE, "subject")
    subject_names = _names(subject)
    spki = tbs.element(der.SEQUENCE, "spki")
    kind = _public_key(spki)
    extensions = _extensions(tbs, version)
    _, signature = outer.bits("signature")
    return Certificate(
        raw, tbs_raw, version, serial, algorithm, issuer, subject, not_before, not_after, spki, kind, signature,
        extensions, subject_names, issuer_names,
    )  # fmt: skip


def _whole(raw: bytes) -> Reader:
    reader = Reader(raw)
    certificate = reader.into(der.SEQUENCE, "certificate")
    if not reader.empty:
        raise Malformed("trailing data")
    return certificate


def subject_of(raw: bytes) -> bytes:
    """The subject's DER alone, which is what a store is searched by. Raises Malformed."""
    tbs = _whole(raw).into(der.SEQUENCE, "tbs certificate")
    if tbs.tag == 0xA0:
        tbs.any("version")
    for part in ("serial number", "algorithm", "issuer", "validity"):
        tbs.any(part)
    return tbs.element(der.SEQUENCE, "subject")


def _extensions(tbs: Reader, version: int) -> Extensions:
    for tag in (0x81, 0x82) if version > 1 else ():
        if tbs.tag == tag:
            tbs.any("unique ID")
    if version < 3 or tbs.tag != 0xA3:
        return Extensions()
    return read_extensions(tbs.into(0xA3, "extensions").into(der.SEQUENCE, "extensions"))


_MOMENT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})?(Z|[+-][0-9]{4})")


def read_time(validity: Reader) -> float:
    """UTCTime, with or without seconds, or GeneralizedTime; with an offset that is not written as zero, or in UTC.

    Source: x/crypto/cryptobyte asn1.go, ReadASN1UTCTime and ReadASN1GeneralizedTime, which write a time again and compare.
    """
    if validity.tag not in (der.UTC_TIME, der.GENERALIZED_TIME):
        raise Malformed("unsupported time format")
    tag, value = validity.any("validity")
    text = value.decode("latin-1")
    if tag == der.UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    found = _MOMENT.fullmatch(text)
    if found is None or (tag == der.GENERALIZED_TIME and not found[6]):
        raise Malformed("malformed UTCTime" if tag == der.UTC_TIME else "malformed GeneralizedTime")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    offset = 0 if found[7] == "Z" else int(found[7][:3]) * 3600 + int(found[7][0] + found[7][3:]) * 60
    fits = 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60 and (found[7] == "Z" or offset)
    if not fits or not 1 <= day <= monthrange(year or 400, month)[1] or abs(offset) > 86400:
        raise Malformed("malformed UTCTime" if tag == der.UTC_TIME else "malformed GeneralizedTime")
    # Years repeat every 400, and Python's begin with 1.
    days = date(year or 400, month, day).toordinal() - (0 if year else _CYCLE) - _EPOCH
    return float(days * 86400 + hour * 3600 + minute * 60 + second - offset)


_EPOCH, _CYCLE = date(1970, 1, 1).toordinal(), 146097  # days


def _public_key(spki: bytes) -> str:
    """The kind of the key; Malformed for one of a known kind that Go does not take."""
    reader = Reader(spki).into(der.SEQUENCE, "spki")
    kind, parameters = _algorithm(reader.into(der.SEQUENCE, "public key algorithm identifier"))
    unused, key = reader.bits("subjectPublicKey")
    if unused:
        key = (int.from_bytes(key, "big") >> unused).to_bytes(len(key), "big")
    if kind == RSA:
        _rsa(parameters, key)
    elif kind == ECDSA:
        _ecdsa(parameters, key)
    elif kind in (ED25519, X25519) and (parameters or len(key) != 32):
        raise Malformed("Ed25519 or X25519 key encoded with illegal parameters or of a wrong size")
    return kind


def _algorithm(reader: Reader) -> tuple[str, bytes]:
    """An algorithm and its parameters; what stands behind them is passed over (parseAI)."""
    kind = reader.oid("OID")
    return kind, b"" if reader.empty else reader.element(reader.tag, "parameters")


def _rsa(parameters: bytes, key: bytes) -> None:
    if parameters != der.NULL:
        raise Malformed("RSA key missing NULL parameters")
    numbers = Reader(key).into(der.SEQUENCE, "RSA public key")
    modulus, exponent = numbers.integer("RSA modulus"), numbers.integer("RSA public exponent")
    if modulus <= 0 or not 0 < exponent < 1 << 63:
        raise Malformed("RSA modulus or exponent is not a positive number")


def _ecdsa(parameters: bytes, key: bytes) -> None:
    curve = Reader(parameters).oid("ECDSA parameters")
    if curve not in CURVES:
        raise Malformed("unsupported elliptic curve")
    prime, constant = CURVES[curve]
    size = (prime.bit_length() + 7) // 8
    if len(key) != 1 + 2 * size or key[0] != 4:
        raise Malformed("elliptic curve point is not uncompressed")
    x, y = int.from_bytes(key[1 : 1 + size], "big"), int.from_bytes(key[1 + size :], "big")
    if max(x, y) >= prime or (y * y - x * x * x + 3 * x - constant) % prime:
        raise Malformed("elliptic curve point is not on its curve")


_PRINTABLE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '()+,-./:=?*&")
_SHORT = {"2.5.4.3": "CN", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C"}


def _names(raw: bytes) -> tuple[tuple[str, str], ...]:
    """The attributes of a distinguished name, those that people read by short names."""
    found = []
    sequence = Reader(raw).into(der.SEQUENCE, "RDNSequence")
    while not sequence.empty:
        entries = sequence.into(der.SET, "RDNSequence")
        while not entries.empty:
            attribute = entries.into(der.SEQUENCE, "RDNSequence: attribute")
            kind = attribute.oid("RDNSequence: attribute type")
            text = _string(*attribute.any("RDNSequence: attribute value"))
            found.append((_SHORT.get(kind, kind), text))
    return tuple(found)


def _string(tag: int, value: bytes) -> str:
    """The string types that Go reads in a name, each with its own characters."""
    try:
        if tag == 0x14:  # T61String: read as Latin-1
            return value.decode("latin-1")
        if tag == 0x13 and all(byte in _PRINTABLE for byte in value):
            return value.decode("ascii")
        if tag == 0x0C:
            return value.decode("utf-8")
        if tag == 0x1E and len(value) % 2 == 0:
            return _ucs2(value.removesuffix(b"\0\0"))
        if tag == 0x16:
            return value.decode("ascii")
        if tag == 0x12 and all(byte in b"0123456789 " for byte in value):
            return value.decode("ascii")
    except UnicodeDecodeError:
        pass
    raise Malformed("invalid RDNSequence: invalid attribute value")


def _ucs2(value: bytes) -> str:
    points = [int.from_bytes(value[at : at + 2], "big") for at in range(0, len(value), 2)]
    if any(point in (0xFFFE, 0xFFFF) or 0xFDD0 <= point <= 0xFDEF or 0xD800 <= point <= 0xDFFF for point in points):
        raise Malformed("invalid RDNSequence: invalid attribute value")
    return "".join(map(chr, points))
