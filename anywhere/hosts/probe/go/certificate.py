"""One certificate as Go's crypto/x509 parses it, with all that Go refuses.

Source: Go crypto/x509 parser.go, parseCertificate and processExtensions (1.25).
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import strptime

from anywhere.hosts.probe.go import der
from anywhere.hosts.probe.go.der import Malformed, Reader
from anywhere.hosts.probe.go.extensions import Extensions, read_extensions

RSA, ECDSA, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.3.101.112"
X25519, DSA = "1.3.101.110", "1.2.840.10040.4.1"
# The curves that Go knows, by object identifier, with the bytes of one coordinate.
CURVES: Mapping[str, int] = {
    "1.3.132.0.33": 28,  # P-224
    "1.2.840.10045.3.1.7": 32,  # P-256
    "1.3.132.0.34": 48,  # P-384
    "1.3.132.0.35": 66,  # P-521
}
NEGATIVE_SERIAL = "negative serial number"


@dataclass(frozen=True, slots=True)
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
    outer = Reader(raw).into(der.SEQUENCE, "certificate")
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
    Reader(algorithm).oid("OID")
    issuer = tbs.element(der.SEQUENCE, "issuer")
    issuer_names = _names(issuer)
    validity = tbs.into(der.SEQUENCE, "validity")
    not_before, not_after = _time(validity), _time(validity)
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


def subject_of(raw: bytes) -> bytes:
    """The subject's DER alone, which is what a store is searched by. Raises Malformed."""
    tbs = Reader(raw).into(der.SEQUENCE, "certificate").into(der.SEQUENCE, "tbs certificate")
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


def _time(validity: Reader) -> float:
    """UTCTime or GeneralizedTime, in UTC and without fractions."""
    if validity.tag not in (der.UTC_TIME, der.GENERALIZED_TIME):
        raise Malformed("unsupported time format")
    tag, value = validity.any("validity")
    text = value.decode("latin-1")
    if tag == der.UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    try:
        # Go takes a UTCTime without seconds too.
        return float(timegm(strptime(text, "%Y%m%d%H%M%SZ" if len(text) == 15 else "%Y%m%d%H%MZ")))
    except ValueError:
        raise Malformed("malformed UTCTime" if tag == der.UTC_TIME else "malformed GeneralizedTime") from None


def _public_key(spki: bytes) -> str:
    """The kind of the key; Malformed for one of a known kind that Go does not take."""
    reader = Reader(spki).into(der.SEQUENCE, "spki")
    algorithm = reader.into(der.SEQUENCE, "public key algorithm identifier")
    kind = algorithm.oid("OID")
    parameters = algorithm.data[algorithm.at : algorithm.end]
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
    if len(key) != 1 + 2 * CURVES[curve] or key[0] != 4:
        raise Malformed("elliptic curve point is not uncompressed")


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
