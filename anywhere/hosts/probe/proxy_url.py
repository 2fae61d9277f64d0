"""A proxy variable read as Go reads it: net/url.Parse, then golang.org/x/net/http/httpproxy's second try with http://.

Only what a proxy URL needs is kept: scheme, user part, host and port. Error texts never hold the value itself.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import field
from urllib.parse import unquote, unquote_to_bytes

from anywhere.errors import ParseError
from anywhere.frozen import frozen

DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
SOCKS = ("socks5", "socks5h")  # any other scheme net/http dials as an HTTP proxy (transport.go, dialConn)
OLD_SCHEMES = ("http", "https", "socks5")  # what httpproxy knew before it preserved others; the ECS agent's copy

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_PORT = re.compile(r"(?::[0-9]*)?")
_USERINFO = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# In a host Go takes only escapes of bytes above 0x7f and of the percent sign, and no blank or URL delimiter.
_HOST_TEXT = r"(?:[^\x00-\x20%/?#@\\^`{|}\x7f]|%[89A-Fa-f][0-9A-Fa-f]|%25)*"
_HOST = re.compile(_HOST_TEXT)
_HOST_IN_BRACKETS = re.compile(rf"\[{_HOST_TEXT}(?:%25.*)?\]")


class NotAUrl(ValueError):
    """Go refuses this text; the message says why."""


@frozen
class ProxyUrl:
    """A URL as Go took it apart. `userinfo` is as written; `port` is 0 where none was given.

    `has_authority` is whether anything stood where a host and port belong, `bare_colon` whether a colon without a port,
    `bare_ipv6` whether an IPv6 address without brackets, which net/url lets pass before
    Go 1.26 (golang/go issue 75223).
    """

    scheme: str
    host: str
    port: int = 0
    userinfo: str = field(default="", repr=False)
    has_authority: bool = field(default=False, repr=False)
    bare_colon: bool = field(default=False, repr=False)
    bare_ipv6: bool = field(default=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> ProxyUrl:
        """The proxy that a program dials. Raises ParseError (without the text: it may hold a password) where Go refuses
        the URL or could not dial it."""
        try:
            url = parse_proxy(text)
        except NotAUrl as error:
            raise ParseError(f"the proxy URL cannot be read ({error}): write http://HOST:PORT") from error
        # A scheme that net/http does not know it dials as an HTTP proxy, at the port that is written.
        if not url.host or not url.effective_port:
            raise ParseError("the proxy URL names no host or no port that can be dialed: write http://HOST:PORT")
        if url.effective_port > 65535:
            raise ParseError("the proxy's port is above 65535")
        return url

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization (Basic), empty without a user part."""
        if not self.userinfo:
            return ""
        return "Basic " + base64.b64encode(b":".join(self.credentials)).decode()

    @property
    def effective_port(self) -> int:
        """The port that Go dials: the scheme's own where none was given, 0 for an unknown scheme."""
        return self.port or DEFAULT_PORTS.get(self.scheme, 0)

    @property
    def user(self) -> str:
        """The user name, percent-decoded."""
        return unquote(self.userinfo.partition(":")[0])

    @property
    def password(self) -> str:
        """The password, percent-decoded."""
        return unquote(self.userinfo.partition(":")[2])

    @property
    def credentials(self) -> tuple[bytes, bytes]:
        """User name and password as they are sent, in whatever encoding they were written."""
        user, _, password = self.userinfo.partition(":")
        return unquote_to_bytes(user), unquote_to_bytes(password)

    @property
    def written(self) -> str:
        """The URL with a port, and brackets, only where they were written."""
        host = f"[{self.host}]" if ":" in self.host and not self.bare_ipv6 else self.host
        at = f"{self.userinfo}@" if self.userinfo else ""
        return f"{self.scheme}://{at}{host}" + (f":{self.port}" if self.port else ":" * self.bare_colon)

    def __str__(self) -> str:
        """The URL with its port, the user part as written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        at = f"{self.userinfo}@" if self.userinfo else ""
        port = f":{self.effective_port}" if self.effective_port else ""
        return f"{self.scheme}://{at}{host}{port}"


def parse_proxy(text: str, *, old: bool = False) -> ProxyUrl:
    """A proxy variable as Go takes it. `old` is the reading of before 2024, still in the ECS agent's own copy.

    Raises NotAUrl where Go refuses it, and then goes on as if the variable were not set.
    Source: golang/net http/httpproxy/proxy.go, parseProxy; aws/amazon-ecs-agent ecs-agent/utils/httpproxy/proxy.go.
    """
    try:
        url = parse_url(text)
    except NotAUrl as error:
        try:
            return parse_url("http://" + text)
        except NotAUrl:
            raise error from None
    good = url.scheme in OLD_SCHEMES if old else url.scheme and url.has_authority
    if good:
        return url
    try:
        return parse_url("http://" + text)
    except NotAUrl:
        return url


def parse_url(text: str) -> ProxyUrl:
    """Go's net/url.Parse alone. Raises NotAUrl."""
    text, _, fragment = text.partition("#")
    if _CONTROL.search(text):
        raise NotAUrl("a control character (a line end, a carriage return) is in it")
    scheme, rest = _split_scheme(text)
    rest = rest.partition("?")[0]
    authority, path = "", rest
    if not rest.startswith("/"):
        if not scheme and ":" in rest.partition("/")[0]:
            raise NotAUrl("there is a colon before any slash, so the start reads as a scheme")
        path = "" if scheme else rest
    elif rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
    if _BAD_ESCAPE.search(path) or _BAD_ESCAPE.search(fragment):
        raise NotAUrl("a % is not followed by two hexadecimal digits")
    return _authority(scheme, authority)


