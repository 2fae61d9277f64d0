"""The test's side of the control plane's socket."""

from __future__ import annotations

import json
import socket
from typing import Any


class Control:
    """What a test may ask of a region that is up; see README.md for what each command does."""

    def __init__(self, path: str) -> None:
        self.path = path

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send one command. Raises RuntimeError with what went wrong."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.path)
            sock.sendall(json.dumps([command, arguments]).encode() + b"\n")
            with sock.makefile("r") as stream:
                said = json.loads(stream.readline())
        if "error" in said:
            raise RuntimeError(said["error"])
        return said["value"]

    def activate(self, limit: int = 1, hours: float = 24, region: str = "", **fields: Any) -> dict[str, Any]:
        """A new activation."""
        made: dict[str, Any] = self.ask("activate", limit=limit, hours=hours, region=region, **fields)
        return made

    def fail(self, operation: str, **fields: Any) -> None:
        """A fault for this operation's next requests (fields of Trouble)."""
        self.ask("fail", operation=operation, **fields)

    def heal(self) -> None:
        """No faults any more."""
        self.ask("heal")

    def state(self) -> dict[str, Any]:
        """Activations, instances, container instances and channels."""
        found: dict[str, Any] = self.ask("state")
        return found

    def calls(self, operation: str = "") -> list[dict[str, Any]]:
        """The requests seen so far."""
        found: list[dict[str, Any]] = self.ask("calls", operation=operation)
        return found

    def forget(self, instance: str) -> None:
        """The service no longer knows this managed instance."""
        self.ask("forget", instance=instance)

    def deregister(self, arn: str) -> None:
        """This container instance is INACTIVE now."""
        self.ask("deregister", arn=arn)

    def cut(self, kind: str = "", how: str = "close") -> None:
        """End open channels: acs, tcs, control-channel, or all; by close, fin, rst or silence."""
        self.ask("cut", kind={"ssmmessages": "control-channel"}.get(kind, kind), how=how)

    def deny(self, *actions: str) -> None:
        """The role lacks these rights."""
        self.ask("deny", actions=list(actions))

    def allow(self) -> None:
        """The role has all rights."""
        self.ask("allow")

    def publish(self, buckets: dict[str, str], sites: dict[str, str] | None = None) -> None:
        """Serve folders as buckets and as web sites."""
        self.ask("publish", buckets=buckets, sites=sites or {})
