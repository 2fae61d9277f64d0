"""NO_PROXY as golang.org/x/net/http/httpproxy reads it: which hosts it excludes, and which entries exclude nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from anywhere.frozen import frozen

# What Go's strings.TrimSpace takes away: Python's strip takes four control characters more.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@frozen
class _Entry:
    """One entry: everything (all False), a network, an address, or a domain; `port` empty for any, `text` as written."""

    everything: bool = False
    network: Network | None = None
    address: Address | None = None
    domain: str = ""
    itself: bool = False
    port: str = ""
    text: str = ""


def is_excluded(no_proxy: str, host: str, port: int) -> bool:
    """Whether Go goes to this host without the proxy.

    `localhost` and loopback addresses always. An entry is an address, a network (for hosts given as addresses: names
    are not resolved), a domain with all below it, a domain with a leading `.` or `*.` for those below it alone, any of
    them but a network with `:port`, or `*` for everything.
    """
    return bool(matching_entry(no_proxy, host, port))


def matching_entry(no_proxy: str, host: str, port: int) -> str:
    """The first entry that excludes this host, as written; `loopback` where no entry is needed, empty for none."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return "loopback"
    name = _ascii(host).lower().strip(BLANKS)
    return next((one.text for one in _entries(no_proxy) if _matches(one, name, str(port), address)), "")


def corrected(no_proxy: str) -> str:
    """The list with commas where blanks, semicolons or bars were meant to part the entries."""
    return ",".join(dict.fromkeys(word for word in re.split(r"[,;|\s]+", no_proxy) if word))


def useless_entries(no_proxy: str) -> tuple[tuple[str, str], ...]:
    """The entries that exclude nothing at all, each with the reason."""
    found = []
    for text in (entry.strip(BLANKS) for entry in no_proxy.split(",")):
        if text == "*":
            break
        if why := _why_useless(text):
            found.append((text[:80], why))
    return tuple(found)


@lru_cache(maxsize=16)
def _entries(no_proxy: str) -> tuple[_Entry, ...]:
    return tuple(_read(no_proxy))


def _read(no_proxy: str) -> Iterator[_Entry]:
    for text in no_proxy.split(","):
        text = text.strip(BLANKS)
        if text == "*":
            yield _Entry(everything=True, text=text)
            return
        if entry := _entry(text.lower()):
            yield replace(entry, text=text)


def _entry(text: str) -> _Entry | None:
    if network := _network(text):
        return _Entry(network=network)
    host, port = _split_port(text)
    if not host:
        return None
    if address := _address(host):
        return _Entry(address=address, port=port)
    domain = _ascii(host.removeprefix("*") if host.startswith("*.") else host)
    itself = not domain.startswith(".")
    return _Entry(domain=f".{domain}" if itself else domain, itself=itself, port=port)


def _matches(entry: _Entry, name: str, port: str, address: Address | None) -> bool:
    if entry.everything:
        return True
    if entry.network is not None:
        return address is not None and address in entry.network
    if entry.port and entry.port != port:
        return False
    if entry.address is not None:
        return entry.address == address
    return name.endswith(entry.domain) or (entry.itself and name == entry.domain[1:])


def _split_port(text: str) -> tuple[str, str]:
    """Go's net.SplitHostPort; the whole text and no port where that refuses it."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        good = bracket and port.startswith(":") and not set(":[]") & set(port[1:]) and "[" not in host
        return (host, port[1:]) if good else (text, "")
    host, colon, port = text.rpartition(":")
    if not colon or set(":[]") & set(host) or set("[]") & set(port):
        return text, ""
    return host, port


def _address(text: str) -> Address | None:
    """Go's net.ParseIP: no zone, an IPv4 address inside IPv6 is that IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return None if address.scope_id else (address.ipv4_mapped or address)


def _network(text: str) -> Network | None:
    """Go's net.ParseCIDR: an address, a slash, a number of bits."""
    address, slash, bits = text.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()) or len(bits) > 3 or "%" in address:
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    mapped = isinstance(network, IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped
    return IPv4Network((mapped, network.prefixlen - 96)) if mapped else network


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    dot = "." if text.startswith(".") else ""
    try:
        return dot + text.removeprefix(".").encode("idna").decode("ascii")
    except UnicodeError:
        return text


def _why_useless(text: str) -> str:
    if not text:
        return ""
    host, port = _split_port(text)
    if not host:
        return "it has no host before the colon"
    if any(blank in text for blank in " \t;|"):
        return "entries are separated by commas, not by blanks, semicolons or bars"
    if "://" in text:
        return "an entry is a host, not a URL"
    if host.startswith("[") or (port and not port.isdigit()):
        return "write an IPv6 address without a port, or as [address]:port"
    if "*" in host.removeprefix("*.") and not _network(text):
        return "a * counts only alone or before a first dot"
    return ""
