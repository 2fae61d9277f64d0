"""The ECS agent: registers, keeps ACS and TCS up, answers on 51678 and 51679."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import uuid
from typing import Any

import acs
import introspection
from aws import Broken, Client, Failed
from docker import Refused, ask
from ecs_log import log
from state import State
from vault import keys_of
from whims import whims

VERSION, HASH = "1.105.1", "8dfceca6"
FINAL, RESTART, CRASHED = 5, 1, 2
PREFIX = "AmazonEC2ContainerServiceV20141113"
AGAIN = ("ThrottlingException", "ServerException", "LimitExceededException")
GENERATIONS = ("1.17", "1.18", "1.19", "1.20", "1.21", "1.22", "1.23", "1.24", "1.25", "1.28", "1.29", "1.30", "1.32")
CAPABILITIES = (
    "logging-driver.json-file", "logging-driver.syslog", "logging-driver.awslogs", "logging-driver.none", "task-iam-role",
    "task-iam-role-network-host", "ecr-auth", "privileged-container",
)  # fmt: skip
MORE = (
    "external", "execution-role-ecr-pull", "secrets.ssm.environment-variables", "secrets.asm.environment-variables",
    "container-ordering", "full-sync", "env-files.s3", "container-health-check",
)  # fmt: skip


def main() -> int:
    """Exit codes: 0 stopped, 1 to be restarted, 2 crash, 5 final."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ways = whims("ecs-agent")
    time.sleep(float(ways.get("slow", 0)))
    log("info", "Starting Amazon ECS Agent", version=VERSION, commit=HASH)
    if "die" in ways:
        log("critical", "Told to die")
        return RESTART
    region = os.environ.get("AWS_DEFAULT_REGION", "")
    if not region:
        log("critical", "Error loading config: AWS_DEFAULT_REGION has to be set when running in external capacity")
        return RESTART
    try:
        docker = ask("GET", "/version")
    except (Refused, OSError):
        log("error", "Error creating Docker client: Ensure Docker is running: unable to connect to Docker daemon")
        return RESTART
    return _begin(region, docker, ways)


def _begin(region: str, docker: dict[str, Any], ways: dict[str, str]) -> int:
    if not _fits(docker):
        log(
            "error", "Error creating Docker client: Ensure Docker is running: client not found for docker version: 1.21"
        )
        return RESTART
    cluster = os.environ.get("ECS_CLUSTER", "").strip()
    state = State(os.environ.get("ECS_DATADIR", ""), cluster, region, VERSION, str(docker.get("Version", "")))
    problem = state.load()
    if problem:
        log("error", problem)
        return RESTART
    if state.saved and cluster and state.saved != cluster:
        log("critical", f"Data mismatch; saved cluster '{state.saved}' does not match configured cluster '{cluster}'. "
            "Perhaps you want to delete the configured checkpoint file?")  # fmt: skip
        log("error", "Agent will terminally exit")
        return FINAL
    if state.arn:
        log("info", "Restored from checkpoint file", containerInstanceARN=state.arn, cluster=state.saved)
    state.cluster = cluster or state.saved or "default"
    code = _register(state)
    if code:
        return code
    return _serve(state, ways)


def _fits(docker: dict[str, Any]) -> bool:
    """Usable when the engine's window has one of 1.21 to 1.44."""
    low, high = (_number(str(docker.get(key, "1.21"))) for key in ("MinAPIVersion", "ApiVersion"))
    if low > (1, 44):
        log("info", f"Unable to get Docker client for version 1.44: client version 1.44 is too old. Minimum supported "
            f"API version is {docker.get('MinAPIVersion')}")  # fmt: skip
    return low <= (1, 44) and high >= (1, 21)


