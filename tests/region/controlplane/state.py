"""What the control plane knows while it runs: instances, sessions, container instances, open channels, and its log."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from tests.region.controlplane.http import Refusal, Request
from tests.region.controlplane.plane import OWNER, Activation, Plane, Trouble


@dataclass
class Managed:
    """A managed instance. `forgotten` is a service that no longer knows it."""

    id: str
    region: str
    fingerprint: str
    key: str
    activation: str
    role: str
    registered: float
    tags: dict[str, str] = field(default_factory=dict)
    forgotten: bool = False
    pinged: float = 0.0
    about: dict[str, Any] = field(default_factory=dict)


@dataclass
class Session:
    """Keys that were handed out. `instance` is empty for the account's owner."""

    secret: str
    token: str
    instance: str
    role: str
    expires: float


@dataclass
class Container:
    """A container instance."""

    arn: str
    cluster: str
    region: str
    instance: str
    client: str
    attributes: list[dict[str, str]]
    resources: list[dict[str, Any]]
    tags: list[dict[str, str]]
    registered: float
    status: str = "ACTIVE"
    agent: str = ""
    docker: str = ""
    metrics: int = 0
    statuses: int = 0
    beats: int = 0


class Channel(Protocol):
    """An open WebSocket."""

    kind: str
    owner: str

    def cut(self, how: str) -> None: ...


class State:
    """Everything, under one lock. `now` follows the region's clock."""

    def __init__(self, plane: Plane, clock: float, shards: int) -> None:
        self.plane, self.clock, self.shards = plane, clock, shards
        self.lock = threading.RLock()
        self.managed: dict[str, Managed] = {}
        self.sessions = {OWNER[0]: Session(OWNER[1], "", "", "owner", float("inf"))}
        self.containers: dict[str, Container] = {}
        self.tokens: dict[str, str] = {}
        self.channels: list[Channel] = []
        self.calls: list[dict[str, Any]] = []

    def now(self) -> float:
        """The region's time."""
        return time.time() + self.clock

    def note(self, request: Request, operation: str, outcome: str) -> None:
        """Put a request in the log."""
        one = {"time": self.now(), "address": request.address, "operation": operation, "outcome": outcome}
        with self.lock:
            self.calls.append(one)

    def trouble(self, operation: str) -> Trouble | None:
        """The fault that hits this request, if any; it is used up by one."""
        with self.lock:
            for one in self.plane.troubles:
                if one.operation == operation:
                    if one.count:
                        one.count -= 1
                        if not one.count:
                            self.plane.troubles.remove(one)
                    return one
        return None

    def activation(self, identity: str) -> Activation | None:
        """An activation by its ID."""
        return next((one for one in self.plane.activations if one.id == identity), None)

    def activate(self, limit: int = 1, hours: float = 24, region: str = "", **fields: Any) -> Activation:
        """A new activation; one of negative hours has expired."""
        digits = secrets.token_hex(16)
        identity = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        made = Activation(identity, secrets.token_urlsafe(15), limit, 0, self.now() + hours * 3600, region, **fields)
        with self.lock:
            self.plane.activations.append(made)
        return made

    def session(self, instance: Managed) -> tuple[str, Session]:
        """New keys of the role for an instance."""
        made = Session(
            secrets.token_urlsafe(30), secrets.token_urlsafe(120), instance.id, instance.role,
            self.now() + self.plane.token_life,
        )  # fmt: skip
        key = f"ASIA{secrets.token_hex(8).upper()}"
        with self.lock:
            self.sessions[key] = made
        return key, made

    def allow(self, session: Session, action: str, resource: str) -> None:
        """Raises Refusal where the role lacks the right to do this."""
        if session.instance and any(one in (action, f"{action.partition(':')[0]}:*") for one in self.plane.denied):
            who = f"arn:aws:sts::{self.plane.account}:assumed-role/{session.role}/{session.instance}"
            raise Refusal(
                "AccessDeniedException",
                f"User: {who} is not authorized to perform: {action} on resource: {resource} because no "
                f"identity-based policy allows the {action} action",
            )

    def values(self) -> dict[str, Any]:
        """Everything that a test may want to know, as plain values. Secrets are left out."""
        with self.lock:
            return {
                "activations": [asdict(one) for one in self.plane.activations],
                "instances": [asdict(one) for one in self.managed.values()],
                "containers": [asdict(one) for one in self.containers.values()],
                "channels": [{"kind": one.kind, "owner": one.owner} for one in self.channels],
                "clusters": list(self.plane.clusters),
                "now": self.now(),
            }
