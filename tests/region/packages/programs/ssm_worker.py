"""ssm-agent-worker: pings the service, and keeps the control channel up."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
import uuid
from typing import Any

import vault
from aws import Broken, Client, Failed, WebSocket
from vault import log
from whims import whims

VERSION = "3.3.4108.0"
AGENT = f"aws-sdk-go/1.55.5 (go1.23.6; linux; amd64) amazon-ssm-agent/{VERSION}"
EVERY = 300  # seconds between pings
NAME = "[ssm-agent-worker]"


def main() -> int:
    """Until it is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    info = vault.registration()
    log(f"{NAME} amazon-ssm-agent - v{VERSION}")
    if not _first_ping(info):
        return 0
    _ping(info)
    log(f"{NAME} [HealthCheck] HealthCheck reporting agent health.")
    log(f"{NAME} Starting health check")
    if "never-connect" in whims("ssm-agent"):
        while True:
            time.sleep(EVERY)
            _ping(info)
    _stay(info)
    return 0


def _about(info: dict[str, Any]) -> dict[str, Any]:
    return {
        "AgentName": "amazon-ssm-agent",
        "AgentVersion": VERSION,
        "InstanceId": info["instanceID"],
        "PlatformType": "Linux",
    }


def _call(info: dict[str, Any], operation: str, body: dict[str, Any]) -> dict[str, Any]:
    client = Client("ssm", str(info["region"]), AGENT, "AmazonSSM")
    return client.call(operation, body, keys=vault.keys_of(vault.share_file()))


def _first_ping(info: dict[str, Any]) -> bool:
    """The gate: a refusal means hibernation."""
    pause = float(EVERY)
    while True:
        try:
            _call(info, "UpdateInstanceInformation", _about(info))
            return True
        except (Failed, Broken) as error:
            log(f"{NAME} Entering SSM Agent hibernate - {error}", "ERROR")
            time.sleep(pause)
            pause = min(pause * 2, 3600)


def _ping(info: dict[str, Any]) -> None:
    try:
        with open("/etc/os-release") as file:
            release = dict(line.rstrip().replace('"', "").split("=", 1) for line in file if "=" in line)
        more = {
            "AgentStatus": "Active", "AvailabilityZone": "", "AvailabilityZoneId": "", "ComputerName": socket.gethostname(),
            "IPAddress": _address(), "PlatformName": release.get("NAME", ""), "PlatformVersion": release.get("VERSION_ID", ""),
            "SSMConnectionChannel": "ssmmessages",
        }  # fmt: skip
        _call(info, "UpdateInstanceInformation", {**_about(info), **more})
    except (Failed, Broken) as error:
        log(f"{NAME} [HealthCheck] error when calling AWS APIs. error details - {error}", "ERROR")


def _address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def _stay(info: dict[str, Any]) -> None:
    """Open the control channel, again and again."""
    pause = 2.0
    while True:
        try:
            _channel(info)
            pause = 2.0
        except Failed as failed:
            log(f"{NAME} [MessageService] [MGSInteractor] failed to create control channel: {failed}", "ERROR")
        except (Broken, OSError) as error:
            log(f"{NAME} [MessageService] [MGSInteractor] Failed to dial websocket, status: {error}", "ERROR")
        time.sleep(pause)
        pause = min(pause * 2, 2400)


def _channel(info: dict[str, Any]) -> None:
    """One control channel from its token to its end."""
    client = Client("ssmmessages", str(info["region"]))
    keys = vault.keys_of(vault.share_file())
    path = f"/v1/control-channel/{info['instanceID']}"
    body = json.dumps({"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4())}).encode()
    status, _, said = client.request("POST", path, body, {"Content-Type": "application/json"}, keys)
    found = re.search(rb"<TokenValue>(.*?)</TokenValue>", said)
    if status != 201 or not found:
        raise Failed("CreateControlChannel", said.decode("utf-8", "replace")[:200], status)
    socket_ = WebSocket(client, f"{path}?role=subscribe&stream=input", keys)
    first = {
        "Cookie": None, "MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4()), "TokenValue": found[1].decode(),
        "AgentVersion": VERSION, "PlatformType": "linux",
    }  # fmt: skip
    socket_.send(json.dumps(first))
    log(f"{NAME} [MessageService] [MGSInteractor] Opening websocket connection to: wss://{client.name}{path}")
    log(f"{NAME} [MessageService] [MGSInteractor] Successfully opened websocket connection")
    log(f"{NAME} [MessageService] [MGSInteractor] Set up control channel successfully")
    ping_at, alive_at = time.monotonic() + EVERY, time.monotonic() + 54
    while True:
        socket_.receive(5.0)
        if time.monotonic() > alive_at:
            socket_.send("keepalive", kind=9)
            alive_at = time.monotonic() + 54
        if time.monotonic() > ping_at:
            _ping(info)
            ping_at = time.monotonic() + EVERY


if __name__ == "__main__":
    sys.exit(main())
