"""Name constraints of a CA, as Go applies them to the names of what it signed.

Source: Go crypto/x509 parser.go (parseNameConstraintsExtension), verify.go (checkNameConstraints, match...Constraint).
"""

from __future__ import annotations

import ipaddress
import re

from anywhere.frozen import frozen
from anywhere.hosts.probe.go.x509 import der
from anywhere.hosts.probe.go.x509.der import Malformed, Reader
from anywhere.hosts.probe.go.x509.san import DNS, IP, MAIL, URI, AltNames, is_domain
from anywhere.hosts.probe.proxy_url import NotAUrl, parse_url


@frozen
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
    good = mailbox(text) is not None if kind == MAIL and "@" in text else is_domain(text, constraint=True)
    if not value.isascii() or not good or (kind == URI and _address(text)):
        raise Malformed("failed to parse a name constraint")


def permits(constraints: Constraints, names: AltNames) -> str:
    """Empty when every name is allowed, else which is not."""
    for kind, name, data in _each(names):
        if (kind == MAIL and mailbox(name) is None) or (kind == DNS and not is_domain(name)):
            return f"cannot parse {name!r}"
        excluded, wanted = (
            [value for of, value in trees if of == kind] for trees in (constraints.excluded, constraints.permitted)
        )
        host = _host(kind, name)
        if host is None and (excluded or wanted):
            return f"{name!r} cannot be compared"
        if host is not None and any(_is_under(kind, host, data, value, excluded=True) for value in excluded):
            return f"{name!r} is excluded"
        if host is not None and wanted and not any(_is_under(kind, host, data, value) for value in wanted):
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
        parsed = mailbox(name)
        return parsed[1] if parsed else None
    if kind == URI:
        try:
            host = parse_url(name).host
        except NotAUrl:
            return None
        return host if host and is_domain(host) and not _address(host) else None
    return name


_QUOTED = re.compile(
    r'"((?:\\[\x01-\x09\x0b\x0c\x0e-\x7f]|[\x01-\x08\x0b\x0c\x0e-\x1f !\x23-\x5b\x5d-\x7f])*)"@(.*)', re.S
)
_ATOMS = re.compile(r"((?:\\[\s\S]|[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.])+)@(.*)", re.S)


def mailbox(text: str) -> tuple[str, str] | None:
    """An address taken apart, without its quotes and backslashes; None where Go refuses it (parseRFC2821Mailbox)."""
    found = (_QUOTED if text.startswith('"') else _ATOMS).fullmatch(text)
    if found is None or not is_domain(found[2]):
        return None
    local = re.sub(r"\\([\s\S])", r"\1", found[1])
    dots = not text.startswith('"') and (local[0] == "." or local[-1] == "." or ".." in local)
    return None if dots else (local, found[2])


def _is_under(kind: int, host: str, data: bytes, value: bytes, excluded: bool = False) -> bool:
    if kind == IP:
        half = len(value) // 2
        return len(data) == half and all(a & m == b & m for a, b, m in zip(data, value[:half], value[half:]))
    text = value.decode("latin-1")
    if kind == MAIL and "@" in text:
        one, other = mailbox(data.decode("latin-1")), mailbox(text)
        return bool(one and other) and one[0] == other[0] and one[1].lower() == other[1].lower()  # type: ignore[index]
    labels, wanted = host.lower().split("."), text.lower().removeprefix(".").split(".")
    if not text:
        return True
    if len(labels) < len(wanted) or (text.startswith(".") and len(labels) == len(wanted)):
        return False
    if excluded and host.startswith("*") and len(labels) > 1:
        # What a wildcard could stand for counts as excluded (Go 1.24.11 and 1.25.5).
        labels, wanted = labels[1:], wanted[1:]
    return not wanted or labels[-len(wanted) :] == wanted


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
