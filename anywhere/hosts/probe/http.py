"""What an HTTP answer means to the program that asked: reached, or why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from urllib.parse import urljoin, urlsplit

from anywhere.catalogue.issuers import is_public
from anywhere.catalogue.requests import OWN
from anywhere.frozen import frozen
from anywhere.hosts.base import HttpFacts, Probe, ProbeSpec, TlsFacts
from anywhere.hosts.probe.go.json_value import NotJson, whole
from anywhere.hosts.probe.go.request import call_of
from anywhere.hosts.probe.go.response import SWITCHING, Answer, Body
from anywhere.hosts.probe.tls import http_date
from anywhere.model import Reason
from anywhere.redact import redact

BODY_KEPT = 400
LOCAL_KEPT = 1 << 16  # of what the agent on this host says of itself: its list of tasks is long
REFUSAL_KEPT = 1024  # bytes of a refused upgrade's body that gorilla/websocket hands on
TELLING_HEADERS = frozenset(
    ("server", "via", "location", "content-type", "proxy-authenticate", "www-authenticate", "x-squid-error")
    + ("x-amzn-requestid", "x-amz-request-id", "x-cache", "proxy-agent", "x-bluecoat-via", "x-zscaler-error")
    + ("x-amzn-errortype", "connection", "upgrade")
)
REACHED = frozenset((400, 401, 403, 404))
# How the services write an error, whatever its status: JSON with a type, XML with a code or an exception's name.
_AWS_ERROR = re.compile(
    r'\{\s*"__type"\s*:|\{[^{}]*"(?:\w+Exception|__type)"\s*:|<(?:\w+Exception\b|ErrorResponse\b|Error>\s*<Code>)'
)


@frozen
class Head:
    """An answer: status, reason phrase, headers in lower case (repeated ones joined, and as they came), the start of the body.

    `spoiled` is why the body could not be read as this program reads it; `named` whether it names an error of AWS's."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: str
    spoiled: str = ""
    named: bool = False
    each: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, answer: Answer, text: bytes = b"", spoiled: str = "", named: bool = False) -> Head:
        """From what was read."""
        joined = {name: ", ".join(values) for name, values in answer.headers.items()}
        body = text[:LOCAL_KEPT].decode("utf-8", "replace")
        return cls(answer.status, answer.phrase, joined, body, spoiled, named, answer.headers)

    def first(self, name: str) -> str:
        """The header's first value, which is the one that Go's Header.Get gives; empty without one."""
        return next(iter(self.each.get(name, ())), self.headers.get(name, ""))

    def facts(self, kept_of_body: int = BODY_KEPT) -> HttpFacts:
        """The part that is kept."""
        kept = {name: redact(value)[:200] for name, value in self.headers.items() if name in TELLING_HEADERS}
        return HttpFacts(self.status, http_date(self.headers.get("date", "")), kept, redact(self.body[:kept_of_body]))

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people: AWS's service endpoints answer with JSON, XML or nothing."""
        kind = self.first("content-type")
        return "text/html" in kind or self.body.lstrip()[:15].lower().startswith(("<!doctype html", "<html"))

    @property
    def is_from_aws(self) -> bool:
        """Whether a service of AWS's wrote it, whoever carried it here: a request's number, or an error in AWS's form.
        Throttling and a service's own faults (429, 5xx) have them too."""
        marked = any(
            name in self.headers for name in ("x-amzn-requestid", "x-amz-request-id", "x-amz-cf-id", "x-amzn-errortype")
        )
        return marked or bool(_AWS_ERROR.search(self.body))

    @property
    def is_aws(self) -> bool:
        """Whether it carries a mark of AWS's services or front ends."""
        server = self.headers.get("server", "").lower()
        return self.is_from_aws or server.startswith(("amazons3", "awselb", "server", "cloudfront"))


def read_body(spec: ProbeSpec, answer: Answer, body: Body) -> Head:
    """The answer with as much of its body as the program reads: the ECS agent and docker to the end, the SSM agent one
    JSON value (aws-sdk-go v1 private/protocol/json/jsonutil, v2 smithy-go; moby registry client). TimeoutError when it
    does not come in time."""
    call = call_of(spec)
    spoiled, fields = "", dict[bytes, bytes]()
    try:
        if call.json and spec.client == "ssm-agent":
            fields = body.value()
        else:
            body.all()
            fields = _fields(body.text) if call.json else {}
    except ValueError as error:
        spoiled = str(error)
    named = any(fields.get(name, b"null") != b"null" for name in (b"__type", b"code"))
    named = named or bool(answer.first("x-amzn-errortype"))
    return Head.of(answer, body.text, spoiled, named)


