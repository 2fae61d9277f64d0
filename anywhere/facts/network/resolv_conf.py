"""How names are resolved here: resolv.conf, /etc/hosts, and what a container on the bridge would ask instead."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator

from anywhere.documents.numbers import whole
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import once_a_run
from anywhere.printable import ip_text

RESOLV_CONF = "/etc/resolv.conf"
BEHIND_STUB = "/run/systemd/resolve/resolv.conf"
HOSTS = "/etc/hosts"
BYTE_ORDER_MARK = "\ufeff"
STUBS = ("127.0.0.53", "127.0.0.54")
LONGEST_LINE = 64 * 1024  # bytes of a line that are read, as by Go at a time (net/parse.go)
MOST_NAMESERVERS = 3  # MAXNS of the C library: further lines are ignored
DOCKER_FALLBACK = ("8.8.8.8", "8.8.4.4")  # libnetwork's default when only loopback servers are left


@frozen
class ResolvConf:
    """The nameservers in use (at most three), search domains and ndots; `bad` holds lines that cannot be used. `use_vc` is
    whether questions go over TCP alone (resolv.conf(5); Go net dnsconfig_unix.go, which knows three words for it), `patience`
    the seconds that a question may take in all where the options say so (0: they do not), `one_try` those of a single try."""

    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1
    bad: tuple[str, ...] = ()
    present: bool = True
    use_vc: bool = False
    patience: int = 0
    one_try: int = 5


@frozen
class Pin:
    """A line of /etc/hosts that gives a name an address. The agents read it (`to_go`), the C library does (`to_libc`), or both:
    a name that ends in a dot is the same to Go alone, and so is an address with a zone; a form feed is a blank to the C
    library alone (Go net hosts.go, parse.go; glibc nss/nss_files/files-parse.c)."""

    name: str
    address: str
    line: int
    to_go: bool = True
    to_libc: bool = True


def parse_resolv_conf(text: str) -> ResolvConf:
    """`nameserver 10.0.0.53` and so on; the last search or domain line wins, as in resolv.conf(5).

    The C library takes a nameserver only at the start of a line and up to a space, tab or line feed: what an editor of
    another system left (a carriage return), or a comment without a space before it, makes the address none.
    """
    servers: list[str] = []
    search: tuple[str, ...] = ()
    ndots = 1
    options: list[str] = []
    bad: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0][0] in "#;":
            continue
        if words[0] == "nameserver":
            address = _address(words[1]) if len(words) > 1 else ""
            blemish = _blemish(line)
            if address and not blemish:
                servers.append(address)
            else:
                bad.append(f"line {number}: {line.strip()[:80]}{blemish}")
        elif words[0].lstrip(BYTE_ORDER_MARK).lower().startswith("nameserver"):
            marked = " (with a byte order mark before it)" if words[0].startswith(BYTE_ORDER_MARK) else ""
            bad.append(f"line {number}: {line.strip().lstrip(BYTE_ORDER_MARK)[:80]}{marked}")
        elif words[0] in ("search", "domain"):
            search = tuple(word.rstrip(".").lower() for word in words[1:] if word.strip("."))
        elif words[0] == "options":
            options += words[1:]
    ndots = min(15, _option(options, "ndots", 1))
    return ResolvConf(
        tuple(servers[:MOST_NAMESERVERS]),
        search,
        ndots,
        tuple(bad),
        use_vc=any(word in options for word in ("use-vc", "usevc", "tcp")),
        patience=_patience(options),
        one_try=_one_try(options),
    )


def _option(options: list[str], name: str, usual: int) -> int:
    """The last value of `name:7`; the usual one where there is none."""
    values = [word.removeprefix(f"{name}:") for word in options if word.startswith(f"{name}:")]
    found = [number for value in values if (number := whole(value)) is not None and number < 1000]
    return found[-1] if found else usual


def _patience(options: list[str]) -> int:
    """Seconds: the time of a try by their number, as both resolvers bound them (resolv.conf(5), Go net dnsconfig_unix.go)."""
    if not any(word.startswith(("timeout:", "attempts:")) for word in options):
        return 0
    return _one_try(options) * max(1, min(5, _option(options, "attempts", 2)))


def _one_try(options: list[str]) -> int:
    return max(1, min(30, _option(options, "timeout", 5)))


def _blemish(line: str) -> str:
    if "\r" in line:
        return " (with a carriage return)"
    return " (with a blank before it)" if line[0].isspace() else ""


def _address(text: str) -> str:
    try:
        return ip_text(text.partition("%")[0]) + text[len(text.partition("%")[0]) :]
    except ValueError:
        return ""


_WORDS_OF_GO, _WORDS_OF_LIBC = re.compile(r"[^ \t\r\n]+"), re.compile(r"[^ \t\r\n\v\f]+")


def _pins_of(number: int, line: str) -> Iterator[Pin]:
    text = line.partition("#")[0]
    to_go = [(name.rstrip("."), address) for name, address in _pairs(_WORDS_OF_GO.findall(text))]
    pairs = _pairs(_WORDS_OF_LIBC.findall(text))
    to_libc = [(name, address) for name, address in pairs if not name.endswith(".") and "%" not in address]
    for one in dict.fromkeys((*to_go, *to_libc)):
        yield Pin(*one, number, one in to_go, one in to_libc)


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each name of a line with the line's address."""
    if len(words) > 1 and (address := _address(words[0])):
        yield from ((name.lower(), address) for name in words[1:])


