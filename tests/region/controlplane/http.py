"""Requests and answers of the control plane as values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

JSON = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class Request:
    """A complete request. `name` is the host name that it was sent to, `headers` have lower-case names."""

    name: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    address: str = ""

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def service(self) -> str:
        """The first label of the name: ssm, ecs, ecs-a-1."""
        return self.name.partition(".")[0]

    @property
    def region(self) -> str:
        """The second label of the name."""
        return (self.name.split(".") + ["", ""])[1]

    @property
    def operation(self) -> str:
        """What X-Amz-Target, the query protocol or the path asks for."""
        target = self.headers.get("x-amz-target", "")
        if target:
            return target.rpartition(".")[2]
        if self.service == "sts":
            return dict(parse_qsl(self.body.decode("latin-1"))).get("Action", "")
        if self.path.startswith("/v1/control-channel/"):
            return "CreateControlChannel" if self.method == "POST" else "control-channel"
        if self.path.rstrip("/") == "/ws":
            return "acs" if self.service.startswith("ecs-a") else "tcs"
        return ""

    def values(self) -> dict[str, Any]:
        """The JSON body. Raises Refusal."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refusal("SerializationException", "")
        return found


@dataclass
class Answer:
    """An answer before its head is written. `cut` ends the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = -1


class Refusal(Exception):
    """An error that the API's model names."""

    def __init__(self, error: str, message: str, status: int = 400) -> None:
        super().__init__(error, message, status)
        self.error, self.message, self.status = error, message, status


def good(value: dict[str, Any]) -> Answer:
    """A JSON answer."""
    return Answer(200, json.dumps(value).encode())


def refused(request: Request, refusal: Refusal) -> Answer:
    """An error in the form of the service that was asked."""
    error, message = refusal.error, refusal.message
    if request.service == "ssmmessages":
        body = f"<{error}><Message>{message}</Message></{error}>"
        return Answer(refusal.status if refusal.status != 400 else 403, body.encode(), "application/xml")
    if request.service == "sts":
        inner = f"<Error><Type>Sender</Type><Code>{error}</Code><Message>{message}</Message></Error>"
        body = f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{inner}</ErrorResponse>'
        return Answer(403, body.encode(), "text/xml")
    if request.operation in ("acs", "tcs"):
        return Answer(refusal.status, json.dumps({error: message}).encode(), "application/json")
    said = {"__type": error} | ({"message": message} if message else {})
    return Answer(refusal.status, json.dumps(said).encode(), headers={"x-amzn-ErrorType": error})
