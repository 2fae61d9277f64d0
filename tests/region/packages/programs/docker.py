"""Docker's API over its socket, as ecs-init uses it."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import quote

SOCKET = "/var/run/docker.sock"


class Refused(Exception):
    """Docker's answer was an error."""


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)


def ask(method: str, path: str, body: Any = None, kind: str = "application/json", version: str = "") -> Any:
    """One call. Raises Refused, OSError."""
    connection = _Connection("docker")
    data = (
        body
        if isinstance(body, bytes) or hasattr(body, "read")
        else json.dumps(body).encode()
        if body is not None
        else None
    )
    try:
        connection.request(method, f"/v{version}{path}" if version else path, data, {"Content-Type": kind})
        answer = connection.getresponse()
        said = answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()
    if answer.status >= 400:
        try:
            raise Refused(json.loads(said).get("message", ""))
        except ValueError:
            raise Refused(said.decode("utf-8", "replace")) from None
    try:
        return json.loads(said or b"null")
    except ValueError:
        return None


def container(name: str) -> str | None:
    """The ID of a container by its name."""
    for one in ask("GET", "/containers/json?all=1"):
        if "/" + name in one["Names"]:
            return str(one["Id"])
    return None


def has_image(name: str) -> bool:
    """Whether an image is loaded."""
    return any(name in (one.get("RepoTags") or []) for one in ask("GET", "/images/json"))


def bridge() -> str:
    """The name of the default bridge's interface, empty when there is none."""
    for one in ask("GET", "/networks?filters=" + quote('{"driver":["bridge"]}')):
        options = one.get("Options") or {}
        if options.get("com.docker.network.bridge.default_bridge") == "true":
            return str(options.get("com.docker.network.bridge.name", ""))
    return ""
