"""One proxy profile: address, credentials, exclusions, CA certificates. Read, checked, and written in each form."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from urllib.parse import quote, unquote, urlsplit

from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.held import hold

# What must never go to the proxy: both metadata addresses, and the docker socket that the ECS agent's own list has
# (AWS http_proxy_config; aws/amazon-ecs-agent ecs-agent/wsclient/client.go; developer guide issue 166 for docker).
NEEDED = ("169.254.169.254", "169.254.170.2", "/var/run/docker.sock")

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?")
_EXCLUSION = re.compile(r"[A-Za-z0-9._:/*\[\]-]{1,253}", re.A)
_SAFE = "-._~"


# gorilla/websocket, x_net_proxy.go: `proxy: unknown scheme: https`, in both agents; check names it proxy.wrong-scheme.
NO_TLS = "both agents' channels (WebSocket) do not speak TLS to a proxy (https://)"


@frozen
class Profile:
    """`address` is the URL without credentials, `userinfo` `user:password` percent-encoded (never printed), `no_proxy`
    what the caller excludes, `certificates` PEM texts, one certificate each, `region` whose names are looked up for private
    addresses (empty: where the host is registered)."""

    address: str = ""
    userinfo: str = field(default="", repr=False)
    no_proxy: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    region: str = ""

    @property
    def url(self) -> str:
        """The URL as programs need it: a secret where there are credentials."""
        scheme, _, rest = self.address.partition("://")
        return f"{scheme}://{self.userinfo}@{rest}" if self.userinfo else self.address

    @property
    def is_secret(self) -> bool:
        """Whether files that hold the URL are for root alone."""
        return bool(self.userinfo)

    def exclusions(self, present: str) -> str:
        """The caller's exclusions, those that are there, and those that are needed, each once. A `*` is all."""
        entries = [*self.no_proxy, *split(re.sub("[;|]", ",", present)), *NEEDED]
        return "*" if "*" in entries else ",".join(dict.fromkeys(entries))


def read_profile(url: str, credentials: str, no_proxy: Iterable[str], ca: bytes | None) -> Profile:
    """Check and join what the caller gave. `url` may hold credentials only when it came from a file. Raises BadInput,
    never with a secret in its text."""
    address, inner = _address(url) if url else ("", "")
    if inner and credentials.strip():
        raise BadInput("the proxy's credentials are given twice: in the URL and in the credentials file")
    if credentials.strip() and not address:
        raise BadInput("credentials without a proxy: give --url or --url-file")
    if not address and ca is None:
        raise BadInput("nothing to write: give --url http://HOST:PORT, --url-file or --ca")
    entries = tuple(dict.fromkeys(entry for text in no_proxy for entry in split(text)))
    for entry in entries:
        if not _EXCLUSION.fullmatch(entry):
            raise BadInput(f"--no-proxy takes names, addresses and networks with commas between, not {entry[:60]!r}")
    userinfo = inner or _userinfo(credentials)
    hold(unquote(userinfo.partition(":")[2]))
    return Profile(address, userinfo, entries, certificates(ca) if ca is not None else ())


def _address(url: str) -> tuple[str, str]:
    """The URL in its plain form, and its credentials encoded."""
    text = url.strip()
    hint = "the proxy must be http://HOST:PORT"
    if any(letter.isspace() or ord(letter) < 32 for letter in text):
        raise BadInput(f"{hint}: it holds blanks or control characters")
    if "://" not in text:
        raise BadInput(f"{hint}: the scheme is missing")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadInput(f"{hint}: characters such as / # ? [ in a password are written as %2F %23 %3F %5B") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise BadInput(f"{hint}: Docker and the agents do not speak {parts.scheme[:20]!r} to a proxy")
    if parts.scheme.lower() == "https":
        raise BadInput(f"{hint}: {NO_TLS}, so name the proxy's plain HTTP port")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadInput(f"{hint}: nothing may follow the port; in a password / ? # are written as %2F %3F %23")
    if not _is_host(host):
        raise BadInput(f"{hint}: its host is no name and no address")
    if not port:
        raise BadInput(f"{hint}: the port is missing, and programs differ in what they then take")
    shown = f"[{host}]" if ":" in host else host
    user = quote(unquote(parts.username or ""), safe=_SAFE)
    password = quote(unquote(parts.password or ""), safe=_SAFE)
    return f"{parts.scheme.lower()}://{shown}:{port}", f"{user}:{password}" if user or password else ""


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(_HOST_NAME.fullmatch(host))
    return True


def _userinfo(text: str) -> str:
    """`user:password` as a person writes it, on one line; everything is percent-encoded."""
    if not text.strip():
        return ""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    user, colon, password = lines[0].partition(":")
    if len(lines) != 1 or not colon or not user:
        raise BadInput("the credentials must be one line: user:password (as they are, not percent-encoded)")
    return f"{quote(user, safe=_SAFE)}:{quote(password, safe=_SAFE)}"


def split(text: str) -> tuple[str, ...]:
    """The entries of a list of exclusions."""
    return tuple(entry for entry in re.split(r"[,\s]+", text) if entry)


def certificates(data: bytes) -> tuple[str, ...]:
    """The certificates of a PEM file, one text each. Raises BadInput for a private key, for DER, and for none."""
    text = data.decode("ascii", "replace")
    if "PRIVATE KEY" in text:
        raise BadInput("--ca holds a private key: give the CA certificate alone")
    found = []
    for match in _CERTIFICATE.finditer(text):
        body = "".join(match[1].split())
        try:
            der = base64.b64decode(body, validate=True)
        except binascii.Error:
            raise BadInput("--ca: a certificate in it is damaged") from None
        if len(der) < 100 or der[0] != 0x30:
            raise BadInput("--ca: a certificate in it is damaged")
        lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
        found.append(f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    if not found:
        raise BadInput("--ca holds no PEM certificate; DER is converted by: openssl x509 -inform der -in FILE")
    return tuple(dict.fromkeys(found))


_ABOVE = (
    "# Written by `anywhere proxy apply`, removed by `anywhere proxy revert`. It is read after the other drop-ins,\n"
    "# so that it wins over them; what they exclude from the proxy is in here too.\n"
)


def drop_in(values: Mapping[str, str]) -> str:
    """A systemd drop-in. `%` starts a specifier there, so that an encoded password needs each one twice."""
    rows = "".join(f'Environment="{name}={_unit_value(value)}"\n' for name, value in values.items())
    return f"{_ABOVE}[Service]\n{rows}"


def file_drop_in(path: str) -> str:
    """A systemd drop-in that takes the variables from a file, where other environment files set them too."""
    return f"{_ABOVE}[Service]\nEnvironmentFile={path}\n"


def environment_file(values: Mapping[str, str]) -> str:
    """The file for it; within double quotes systemd wants a backslash before four characters (env-file.c)."""
    return "".join(f'{name}="{_QUOTED.sub(_escaped, value)}"\n' for name, value in values.items())


_QUOTED = re.compile(r'[\\"$`]')


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def _unit_value(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
