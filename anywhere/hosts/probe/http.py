"""HTTP/1.1 on a socket, as much as a probe needs: the request, the answer's head, and what the answer means."""

from __future__ import annotations

import base64
import re
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from anywhere.catalogue.issuers import is_public
from anywhere.hosts.base import HttpFacts, ProbeSpec, TlsFacts
from anywhere.hosts.probe.proxy_url import ProxyUrl
from anywhere.hosts.probe.tls import http_date
from anywhere.model import Reason
from anywhere.redact import redact

USER_AGENT = "ecs-anywhere-toolkit"
# Past one segment of an Ethernet path: a request that fits into one packet would not show that large ones are lost.
PADDING = "x-anywhere-padding: " + "." * 1800
BODY_KEPT = 400
TELLING_HEADERS = frozenset(
    ("server", "via", "location", "content-type", "proxy-authenticate", "www-authenticate", "x-squid-error")
    + ("x-amzn-requestid", "x-amz-request-id", "x-cache", "proxy-agent", "x-bluecoat-via", "x-zscaler-error")
)
REPEATED = ("proxy-authenticate", "www-authenticate", "via")
UPGRADED = frozenset((101, 400, 401, 403, 404))
# How the services write an error, whatever its status: JSON with a type, XML with a code or an exception's name.
_AWS_ERROR = re.compile(
    r'\{\s*"__type"\s*:|\{[^{}]*"(?:\w+Exception|__type)"\s*:|<(?:\w+Exception\b|ErrorResponse\b|Error>\s*<Code>)'
)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n")


@dataclass(frozen=True, slots=True)
class Head:
    """An answer: status, reason phrase, headers in lower case, the start of the body."""

    status: int
    phrase: str
    headers: dict[str, str]
    body: str

    def facts(self) -> HttpFacts:
        """The part that is kept."""
        kept = {name: redact(value)[:200] for name, value in self.headers.items() if name in TELLING_HEADERS}
        return HttpFacts(self.status, http_date(self.headers.get("date", "")), kept, redact(self.body[:BODY_KEPT]))

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people: AWS's service endpoints answer with JSON, XML or nothing."""
        kind = self.headers.get("content-type", "")
        return "text/html" in kind or self.body.lstrip()[:15].lower().startswith(("<!doctype html", "<html"))

    @property
    def is_from_aws(self) -> bool:
        """Whether a service of AWS's wrote it, whoever carried it here: a request's number, or an error in AWS's form.
        Throttling and a service's own faults (429, 5xx) have them too."""
        marked = any(name.startswith(("x-amzn-", "x-amz-")) for name in self.headers)
        return marked or bool(_AWS_ERROR.search(self.body))

    @property
    def is_aws(self) -> bool:
        """Whether it carries a mark of AWS's services or front ends."""
        server = self.headers.get("server", "").lower()
        return self.is_from_aws or server.startswith(("amazons3", "awselb", "server", "cloudfront"))


