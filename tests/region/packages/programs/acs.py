"""The ECS agent's two channels: kept up for ever."""

from __future__ import annotations

import json
import random
import time
import uuid
from typing import Any
from urllib.parse import urlencode, urlsplit

from aws import Broken, Client, Failed, WebSocket
from ecs_log import log
from state import State
from vault import keys_of

KEYS = "/rotatingcreds/credentials"
QUIET = 60  # seconds without a word of the server


class Channel:
    """Discover, connect, talk; pause and again."""

    name, key, first, factor, longest = "", "", 1.0, 2.0, 60.0
    failed = ""

    def __init__(self, state: State, client: Client) -> None:
        self.state, self.client = state, client
        self.endpoint = ""

    def keep(self) -> None:
        """Never returns."""
        pause = self.first
        while True:
            try:
                socket = self._connect()
                pause = self.first
                self.talk(socket)
            except ConnectionError as error:
                log("info", f"{self.name} connection closed for a valid reason", error=str(error))
                continue
            except (Broken, Failed, OSError) as error:
                pause = self._complain(error, pause)
            time.sleep(pause * random.uniform(1.0, 1.2))
            pause = min(pause * self.factor, self.longest)

    def _complain(self, error: Exception, pause: float) -> float:
        if isinstance(error, Failed):
            what = "ACS: Unable" if self.key == "endpoint" else "tcs: unable"
            log("error", f"{what} to discover poll endpoint", error=str(error))
            return pause
        known = str(error).partition("response: ")[2].partition(": websocket: bad handshake")[0]
        try:
            kind, text = next(iter(json.loads(known).items()))
        except (ValueError, AttributeError, StopIteration):
            log("warn", str(error))
            kind, text = "", str(error)
        log("error", self.failed, error=f"{kind}: {text}" if kind else text)
        if kind == "InactiveInstanceException" and self.key == "endpoint":
            log("warn", "Container instance is deregistered", reconnectDelay="1h0m0s")
            return 3600.0
        return pause

    def _connect(self) -> WebSocket:
        keys = keys_of(KEYS)
        if not self.endpoint:
            body = {"cluster": self.state.cluster, "containerInstance": self.state.arn, "zoneId": ""}
            self.endpoint = str(self.client.call("DiscoverPollEndpoint", body, keys=keys, tries=3).get(self.key, ""))
        name = urlsplit(self.endpoint).hostname or ""
        client = Client("ecs", self.state.region)
        client.name = name
        target = "/ws?" + urlencode(self.query())
        log("info", "Establishing a Websocket connection", url=f"https://{name}{target}")
        return WebSocket(client, target, keys)

    def query(self) -> dict[str, str]:
        raise NotImplementedError

    def talk(self, socket: WebSocket) -> None:
        raise NotImplementedError


class Acs(Channel):
    """Heartbeats are acknowledged."""

    name, key, first, factor, longest = "ACS WebSocket", "endpoint", 0.25, 1.5, 120.0
    failed = "Failed to connect to ACS"

    def query(self) -> dict[str, str]:
        state = self.state
        return {
            "agentHash": "8dfceca6", "agentVersion": state.version, "clusterArn": state.cluster,
            "containerInstanceArn": state.arn, "dockerVersion": f"DockerVersion: {state.docker}",
            "protocolVersion": "2", "sendCredentials": "true", "seqNum": "1",
        }  # fmt: skip

    def talk(self, socket: WebSocket) -> None:
        log("info", "Connected to ACS endpoint")
        while True:
            said = _message(socket, QUIET)
            if said is None:
                log("warn", "ACS Connection hasn't had any activity for too long; closing connection")
                return
            if said.get("type") == "HeartbeatMessage":
                answer = {"messageId": said["message"]["messageId"]}
                socket.send(json.dumps({"type": "HeartbeatAckRequest", "message": answer}))


class Tcs(Channel):
    """Metrics every 20 seconds."""

    name, key = "TCS Websocket", "telemetryEndpoint"
    failed = "Error connecting to TCS"

    def query(self) -> dict[str, str]:
        state = self.state
        return {
            "agentHash": "8dfceca6", "agentVersion": state.version, "cluster": state.cluster,
            "containerInstance": state.arn, "dockerVersion": state.docker,
        }  # fmt: skip

    def talk(self, socket: WebSocket) -> None:
        log("info", "Connected to TCS endpoint")
        next_at, heard = 0.0, time.monotonic()
        while time.monotonic() - heard < QUIET:
            if time.monotonic() >= next_at:
                self._publish(socket)
                next_at = time.monotonic() + 20
            if _message(socket, 5) is not None:
                heard = time.monotonic()
        log("warn", "lost websocket connection with ECS Telemetry")

    def _publish(self, socket: WebSocket) -> None:
        about = {
            "cluster": self.state.cluster, "containerInstance": self.state.arn, "messageId": str(uuid.uuid4()), "idle": True,
            "fin": True,
        }  # fmt: skip
        said = {"type": "PublishMetricsRequest", "message": {"metadata": about, "timestamp": round(time.time(), 3)}}
        head = f"Host: {self.client.name}\r\nX-Amz-Date: {time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}\r\n\r\n"
        socket.send(head + json.dumps(said))


def _message(socket: WebSocket, seconds: float) -> dict[str, Any] | None:
    text = socket.receive(seconds)
    if text is None:
        return None
    found = json.loads(text)
    return found if isinstance(found, dict) else {}