def _split_scheme(text: str) -> tuple[str, str]:
    if text.startswith(":"):
        raise NotAUrl("the scheme is missing before the colon")
    found = _SCHEME.match(text)
    if found and text[found.end() : found.end() + 1] == ":":
        return found[0].lower(), text[found.end() + 1 :]
    return "", text


def _authority(scheme: str, text: str) -> ProxyUrl:
    userinfo, _, hostport = text.rpartition("@")
    host, port = _host(hostport)
    if not _USERINFO.fullmatch(userinfo):
        raise NotAUrl("the user name or password holds a character that must be written as % and two digits")
    if _BAD_ESCAPE.search(userinfo):
        raise NotAUrl("a % in the user name or password is not followed by two hexadecimal digits")
    bare_ipv6 = ":" in host and "[" not in hostport
    return ProxyUrl(scheme, host, port, userinfo, bool(hostport), hostport.endswith(":"), bare_ipv6)


def _host(text: str) -> tuple[str, int]:
    if "[" in text:
        end = text.rfind("]")
        if end < 0:
            raise NotAUrl("the ] after an IPv6 address is missing")
        host, port, allowed = text[text.rfind("[") : end + 1], text[end + 1 :], _HOST_IN_BRACKETS
    else:
        colon = text.rfind(":")
        host, port, allowed = (text, "", _HOST) if colon < 0 else (text[:colon], text[colon:], _HOST)
    if not _PORT.fullmatch(port):
        raise NotAUrl("the port is not a number")
    if not allowed.fullmatch(host):
        raise NotAUrl("the host name holds a character that no host name may have")
    digits = port[1:].lstrip("0")[:9]
    return _in_brackets(host) if allowed is _HOST_IN_BRACKETS else unquote(host), int(digits or 0)


def _in_brackets(host: str) -> str:
    """Only an IPv6 address may stand in brackets (net/url parseHost, from Go 1.24.8 and 1.25.2 on)."""
    address = unquote(host[1:-1])
    try:
        if isinstance(ipaddress.ip_address(address), ipaddress.IPv6Address):
            return address
    except ValueError:
        pass
    raise NotAUrl("what is in brackets is no IPv6 address")
