"""Small HTTP services on the host and beside it: the Docker API, the agent's introspection, clouds' metadata."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from tests.region.machine import wire

State = dict[str, object]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `headers` are whole lines."""

    body: str
    kind: str = "text/plain"
    status: int = 200
    headers: tuple[str, ...] = ()

    def encode(self, with_body: bool) -> bytes:
        """The bytes on the wire."""
        data = self.body.encode()
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", *self.headers]
        lines += [f"Content-Type: {self.kind}", f"Content-Length: {len(data)}", "", ""]
        return "\r\n".join(lines).encode() + (data if with_body else b"")


Service = Callable[[bytes, State], Answer]


def handler(serves: str, state: State) -> Callable[[socket.socket], None]:
    """What answers behind a socket: a service of this module, or nothing but an open connection."""
    answer = SERVICES.get(serves)
    if answer is None:
        return wire.hold

    def handle(connection: socket.socket) -> None:
        rest = b""
        while True:
            head, rest = wire.read_head(connection, rest)
            if not head:
                return
            connection.sendall(answer(head, state).encode(not head.startswith(b"HEAD")))
            if wire.is_last(head):
                return

    return handle


def _path(head: bytes) -> str:
    words = head.split(b" ", 2)
    return words[1].decode("latin-1").partition("?")[0] if len(words) > 1 else "/"


def docker(head: bytes, state: State) -> Answer:
    """The read-only part of the Engine API: `state` maps a path without its version to the JSON value answered. A
    client older or newer than the engine's window is refused in the engine's words."""
    path = _path(head)
    first, _, rest = path.lstrip("/").partition("/")
    about = state.get("/version")
    newest = str(about["ApiVersion"]) if isinstance(about, dict) else "1.47"
    oldest = str(about["MinAPIVersion"]) if isinstance(about, dict) else "1.24"
    headers = (f"Api-Version: {newest}", "Ostype: linux", "Server: Docker (linux)")
    if first[:1] == "v" and first[1:2].isdigit():
        path = "/" + rest
        refused = _outside(first[1:], oldest, newest)
        if refused:
            return Answer(json.dumps({"message": refused}), "application/json", 400, headers)
    if path == "/_ping":
        return Answer("OK", headers=headers)
    if path not in state:
        return Answer(json.dumps({"message": "page not found"}), "application/json", 404, headers)
    return Answer(json.dumps(state[path]), "application/json", headers=headers)


def _outside(asked: str, oldest: str, newest: str) -> str:
    number, low, high = (tuple(map(int, one.split("."))) for one in (asked, oldest, newest))
    if number < low:
        return f"client version {asked} is too old. Minimum supported API version is {oldest}"
    return f"client version {asked} is too new. Maximum supported API version is {newest}" if number > high else ""


def introspection(head: bytes, state: State) -> Answer:
    """The ECS agent's introspection API on port 51678."""
    listing = {"AvailableCommands": ["/v1/metadata", "/v1/tasks", "/license"]}
    return Answer(json.dumps(state.get(_path(head), listing)), "application/json")


def webserver(head: bytes, state: State) -> Answer:
    """Somebody else's program."""
    return Answer("<html><body>It works!</body></html>", "text/html", headers=("Server: nginx/1.22.1",))


def _ec2(head: bytes, needs_token: bool) -> Answer:
    server = ("Server: EC2ws",)
    path = _path(head)
    if head.startswith(b"PUT") and path == "/latest/api/token":
        return Answer("AQAEAN" + "x" * 50, headers=server)
    if needs_token and not wire.header(head, "x-aws-ec2-metadata-token"):
        return Answer("", "text/html", 401, server)
    document = '{"region": "us-east-1", "instanceId": "i-0123456789abcdef0", "accountId": "123456789012"}'
    known = {
        "/latest/meta-data/instance-id": "i-0123456789abcdef0",
        "/latest/meta-data/iam/security-credentials/": "web-server-role",
        "/latest/dynamic/instance-identity/document": document,
        "/latest/meta-data/": "ami-id\nhostname\niam/\ninstance-id\nplacement/",
        "/latest/": "dynamic\nmeta-data\nuser-data",
        "/": "1.0\nlatest",
    }
    return Answer(known[path], headers=server) if path in known else Answer("404", "text/html", 404, server)


def ec2(head: bytes, state: State) -> Answer:
    """Amazon EC2 with an instance role, version 1 of the metadata service allowed."""
    return _ec2(head, needs_token=False)


def ec2_token(head: bytes, state: State) -> Answer:
    """Amazon EC2 with an instance role, version 2 alone."""
    return _ec2(head, needs_token=True)


def azure(head: bytes, state: State) -> Answer:
    """Microsoft Azure: asks for its own header."""
    server = ("Server: IMDS/150.870.65.1854",)
    if not _path(head).startswith("/metadata/"):
        return Answer("", "text/html", 404, server)
    if wire.header(head, "metadata").lower() != "true":
        refusal = '{"error": "Bad request. Required metadata header not specified"}'
        return Answer(refusal, "application/json", 400, server)
    return Answer('{"compute": {"azEnvironment": "AzurePublicCloud"}}', "application/json", headers=server)


def gcp(head: bytes, state: State) -> Answer:
    """Google Cloud: says so in every answer."""
    server = ("Metadata-Flavor: Google", "Server: Metadata Server for VM")
    if _path(head) == "/":
        return Answer("computeMetadata/\n", headers=server)
    if wire.header(head, "metadata-flavor").lower() != "google":
        return Answer("Missing Metadata-Flavor:Google header.", "text/html", 403, server)
    return Answer("", "text/html", 404, server)


def openstack(head: bytes, state: State) -> Answer:
    """OpenStack: its own tree beside an imitation of EC2's, without EC2's tokens and identity document."""
    known = {
        "/openstack/latest/meta_data.json": '{"uuid": "83679162-1378-4288-a2d4-70e13ec132aa", "name": "server1"}',
        "/openstack": "2012-08-10\nlatest",
        "/openstack/": "2012-08-10\nlatest",
        "/latest/meta-data/instance-id": "i-00000a2b",
        "/latest/meta-data/": "ami-id\nhostname\ninstance-id\nreservation-id",
        "/": "1.0\nlatest",
    }
    if head.startswith(b"PUT") or _path(head) not in known:
        return Answer("<html><body>Not Found</body></html>", "text/html", 404)
    return Answer(known[_path(head)])


SERVICES: dict[str, Service] = {
    "docker": docker,
    "introspection": introspection,
    "webserver": webserver,
    "ec2": ec2,
    "ec2-token": ec2_token,
    "azure": azure,
    "gcp": gcp,
    "openstack": openstack,
}
