"""The channels that the agents keep open: ACS, TCS, and the control channel of ssmmessages."""

from __future__ import annotations

import json
import socket
import time
import uuid
from typing import Any

from tests.region.controlplane.http import Refusal, Request
from tests.region.controlplane.state import Container, Session, State
from tests.region.controlplane.websocket import Frames
from tests.region.machine import wire

STEP = 0.25  # seconds between looks at what a channel has to send


class Open:
    """One open channel, in the list of the state while it is open."""

    def __init__(self, state: State, kind: str, owner: str, connection: socket.socket, rest: bytes) -> None:
        self.state, self.kind, self.owner = state, kind, owner
        self.connection, self.frames = connection, Frames(connection, rest)
        self.ends = ""

    def cut(self, how: str) -> None:
        """End the channel soon: close (with a frame), fin, rst, silence."""
        self.ends = how

    def serve(self) -> None:
        """Until one side ends it."""
        with self.state.lock:
            self.state.channels.append(self)
        try:
            self.run()
        except (ConnectionError, OSError):
            pass
        finally:
            with self.state.lock:
                self.state.channels.remove(self)

    def run(self) -> None:
        """Messages in, heartbeats out."""
        next_beat = time.monotonic()
        while not self.ends:
            if time.monotonic() >= next_beat:
                self.beat()
                next_beat = time.monotonic() + self.state.plane.heartbeat
            text = self.frames.receive(STEP)
            if text is not None:
                self.take(text)
        self._end()

    def _end(self) -> None:
        if self.ends == "close":
            self.frames.close()
        elif self.ends == "rst":
            wire.reset(self.connection)
        elif self.ends == "silence":
            time.sleep(3600)

    def beat(self) -> None:
        """What the server says by itself."""

    def take(self, text: str) -> None:
        """What the client says."""


class Messages(Open):
    """The control channel: the first frame opens it; nothing has to be answered."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.is_open = False

    def take(self, text: str) -> None:
        if not self.is_open:
            token = json.loads(text).get("TokenValue", "")
            if self.state.tokens.get(token) != self.owner:
                raise ConnectionError("not the token of this instance")
            self.is_open = True


class Acs(Open):
    """Heartbeats that the agent acknowledges."""

    def beat(self) -> None:
        beat = {"healthy": True, "messageId": str(uuid.uuid4())}
        self.frames.send(json.dumps({"type": "HeartbeatMessage", "message": beat}))

    def take(self, text: str) -> None:
        if json.loads(text).get("type") == "HeartbeatAckRequest":
            self.state.containers[self.owner].beats += 1


class Tcs(Open):
    """Metrics and states that the server acknowledges; the agent puts a block of headers before each message."""

    def beat(self) -> None:
        self.frames.send(json.dumps({"type": "HeartbeatMessage", "message": {"healthy": True}}))

    def take(self, text: str) -> None:
        said = json.loads(text.rpartition("\r\n\r\n")[2])
        one = self.state.containers[self.owner]
        if said.get("type") == "PublishMetricsRequest":
            one.metrics += 1
            self._acknowledge("AckPublishMetric")
        elif said.get("type") == "PublishInstanceStatusRequest":
            one.statuses += 1
            self._acknowledge("AckPublishInstanceStatus")
        elif said.get("type") == "PublishHealthRequest":
            self._acknowledge("AckPublishHealth")

    def _acknowledge(self, kind: str) -> None:
        self.frames.send(json.dumps({"type": kind, "message": {"message": "ok"}}))


def opened(state: State, request: Request, session: Session) -> tuple[type[Open], str]:
    """The channel that a signed upgrade opens, and whose it is. Raises Refusal."""
    if request.operation == "control-channel":
        identity = request.path.rpartition("/")[2]
        state.allow(session, "ssmmessages:OpenControlChannel", "*")
        if identity != session.instance:
            raise Refusal("AccessDeniedException", "", 403)
        return Messages, identity
    names = {"acs": ("containerInstanceArn", "clusterArn"), "tcs": ("containerInstance", "cluster")}
    arn, cluster = (request.query.get(name, "") for name in names[request.operation])
    is_acs = request.operation == "acs"
    try:
        state.allow(session, "ecs:Poll" if is_acs else "ecs:StartTelemetrySession", arn)
    except Refusal as refusal:
        raise Refusal(refusal.error, refusal.message, 403) from None
    found = state.containers.get(arn)
    if found is None:
        raise Refusal("InvalidInstanceException" if is_acs else "ResourceValidationException", "Unknown instance.")
    if found.cluster != cluster.rpartition("/")[2]:
        raise Refusal("InvalidClusterException" if is_acs else "ResourceValidationException", "Unknown cluster.")
    if found.status == "INACTIVE":
        raise Refusal("InactiveInstanceException" if is_acs else "ResourceValidationException", "Inactive instance.")
    if is_acs:
        _learn(found, request)
    return (Acs if is_acs else Tcs), arn


def _learn(found: Container, request: Request) -> None:
    found.agent = request.query.get("agentVersion", "")
    found.docker = request.query.get("dockerVersion", "").removeprefix("DockerVersion: ")
