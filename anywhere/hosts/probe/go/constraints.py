"""Name constraints of a CA, as Go applies them to the names of what it signed.

Source: Go crypto/x509 parser.go (parseNameConstraintsExtension), verify.go (checkNameConstraints, match...Constraint).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from anywhere.hosts.probe.go import der
from anywhere.hosts.probe.go.der import Malformed, Reader
from anywhere.hosts.probe.go.san import DNS, IP, MAIL, URI, AltNames, is_domain
from anywhere.hosts.probe.proxy_url import NotAUrl, parse_url


@dataclass(frozen=True, slots=True)
class Constraints:
    """Permitted and excluded subtrees: (kind, value) with domains as text and networks as address and mask bytes."""

    permitted: tuple[tuple[int, bytes], ...] = ()
    excluded: tuple[tuple[int, bytes], ...] = ()


def read_constraints(value: bytes) -> tuple[Constraints, bool]:
    """The constraints, and whether some are of a kind that Go does not handle. Raises Malformed."""
    outer = Reader(value)
    top = outer.into(der.SEQUENCE, "NameConstraints extension")
    lists = [top.into(tag, "NameConstraints extension") if top.tag == tag else Reader(b"") for tag in (0xA0, 0xA1)]
    if not outer.empty or not top.empty:
        raise Malformed("invalid NameConstraints extension")
    if all(reader.empty for reader in lists):
        raise Malformed("empty name constraints extension")
    (permitted, one), (excluded, two) = (_subtrees(reader) for reader in lists)
    return Constraints(permitted, excluded), one or two


def _subtrees(reader: Reader) -> tuple[tuple[tuple[int, bytes], ...], bool]:
    found, unhandled = [], False
    while not reader.empty:
        tag, value = reader.into(der.SEQUENCE, "NameConstraints extension").any("NameConstraints extension")
        kind = tag ^ 0x80
        if kind not in (DNS, IP, MAIL, URI):
            unhandled = True
            continue
        _check(kind, value)
        found.append((kind, value))
    return tuple(found), unhandled


def _check(kind: int, value: bytes) -> None:
    if kind == IP:
        half = len(value) // 2
        mask = int.from_bytes(value[half:], "big")
        inverted = ~mask & ((1 << 8 * half) - 1)
        if len(value) not in (8, 32) or inverted & (inverted + 1):
            raise Malformed("IP constraint contained an invalid value")
        return
    text = value.decode("latin-1")
    domain = text.rpartition("@")[2] if kind == MAIL else text
    if not value.isascii() or not is_domain(domain, constraint=True) or (kind == URI and _address(text)):
        raise Malformed("failed to parse a name constraint")


def permits(constraints: Constraints, names: AltNames) -> str:
    """Empty when every name is allowed, else which is not."""
    for kind, name, data in _each(names):
        host = _host(kind, name)
        if host is None:
            return f"cannot parse {name!r}"
        if any(_is_under(kind, host, data, value) for of, value in constraints.excluded if of == kind):
            return f"{name!r} is excluded"
        wanted = [value for of, value in constraints.permitted if of == kind]
        if wanted and not any(_is_under(kind, host, data, value) for value in wanted):
            return f"{name!r} is not permitted"
    return ""


def _each(names: AltNames) -> list[tuple[int, str, bytes]]:
    texts = [
        (kind, name) for kind, group in ((MAIL, names.mail), (DNS, names.dns), (URI, names.uris)) for name in group
    ]
    addresses = [(IP, str(ipaddress.ip_address(data)), data) for data in names.addresses]
    return [(kind, name, name.encode()) for kind, name in texts] + addresses


def _host(kind: int, name: str) -> str | None:
    """The part of a name that is compared; None where Go cannot tell."""
    if kind == MAIL:
        local, at, domain = name.rpartition("@")
        return domain if local and at and " " not in name else None
    if kind == URI:
        try:
            host = parse_url(name).host
        except NotAUrl:
            return None
        return host if host and not _address(host) else None
    return name if kind == IP or is_domain(name) else None


def _is_under(kind: int, host: str, data: bytes, value: bytes) -> bool:
    if kind == IP:
        half = len(value) // 2
        return len(data) == half and all(a & m == b & m for a, b, m in zip(data, value[:half], value[half:]))
    text = value.decode("latin-1").lower()
    if kind == MAIL and "@" in text:
        return data.decode("latin-1").lower() == text
    labels, wanted = host.lower().removesuffix(".").split("."), text.removeprefix(".").split(".")
    if not text:
        return True
    below = labels[-len(wanted) :] == wanted
    return below and (len(labels) > len(wanted) or not text.startswith("."))


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