def _number(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _register(state: State) -> int:
    keys = keys_of("/rotatingcreds/credentials", os.environ.get("ECS_ALTERNATE_CREDENTIAL_PROFILE", "default"))
    if not keys[0]:
        time.sleep(7.7)
        log("error", "Unable to register as a container instance with ECS", error="no valid providers in chain")
        return RESTART
    pause = 3.0
    while True:
        try:
            said = _client(state).call("RegisterContainerInstance", _body(state), keys=keys, tries=3)
            break
        except Failed as failed:
            code = _judge(state, failed)
            if code:
                return code
            time.sleep(pause)
            pause = min(pause * 2, 192)
        except Broken as broken:
            _complain(f"operation error ECS: RegisterContainerInstance, exceeded maximum number of attempts, 3, "
                      f"https response error StatusCode: 0, RequestID: , request send failed, {broken}")  # fmt: skip
            log("error", "Received terminal error from RegisterContainerInstance call, exiting")
            return RESTART
    if "containerInstance" not in said:
        print("panic: runtime error: invalid memory address or nil pointer dereference", file=sys.stderr)
        return CRASHED
    return _accept(state, said["containerInstance"])


def _complain(text: str) -> None:
    for _ in range(3):
        log("error", "Unable to register as a container instance with ECS", error=text)


def _judge(state: State, failed: Failed) -> int:
    """The exit code that a refusal leads to, 0 for one that is tried again."""
    name = failed.kind if failed.kind != "SerializationError" else "UnknownError"
    _complain(f"operation error ECS: RegisterContainerInstance, https response error StatusCode: {failed.status}, "
              f"RequestID: {uuid.uuid4()}, api error {name}: {failed.message}")  # fmt: skip
    if failed.kind == "ClusterNotFoundException" and not os.environ.get("ECS_CLUSTER"):
        _client(state).call("CreateCluster", {"clusterName": "default"}, keys=keys_of("/rotatingcreds/credentials"))
        return 0
    if failed.kind in ("InvalidParameterException", "ClientException"):
        what = "with an invalid parameter" if failed.kind[0] == "I" else "with client performing invalid action"
        log("critical", f"Instance registration attempt {what}")
        log("error", "Agent will terminally exit")
        return FINAL
    if failed.kind in AGAIN:
        log(
            "error",
            "Received non-terminal error from RegisterContainerInstance call, retrying with exponential backoff",
        )
        return 0
    log("error", "Received terminal error from RegisterContainerInstance call, exiting")
    return RESTART


def _client(state: State) -> Client:
    agent = f"Amazon ECS Agent - v{VERSION} (*{HASH}) (linux) (+http://aws.amazon.com/ecs/)"
    return Client("ecs", state.region, agent, PREFIX)


def _body(state: State) -> dict[str, Any]:
    names = [f"com.amazonaws.ecs.capability.{one}" for one in CAPABILITIES]
    names += [f"com.amazonaws.ecs.capability.docker-remote-api.{one}" for one in GENERATIONS]
    names += [f"ecs.capability.{one}" for one in MORE]
    attributes = [{"name": name} for name in names]
    attributes += [
        {"name": "ecs.os-type", "value": "linux"}, {"name": "ecs.os-family", "value": "LINUX"},
        {"name": "ecs.cpu-architecture", "value": os.uname().machine.replace("aarch64", "arm64")},
    ]  # fmt: skip
    custom = {} if state.arn else state.setting("ECS_INSTANCE_ATTRIBUTES")
    attributes += [{"name": name, "value": value} for name, value in custom.items()]
    tags = [{"key": key, "value": value} for key, value in state.setting("ECS_CONTAINER_INSTANCE_TAGS").items()]
    ports = ["22", "2375", "2376", "51678", "51679"]
    body: dict[str, Any] = {
        "cluster": state.cluster, "clientToken": str(uuid.uuid4()), "instanceIdentityDocument": "",
        "instanceIdentityDocumentSignature": "", "attributes": attributes,
        "totalResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 1024 * (os.cpu_count() or 1)},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": _memory()},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ports},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
        ],
    }  # fmt: skip
    if state.arn:
        body["containerInstanceArn"] = state.arn
    return {**body, "tags": tags} if tags else body


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)


def _accept(state: State, said: dict[str, Any]) -> int:
    echoed = {one["name"]: one.get("value") for one in said.get("attributes", [])}
    if any(echoed.get(one["name"], "-") != one.get("value") for one in _body(state)["attributes"]):
        log("critical", "Instance registration attempt with invalid attribute(s)", error="Attribute validation failed")
        log("error", "Agent will terminally exit")
        return FINAL
    is_new = not state.arn
    state.arn = str(said.get("containerInstanceArn", ""))
    state.save()
    log("info", "Registered container instance with cluster!")
    if is_new:
        log("info", "Instance registration completed successfully", instanceArn=state.arn, cluster=state.cluster)
    return 0


def _serve(state: State, ways: dict[str, str]) -> int:
    if "no-introspection" not in ways:
        introspection.start(state)
    if "never-connect" not in ways:
        for channel in (acs.Acs(state, _client(state)), acs.Tcs(state, _client(state))):
            threading.Thread(target=channel.keep, daemon=True).start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