def _fields(text: bytes) -> dict[bytes, bytes]:
    if not text.strip():
        raise ValueError("the answer's body is empty, which no service of AWS's sends")
    try:
        return whole(text)
    except NotJson:
        raise ValueError("the answer's body is no JSON") from None


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
    if spec.service == OWN:
        # A site's own server may answer with pages and redirects; only its own failure is one.
        return (Reason.HTTP_ERROR, head.spoiled or said) if head.spoiled or head.status >= 500 else None
    if head.is_from_aws and (500 <= head.status < 600 or head.status == 429):
        return None  # AWS's own throttling and faults
    foreign = tls is None or not is_public(tls.issuer_organization or tls.issuer)
    page = head.is_page and not head.is_aws and (foreign or "via" in head.headers or "x-squid-error" in head.headers)
    if head.status // 100 == 3 and foreign and is_elsewhere(spec.host, head.first("location")):
        return Reason.CAPTIVE_PORTAL, f"{said} to another site"
    if page:
        return Reason.CAPTIVE_PORTAL, f"{said}: a page for people, not AWS's answer"
    if call_of(spec).json:
        return _judge_json(head, said)
    if head.spoiled:
        return Reason.HTTP_ERROR, f"{said}: {head.spoiled}"
    if head.status >= 500 and (foreign or not head.is_aws):
        return Reason.HTTP_ERROR, said  # a device on the way: AWS's own faults are reached too
    if spec.client == "docker" and head.status not in REACHED:
        return Reason.HTTP_ERROR, f"{said}: not what AWS answers to a request without a signature"
    return None


def _judge_json(head: Head, said: str) -> tuple[Reason, str] | None:
    """The SDKs of the agents take an error of AWS's from a JSON body or a header, and give up on anything else."""
    if head.spoiled:
        return Reason.HTTP_ERROR, f"{said}: {head.spoiled}"
    if head.status not in REACHED:
        return Reason.HTTP_ERROR, f"{said}: not what AWS answers to a request without a signature"
    if not head.named:
        return Reason.HTTP_ERROR, f"{said}: the answer names no error of AWS's"
    return None


def judge_upgrade(spec: ProbeSpec, head: Head, accept: str) -> tuple[Reason, str] | None:
    """The same for a WebSocket's upgrade, as gorilla/websocket takes it.

    Source: gorilla/websocket client.go: 1.5.0 (ECS agent) looks for the words in the headers' lists, 1.4.2 (SSM agent)
    wants them alone.
    """
    said = f"{head.status} {head.phrase}".strip()
    if head.status == SWITCHING:
        wanted = {"upgrade": "websocket", "connection": "upgrade"}
        if spec.client == "ssm-agent":
            good = all(head.first(name).lower() == word for name, word in wanted.items())
        else:
            good = all(any(word in _words(value) for value in _values(head, name)) for name, word in wanted.items())
        if not good or (accept and head.first("sec-websocket-accept") != accept):
            return Reason.UPGRADE_REFUSED, f"{said} without the headers of a WebSocket: a proxy on the path drops them"
        if accept and _compresses(head.headers.get("sec-websocket-extensions", "")):
            return Reason.UPGRADE_REFUSED, f"{said} with a compression that was not asked for"
        return None
    if head.is_from_aws and (500 <= head.status < 600 or head.status == 429):
        return None
    if head.status not in REACHED or head.is_page:
        return Reason.UPGRADE_REFUSED, f"{said}{' (a page for people)' if head.is_page else ''}"
    return None


def _compresses(extensions: str) -> bool:
    """Whether the far end compresses in a way that the library refuses, asked for or not (client.go, DialContext)."""
    for one in extensions.split(","):
        name, *parameters = (part.partition("=")[0].strip() for part in one.split(";"))
        wanted = {"server_no_context_takeover", "client_no_context_takeover"}
        if name == "permessage-deflate":
            return not wanted <= set(parameters)
    return False


def _values(head: Head, name: str) -> tuple[str, ...]:
    return head.each.get(name, ()) or (head.headers.get(name, ""),)


def _words(value: str) -> list[str]:
    """The words of a list, as far as the library reads it: not past an empty one (gorilla util.go, tokenListContainsValue)."""
    words = [word.strip().lower() for word in value.split(",")]
    return words[: words.index("")] if "" in words else words


def is_elsewhere(host: str, location: str) -> bool:
    """Whether a redirect leads to another site."""
    target = urlsplit(location).hostname or host
    return target.split(".")[-2:] != host.split(".")[-2:] and not target.endswith("amazon.com")


def redirected(spec: ProbeSpec, head: Head) -> str:
    """The path on the same host that a redirect leads to, empty where it is none or leads elsewhere."""
    location = head.first("location")
    if head.status not in (301, 302, 303, 307, 308) or not location:
        return ""
    try:
        port = "" if spec.port == 443 else f":{spec.port}"
        target = urlsplit(urljoin(f"https://{spec.host}{port}{spec.path}", location))
        same = target.scheme == "https" and target.hostname == spec.host and (target.port or 443) == spec.port
    except ValueError:
        return ""
    return (target.path or "/") + (f"?{target.query}" if target.query else "") if same else ""


def next_request(asked: ProbeSpec, probe: Probe) -> ProbeSpec | None:
    """What Go asks after a redirect: a GET, but after 307 and 308 the same again, unless its body can be sent only once."""
    if not probe.redirect or probe.http is None:
        return None
    if probe.http.status not in (307, 308) or asked.get:
        return replace(asked, path=probe.redirect, get=True)
    return None if call_of(asked).chunked else replace(asked, path=probe.redirect)
