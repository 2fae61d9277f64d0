"""What a test may do while the region is up: one JSON object a line on a Unix socket, answered by one."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tests.region.controlplane.plane import Trouble
from tests.region.controlplane.state import State


class Admin:
    """Serves the socket. Each public command is a method `do_NAME` with JSON arguments."""

    def __init__(self, state: State) -> None:
        self.state = state

    def handle(self, connection: socket.socket) -> None:
        """Commands until the client leaves."""
        with connection.makefile("rw") as stream:
            for line in stream:
                name, arguments = json.loads(line)
                command: Callable[..., Any] = getattr(self, f"do_{name}")
                try:
                    with self.state.lock:
                        said = {"value": command(**arguments)}
                except (KeyError, TypeError, ValueError) as error:
                    said = {"error": f"{type(error).__name__}: {error}"}
                stream.write(json.dumps(said) + "\n")
                stream.flush()

    def do_activate(self, **fields: Any) -> dict[str, Any]:
        return asdict(self.state.activate(**fields))

    def do_fail(self, **fields: Any) -> None:
        self.state.plane.troubles.append(Trouble(**fields))

    def do_heal(self) -> None:
        self.state.plane.troubles.clear()

    def do_state(self) -> dict[str, Any]:
        return self.state.values()

    def do_calls(self, operation: str = "") -> list[dict[str, Any]]:
        return [one for one in self.state.calls if operation in ("", one["operation"])]

    def do_forget(self, instance: str) -> None:
        self.state.managed[instance].forgotten = True

    def do_deregister(self, arn: str) -> None:
        self.state.containers[arn].status = "INACTIVE"
        self._cut(arn, "", "close")

    def do_cut(self, kind: str = "", how: str = "close") -> None:
        self._cut("", kind, how)

    def _cut(self, owner: str, kind: str, how: str) -> None:
        for one in self.state.channels:
            if owner in ("", one.owner) and kind in ("", one.kind):
                one.cut(how)

    def do_deny(self, actions: list[str]) -> None:
        self.state.plane.denied += actions

    def do_allow(self) -> None:
        self.state.plane.denied.clear()

    def do_publish(self, buckets: dict[str, str], sites: dict[str, str]) -> None:
        self.state.plane.buckets |= buckets
        self.state.plane.sites |= sites

    def do_clusters(self, names: list[str]) -> None:
        self.state.plane.clusters[:] = names

    def do_clock(self, seconds: float) -> None:
        self.state.clock = seconds

    def do_token_life(self, seconds: float) -> None:
        self.state.plane.token_life = seconds
