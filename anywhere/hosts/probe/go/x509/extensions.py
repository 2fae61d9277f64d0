"""The extensions of a certificate that Go acts on, and what it refuses in them.

Source: Go crypto/x509 parser.go, processExtensions and the functions that it calls (1.25).
"""

from __future__ import annotations

from dataclasses import field, replace

from anywhere.frozen import frozen
from anywhere.hosts.probe.go.x509 import der
from anywhere.hosts.probe.go.x509.constraints import Constraints, read_constraints
from anywhere.hosts.probe.go.x509.der import Malformed, Reader, is_oid
from anywhere.hosts.probe.go.x509.san import AltNames, read_alt_names

KEY_USAGE, ALT_NAMES, BASIC, CONSTRAINTS = "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30"
CRL_POINTS, POLICIES, MAPPINGS, AUTHORITY_KEY = "2.5.29.31", "2.5.29.32", "2.5.29.33", "2.5.29.35"
POLICY_LIMITS, PURPOSES, ANY_POLICY, SUBJECT_KEY = "2.5.29.36", "2.5.29.37", "2.5.29.54", "2.5.29.14"
AUTHORITY_ACCESS = "1.3.6.1.5.5.7.1.1"
URI_TAG = 0x86


@frozen
class Extensions:
    """What the extensions say. `is_ca` is None without basicConstraints, `path_length` -1 without a limit, `usage` 0
    without keyUsage (bit n as RFC 5280 counts them), `purposes` the extended key usages, `unhandled` critical extensions
    that Go does not know, `policies` and `mappings` certificate policies as DER, `policy_limits` after how many certificates
    a policy is demanded, mappings end and any policy no longer counts (-1: never)."""

    is_ca: bool | None = None
    path_length: int = -1
    usage: int = 0
    purposes: tuple[str, ...] = ()
    names: AltNames = field(default_factory=AltNames)
    alt_names: bytes = b""
    constraints: Constraints | None = None
    unhandled: tuple[str, ...] = ()
    policies: tuple[bytes, ...] = ()
    mappings: tuple[tuple[bytes, bytes], ...] = ()
    policy_limits: tuple[int, int, int] = (-1, -1, -1)


def read_extensions(reader: Reader) -> Extensions:
    """All extensions. Raises Malformed."""
    found = Extensions()
    seen: set[str] = set()
    while not reader.empty:
        one = reader.into(der.SEQUENCE, "extension")
        oid = one.oid("extension OID field")
        critical = one.boolean("extension critical field") if one.tag == der.BOOLEAN else False
        value = one.value(der.OCTET_STRING, "extension value field")
        if oid in seen:
            raise Malformed(f"duplicate extension {oid}")
        seen.add(oid)
        found = _take(found, oid, critical, value)
    return found


def _take(found: Extensions, oid: str, critical: bool, value: bytes) -> Extensions:
    unhandled = False
    if oid == KEY_USAGE:
        found = replace(found, usage=_usage(value))
    elif oid == BASIC:
        is_ca, length = _basic(value)
        found = replace(found, is_ca=is_ca, path_length=length)
    elif oid == ALT_NAMES:
        names = read_alt_names(value)
        unhandled = not names.any
        found = replace(found, names=names, alt_names=value)
    elif oid == CONSTRAINTS:
        constraints, unhandled = read_constraints(value)
        found = replace(found, constraints=constraints)
    elif oid == PURPOSES:
        found = replace(found, purposes=_purposes(value))
    elif oid in (SUBJECT_KEY, AUTHORITY_KEY, AUTHORITY_ACCESS):
        _keys(oid, critical, value)
    elif oid == CRL_POINTS:
        _crl_points(value)
    elif oid in (POLICIES, MAPPINGS, POLICY_LIMITS, ANY_POLICY):
        found = _policies(found, oid, value)
    else:
        unhandled = True
    return replace(found, unhandled=(*found.unhandled, oid)) if critical and unhandled else found


def _usage(value: bytes) -> int:
    _, bits = Reader(value).bits("key usage")
    return sum(1 << at for at in range(9) if at // 8 < len(bits) and bits[at // 8] & (0x80 >> at % 8))


def _basic(value: bytes) -> tuple[bool, int]:
    reader = Reader(value).into(der.SEQUENCE, "basic constraints")
    is_ca = reader.boolean("basic constraints") if reader.tag == der.BOOLEAN else False
    if reader.tag != der.INTEGER:
        return is_ca, -1
    length = reader.integer("basic constraints")
    if not 0 <= length < 1 << 63:
        raise Malformed("invalid basic constraints")
    return is_ca, length


def _purposes(value: bytes) -> tuple[str, ...]:
    reader = Reader(value).into(der.SEQUENCE, "extended key usages")
    found = []
    while not reader.empty:
        found.append(reader.oid("extended key usages"))
    return tuple(found)


def _keys(oid: str, critical: bool, value: bytes) -> None:
    """The form alone: nothing that these extensions hold decides whether a certificate is accepted."""
    if critical:
        raise Malformed(f"extension {oid} incorrectly marked critical")
    if oid == SUBJECT_KEY:
        Reader(value).value(der.OCTET_STRING, "subject key identifier")
        return
    if oid == AUTHORITY_KEY:
        reader = Reader(value).into(der.SEQUENCE, "authority key identifier")
        if reader.tag == 0x80:
            reader.value(0x80, "authority key identifier")
        return
    reader = Reader(value).into(der.SEQUENCE, "authority info access")
    while not reader.empty:
        entry = reader.into(der.SEQUENCE, "authority info access")
        entry.oid("authority info access")
        if entry.tag == URI_TAG:
            entry.any("authority info access")


def _crl_points(value: bytes) -> None:
    """They decide nothing here, but spoil the certificate when they are malformed."""
    reader = Reader(value).into(der.SEQUENCE, "CRL distribution points")
    while not reader.empty:
        entry = reader.into(der.SEQUENCE, "CRL distribution point")
        if entry.tag == 0xA0:
            point = entry.into(0xA0, "CRL distribution point").into(0xA0, "CRL distribution point")
            while point.tag == URI_TAG:
                point.any("CRL distribution point")


def _policies(found: Extensions, oid: str, value: bytes) -> Extensions:
    reader, (explicit, mapping, any_policy) = Reader(value), found.policy_limits
    if oid == ANY_POLICY:
        return replace(found, policy_limits=(explicit, mapping, _int64(reader, der.INTEGER, "inhibit any policy")))
    reader = reader.into(der.SEQUENCE, "certificate policies")
    if oid == POLICY_LIMITS:
        explicit = _int64(reader, 0x80, "policy constraints") if reader.tag == 0x80 else -1
        mapping = _int64(reader, 0x81, "policy constraints") if reader.tag == 0x81 else -1
        return replace(found, policy_limits=(explicit, mapping, any_policy))
    rows: list[list[bytes]] = []
    while not reader.empty:
        entry = reader.into(der.SEQUENCE, "certificate policies")
        rows.append([entry.value(der.OID, "certificate policies") for _ in range(1 if oid == POLICIES else 2)])
    if oid == MAPPINGS:
        return replace(found, mappings=tuple((issuer, subject) for issuer, subject in rows))
    names = tuple(name for (name,) in rows)
    if len(set(names)) < len(names) or not all(map(is_oid, names)):
        raise Malformed("invalid certificate policies")
    return replace(found, policies=names)


def _int64(reader: Reader, tag: int, part: str) -> int:
    number = reader.integer(f"{part} extension", tag)
    if not -(1 << 63) <= number < 1 << 63:
        raise Malformed(f"malformed {part} extension")
    return number
