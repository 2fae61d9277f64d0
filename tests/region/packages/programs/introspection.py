"""The agent's two local servers: introspection on 51678, credentials and metadata of tasks on 51679."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ecs_log import log
from state import State


def start(state: State) -> None:
    """Listen; a port that is taken is one line in the log."""
    for what, address, handler in (
        ("introspection endpoint", ("", 51678), _introspection(state)),
        ("task api", ("127.0.0.1", 51679), _Tasks),
    ):
        try:
            server = ThreadingHTTPServer(address, handler)
        except OSError as error:
            log("error", f"Error running {what}: listen tcp {address[0]}:{address[1]}: bind: {error.strerror.lower()}")
            continue
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, path: str) -> tuple[int, str, str]:
        raise NotImplementedError

    def do_GET(self) -> None:
        status, kind, text = self.answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        return


def _introspection(state: State) -> type[_Handler]:
    class Introspection(_Handler):
        def answer(self, path: str) -> tuple[int, str, str]:
            said = {"Cluster": state.cluster, "ContainerInstanceArn": state.arn or None,
                    "Version": f"Amazon ECS Agent - v{state.version} (*8dfceca6)"}  # fmt: skip
            known = {"/v1/metadata": said, "/v1/tasks": {"Tasks": []}}
            listing = {"AvailableCommands": ["/v1/metadata", "/v1/tasks", "/license"]}
            return 200, "application/json", json.dumps(known.get(path, listing))

    return Introspection


class _Tasks(_Handler):
    def answer(self, path: str) -> tuple[int, str, str]:
        if not path.startswith(("/v2/credentials", "/v1/credentials")):
            return 404, "text/plain; charset=utf-8", "404 page not found\n"
        said = {"code": "InvalidIdInRequest", "message": "CredentialsV2Request: Credentials not found",
                "HTTPErrorCode": 400}  # fmt: skip
        return 400, "application/json", json.dumps(said)