def ask(spec: ProbeSpec, nonce: bytes) -> bytes:
    """The request that a probe sends: unsigned, so no keys are needed."""
    lines = [f"GET {spec.path} HTTP/1.1", f"Host: {spec.host}", f"User-Agent: {USER_AGENT}"]
    if spec.scheme == "wss":
        lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        lines += [f"Sec-WebSocket-Key: {base64.b64encode(nonce).decode()}"]
    elif spec.scheme == "https":
        lines += ["Accept: */*", "Connection: close"]
    if spec.scheme != "http" and not spec.small:
        lines.append(PADDING)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connect_request(host: str, port: int, proxy: ProxyUrl) -> bytes:
    """CONNECT, with Basic credentials where the proxy's URL has them."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", f"User-Agent: {USER_AGENT}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_head(sock: socket.socket, end: float, *, body: bool) -> Head:
    """The answer's head and the start of its body. TimeoutError at `end` (monotonic seconds).

    Raises ValueError for what is no HTTP.
    """
    data = b""
    while b"\r\n\r\n" not in data and b"\n\n" not in data and len(data) < 65536:
        data += _receive(sock, end, 4096 if body else 1) or _ended(data)
        if len(data) >= 8 and not data.startswith(b"HTTP/"):
            raise ValueError("the answer is not HTTP")
    head, _, rest = data.replace(b"\n\n", b"\r\n\r\n", 1).partition(b"\r\n\r\n")
    match = _STATUS.match(head + b"\r\n")
    if not match:
        raise ValueError("the answer is not HTTP")
    headers: dict[str, str] = {}
    for line in head.decode("latin-1").splitlines()[1:]:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers and name in REPEATED else value
    status = int(match[1])
    if body and status != 101:
        rest = _more(sock, rest, headers, end)
    return Head(status, (match[2] or b"").decode("latin-1"), headers, rest.decode("utf-8", "replace"))


def _receive(sock: socket.socket, end: float, size: int) -> bytes:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time left")
    sock.settimeout(left)
    return sock.recv(size)


def _ended(data: bytes) -> bytes:
    raise ValueError("connection closed" + (" in the answer's head" if data else " without an answer"))


def _more(sock: socket.socket, rest: bytes, headers: dict[str, str], end: float) -> bytes:
    """A little of the body, to tell a page from an API's answer; a body that does not come is no fault."""
    wanted = headers.get("content-length", "")
    size = min(BODY_KEPT, int(wanted)) if wanted.isdigit() else BODY_KEPT if "transfer-encoding" in headers else 0
    try:
        while len(rest) < size:
            data = _receive(sock, min(end, time.monotonic() + 0.5), 4096)
            if not data:
                break
            rest += data
    except OSError:
        pass
    return rest


def proxy_reason(head: Head) -> tuple[Reason, str]:
    """What a proxy's refusal of CONNECT means."""
    said = f"{head.status} {head.phrase}".strip()
    if head.status == 407:
        offered = head.headers.get("proxy-authenticate", "")
        return Reason.PROXY_AUTH_REQUIRED, f"{said}; offers {offered}" if offered else said
    if head.status in (401, 403, 451):
        return Reason.PROXY_DENIED, said
    why = head.headers.get("x-squid-error", "")
    return Reason.PROXY_ERROR, f"{said}; {why}" if why else said


def judge(spec: ProbeSpec, head: Head, tls: TlsFacts | None) -> tuple[Reason, str] | None:
    """None when the far end is reached; else why this answer does not come from it.

    An endpoint that answers an unsigned request with 400, 401, 403 or 404 is reached (contract, reasons).
    """
    said = f"{head.status} {head.phrase}".strip()
    if spec.scheme == "http":
        return None
    foreign = tls is None or not is_public(tls.issuer_organization or tls.issuer)
    page = head.is_page and not head.is_aws and (foreign or "via" in head.headers or "x-squid-error" in head.headers)
    busy = head.is_from_aws and (head.status >= 500 or head.status == 429)
    if spec.scheme == "wss":
        if busy:
            return None
        if head.status not in UPGRADED or page:
            return Reason.UPGRADE_REFUSED, f"{said}{' (a page for people)' if head.is_page else ''}"
        return None
    if head.status >= 500 and not busy and (foreign or not head.is_aws):
        return Reason.HTTP_ERROR, said  # a device on the way: AWS's own faults are reached too
    if page:
        return Reason.CAPTIVE_PORTAL, f"{said}: a page for people, not AWS's answer"
    if head.status // 100 == 3 and foreign and _elsewhere(spec.host, head.headers.get("location", "")):
        return Reason.CAPTIVE_PORTAL, f"{said} to another site"
    return None


def _elsewhere(host: str, location: str) -> bool:
    target = urlsplit(location).hostname or host
    return target.split(".")[-2:] != host.split(".")[-2:] and not target.endswith("amazon.com")
