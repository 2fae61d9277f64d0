#!/usr/bin/python3
"""A stand-in for docker(1) on hosts whose engine is one too: asks the Engine API on the socket and prints JSON, for the
commands that read: version, info, network ls, network inspect, ps, images."""

from __future__ import annotations

import json
import os
import re
import socket
import sys

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
VERSION, API = "27.5.1", "1.47"
DOWN = f"Cannot connect to the Docker daemon at unix://{SOCKET}. Is the docker daemon running?"
FORBIDDEN = f"permission denied while trying to connect to the Docker daemon socket at unix://{SOCKET}"


class Failed(Exception):
    """What the client says on standard error."""


def get(path: str) -> object:
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(SOCKET)
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
            stream = sock.makefile("rb")
            status = int(stream.readline().split()[1])
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            found = json.loads(stream.read(length))
    except PermissionError as error:
        raise Failed(FORBIDDEN) from error
    except (OSError, ValueError, IndexError) as error:
        raise Failed(DOWN) from error
    if status >= 400:
        raise Failed("Error response from daemon: " + str(found.get("message")))
    return found


def show(value: object, template: str) -> None:
    if template in ("json", "{{json .}}"):
        print(json.dumps(value))
        return
    found = value
    for key in re.sub(r"[{} ]", "", template).strip(".").split("."):
        found = found[key] if isinstance(found, dict) else ""
    print(found)


def option(words: list[str], *names: str) -> str:
    for place, word in enumerate(words):
        if word in names:
            return words[place + 1]
        if word.startswith(tuple(name + "=" for name in names)):
            return word.partition("=")[2]
    return "json"


def version(words: list[str]) -> int:
    client = {"Version": VERSION, "ApiVersion": API, "DefaultAPIVersion": API, "Os": "linux", "Context": "default"}
    try:
        show({"Client": client, "Server": get("/version")}, option(words, "--format", "-f"))
    except Failed:
        show({"Client": client, "Server": None}, option(words, "--format", "-f"))
        raise
    return 0


def network(words: list[str]) -> int:
    if words[:1] == ["ls"]:
        found = get("/networks")
        for one in found if isinstance(found, list) else []:
            print(one["Id"][:12] if {"-q", "--quiet"} & set(words) else one["Name"])
        return 0
    names = [word for word in words[1:] if not word.startswith("-") and not word.startswith("{{")]
    print(json.dumps([get(f"/networks/{name}") for name in names]))
    return 0


def main(words: list[str]) -> int:
    if words[:1] == ["--version"]:
        print(f"Docker version {VERSION}, build 9f9e405")
        return 0
    verb, rest = (words[0], words[1:]) if words else ("", [])
    if verb == "version":
        return version(rest)
    if verb == "info" or words[:2] == ["system", "info"]:
        show(get("/info"), option(words, "--format", "-f"))
        return 0
    if verb == "network":
        return network(rest)
    if verb in ("ps", "images"):
        found = get("/containers/json" if verb == "ps" else "/images/json")
        for one in found if isinstance(found, list) else []:
            print(one["Id"][:12] if {"-q", "--quiet"} & set(rest) else json.dumps(one))
        return 0
    print(f"docker: '{verb}' is not a docker command.\nSee 'docker --help'", file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failed as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
