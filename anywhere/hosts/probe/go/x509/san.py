"""Subject alternative names: how Go reads them, and whether one is the name that was dialed.

Source: Go crypto/x509 parser.go (parseSANExtension), verify.go (VerifyHostname, validHostname, matchHostnames).
"""

from __future__ import annotations

import ipaddress

from anywhere.frozen import frozen
from anywhere.hosts.probe.go.x509 import der
from anywhere.hosts.probe.go.x509.der import Malformed, Reader
from anywhere.hosts.probe.proxy_url import NotAUrl, parse_url

MAIL, DNS, URI, IP = 1, 2, 6, 7
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@frozen
class AltNames:
    """Names in their order, by kind. Addresses are their 4 or 16 bytes."""

    dns: tuple[str, ...] = ()
    mail: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    addresses: tuple[bytes, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is a name of a kind that Go reads."""
        return bool(self.dns or self.mail or self.uris or self.addresses)


def read_alt_names(value: bytes) -> AltNames:
    """All names. One malformed name of a known kind spoils the certificate (Malformed)."""
    found: dict[int, list[bytes]] = {MAIL: [], DNS: [], URI: [], IP: []}
    reader = Reader(value).into(der.SEQUENCE, "subject alternative names")
    while not reader.empty:
        tag, data = reader.any("subject alternative name")
        kind = tag ^ 0x80
        if kind in (MAIL, DNS, URI) and not data.isascii():
            raise Malformed(f"SAN {'rfc822Name' if kind == MAIL else 'dNSName' if kind == DNS else 'URI'} is malformed")
        if kind == URI:
            _check_uri(data.decode())
        if kind == IP and len(data) not in (4, 16):
            raise Malformed(f"cannot parse IP address of length {len(data)}")
        if kind in found:
            found[kind].append(data)
    text = {kind: tuple(data.decode("latin-1") for data in items) for kind, items in found.items() if kind != IP}
    return AltNames(text[DNS], text[MAIL], text[URI], tuple(found[IP]))


def _check_uri(text: str) -> None:
    try:
        url = parse_url(text)
    except NotAUrl as error:
        raise Malformed(f"cannot parse URI in the alternative names: {error}") from None
    host = f"{url.host}:{url.port}" if url.port else url.host
    if host and not is_domain(host):
        raise Malformed("cannot parse URI in the alternative names: invalid domain")


def is_domain(text: str, constraint: bool = False) -> bool:
    """Go's domainNameValid: no blank, no empty label, no dot at the end."""
    if not text:
        return True
    if text.endswith("."):
        return False
    text = text[1:] if constraint and text.startswith(".") else text
    return all(33 <= ord(letter) <= 126 for letter in text) and all(text.split("."))


def matches(names: AltNames, host: str) -> bool:
    """Whether a certificate with these names is for this host."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return any(_is(pattern, host) for pattern in names.dns)
    return any(_same(address, data) for data in names.addresses)


def _same(address: ipaddress.IPv4Address | ipaddress.IPv6Address, data: bytes) -> bool:
    found = ipaddress.ip_address(data)
    plain = [one.ipv4_mapped or one if isinstance(one, ipaddress.IPv6Address) else one for one in (address, found)]
    return plain[0] == plain[1]


def _is(pattern: str, host: str) -> bool:
    pattern, host = pattern.lower(), host.lower()
    if not (_is_name(host.removesuffix("."), False) and _is_name(pattern, True)):
        return bool(pattern) and pattern.removesuffix(".") != "" and pattern == host
    wanted, given = pattern.split("."), host.removesuffix(".").split(".")
    return len(wanted) == len(given) and all(
        one == other or (at == 0 and one == "*") for at, (one, other) in enumerate(zip(wanted, given))
    )


def _is_name(text: str, pattern: bool) -> bool:
    if not text or text == "*":
        return False
    labels = text.split(".")
    if pattern and labels[0] == "*":
        labels = labels[1:]
    return all(label and not label.startswith("-") and set(label) <= _LABEL for label in labels)
