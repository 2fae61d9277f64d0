"""Small HTTP services on the host and beside it: the Docker API, the agent's introspection, clouds' metadata."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

from tests.region.machine import wire

State = dict[str, object]
Answer = tuple[int, str, str]
NOT_FOUND: Answer = (404, "text/plain", "404 page not found\n")


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
            connection.sendall(_response(answer(head, state), head))

    return handle


def _response(answer: Answer, head: bytes) -> bytes:
    status, kind, body = answer
    data = body.encode()
    line = f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found' if status == 404 else 'Error'}\r\n"
    # What docker's client looks for before anything else.
    extra = (
        "Api-Version: 1.47\r\nOstype: linux\r\nServer: Docker/27.5.1 (linux)\r\n" if b"docker" in kind.encode() else ""
    )
    headers = f"{line}{extra}Content-Type: {kind.partition('+')[0]}\r\nContent-Length: {len(data)}\r\n\r\n"
    return headers.encode() + (b"" if head.startswith(b"HEAD") else data)


def _path(head: bytes) -> str:
    target = head.split(b" ", 2)[1].decode("latin-1")
    return target.partition("?")[0]


def docker(head: bytes, state: State) -> Answer:
    """The read-only part of the Engine API: `state` maps a path without its version to the JSON value answered."""
    path = _path(head)
    first, _, rest = path.lstrip("/").partition("/")
    if first[:1] == "v" and first[1:2].isdigit():
        path = "/" + rest
    if path == "/_ping":
        return 200, "text/plain+docker", "OK"
    found = state.get(path)
    if found is None:
        return 404, "application/json+docker", json.dumps({"message": "page not found"})
    return 200, "application/json+docker", json.dumps(found)


def introspection(head: bytes, state: State) -> Answer:
    """The ECS agent's introspection API on port 51678."""
    found = state.get(_path(head))
    if found is None:
        return 200, "application/json", json.dumps({"AvailableCommands": ["/v1/metadata", "/v1/tasks", "/license"]})
    return 200, "application/json", json.dumps(found)


def ec2(head: bytes, state: State) -> Answer:
    """Amazon EC2: instance metadata, version 2 with its token, and an instance role."""
    path = _path(head)
    if head.startswith(b"PUT") and path == "/latest/api/token":
        return 200, "text/plain", "AQAEAN" + "x" * 50
    if b"x-aws-ec2-metadata-token:" not in head.lower():
        return 401, "text/html", "<html><body>401 - Unauthorized</body></html>"
    known = {
        "/latest/meta-data/instance-id": "i-0123456789abcdef0",
        "/latest/meta-data/iam/security-credentials/": "web-server-role",
        "/latest/dynamic/instance-identity/document": '{"region": "us-east-1", "instanceId": "i-0123456789abcdef0"}',
        "/latest/meta-data/": "ami-id\niam/\ninstance-id\nplacement/",
        "/latest/": "dynamic\nmeta-data\nuser-data",
        "/": "1.0\nlatest",
    }
    return (200, "text/plain", known[path]) if path in known else NOT_FOUND


def azure(head: bytes, state: State) -> Answer:
    """Microsoft Azure: asks for its own header."""
    if _path(head).startswith("/metadata/"):
        if b"metadata: true" not in head.lower():
            return 400, "application/json", '{"error": "Bad request. Required metadata header not specified"}'
        return 200, "application/json", '{"compute": {"azEnvironment": "AzurePublicCloud", "vmId": "0d7b"}}'
    return NOT_FOUND


def gcp(head: bytes, state: State) -> Answer:
    """Google Cloud: says so in every answer."""
    if b"metadata-flavor: google" not in head.lower() and _path(head) != "/":
        return 403, "text/html+google", "Missing Metadata-Flavor:Google header."
    return (200, "text/plain+google", "computeMetadata/\n") if _path(head) == "/" else NOT_FOUND


def openstack(head: bytes, state: State) -> Answer:
    """OpenStack: its own tree beside an imitation of EC2's, without EC2's tokens and identity document."""
    path = _path(head)
    known = {
        "/openstack/latest/meta_data.json": '{"uuid": "83679162-1378-4288-a2d4-70e13ec132aa", "name": "server1"}',
        "/openstack": "2012-08-10\nlatest",
        "/openstack/": "2012-08-10\nlatest",
        "/latest/meta-data/instance-id": "i-00000a2b",
        "/latest/meta-data/": "ami-id\ninstance-id",
        "/": "1.0\nlatest",
    }
    if head.startswith(b"PUT"):
        return 405, "text/html", "<html><body>405 Method Not Allowed</body></html>"
    return (200, "text/plain", known[path]) if path in known else NOT_FOUND


SERVICES: dict[str, Callable[[bytes, State], Answer]] = {
    "docker": docker,
    "introspection": introspection,
    "ec2": ec2,
    "azure": azure,
    "gcp": gcp,
    "openstack": openstack,
}