def _lines_with(data: bytes, names: Collection[str]) -> dict[int, str]:
    """The lines that have one of these names somewhere, by their numbers. A list of what is blocked has hundreds of
    thousands of lines, and each name of a region is looked up in it."""
    found = {}
    # A name that is empty (of `.`) or holds a blank would match everywhere, or without end.
    for name in (name for name in names if name.split() == [name]):
        number, start, wanted = 1, 0, name.encode("utf-8", "surrogatepass")
        while (at := data.find(wanted, start)) >= 0:
            number += data.count(b"\n", start, at)
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            begin = data.rfind(b"\n", 0, at) + 1
            found[number] = data[begin : min(end, begin + LONGEST_LINE)].decode("utf-8", "replace")
            start = end
    return found


def resolv_conf(host: Host, path: str = RESOLV_CONF) -> ResolvConf:
    """The file as it is now; an absent one names no nameserver."""
    try:
        return parse_resolv_conf(host.read(path).decode("utf-8", "replace"))
    except OSError:
        return ResolvConf(present=False)


@once_a_run
def _hosts_file(host: Host) -> bytes | None:
    """In lower case; None where it cannot be read."""
    try:
        return host.read(HOSTS).lower()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError:
        return None


def pins(host: Host, wanted: Collection[str]) -> tuple[Pin, ...] | None:
    """The lines of /etc/hosts with these names, which are in lower case, as any program reads them; None where the file
    cannot be read."""
    data = _hosts_file(host)
    if data is None:
        return None
    lines = sorted(_lines_with(data, wanted).items())
    return tuple(pin for number, line in lines for pin in _pins_of(number, line) if pin.name in wanted)


def upstream(host: Host) -> ResolvConf:
    """The nameservers behind systemd-resolved's stub where resolv.conf names only that, else resolv.conf's own."""
    own = resolv_conf(host)
    if own.nameservers and all(server in STUBS for server in own.nameservers):
        behind = resolv_conf(host, BEHIND_STUB)
        if behind.nameservers:
            return behind
    return own


def container_nameservers(host: Host, daemon_dns: tuple[str, ...]) -> tuple[str, ...]:
    """Whom a container on the default bridge asks: daemon.json's `dns`, else the host's servers that are not loopback,
    else Docker's own fallback (libnetwork/internal/resolvconf)."""
    if daemon_dns:
        return daemon_dns
    outside = tuple(server for server in upstream(host).nameservers if not is_loopback(server))
    return outside or DOCKER_FALLBACK


def is_loopback(address: str) -> bool:
    """Whether an address is the asking program's own host or container; False for what is no address."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
