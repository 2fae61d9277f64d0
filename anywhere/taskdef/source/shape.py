"""The shape of what ECS takes, by the names of its API: what to expect of a value before a rule reads it.

Only fields that rules read are listed; every other field may have any shape. Source: the `ecs` service model of the
AWS SDKs (RegisterTaskDefinition, CreateService, RunTask).
"""

from __future__ import annotations

import re
from typing import Any

from anywhere.documents.pointer import token
from anywhere.taskdef.source.node import Unknown

TEXT = "text"
NUMBER = "whole number"
FLAG = "true or false"
FREE = "object"

Shape = Any

_NAMED = {"name": TEXT, "value": TEXT}
_SECRET = {"name": TEXT, "valueFrom": TEXT}
_PORT = {"containerPort": NUMBER, "hostPort": NUMBER, "protocol": TEXT, "containerPortRange": TEXT, "name": TEXT}
_LINUX = {
    "capabilities": {"add": [TEXT], "drop": [TEXT]},
    "devices": [FREE],
    "sharedMemorySize": NUMBER,
    "maxSwap": NUMBER,
    "swappiness": NUMBER,
    "initProcessEnabled": FLAG,
}
CONTAINER: Shape = {
    "name": TEXT,
    "image": TEXT,
    "cpu": NUMBER,
    "memory": NUMBER,
    "memoryReservation": NUMBER,
    "essential": FLAG,
    "privileged": FLAG,
    "readonlyRootFilesystem": FLAG,
    "disableNetworking": FLAG,
    "hostname": TEXT,
    "links": [TEXT],
    "dnsServers": [TEXT],
    "dnsSearchDomains": [TEXT],
    "extraHosts": [FREE],
    "portMappings": [_PORT],
    "environment": [_NAMED],
    "environmentFiles": [{"value": TEXT, "type": TEXT}],
    "secrets": [_SECRET],
    "repositoryCredentials": {"credentialsParameter": TEXT},
    "logConfiguration": {"logDriver": TEXT, "options": FREE, "secretOptions": [_SECRET]},
    "firelensConfiguration": {"type": TEXT, "options": FREE},
    "linuxParameters": _LINUX,
    "systemControls": [{"namespace": TEXT, "value": TEXT}],
    "resourceRequirements": [{"type": TEXT, "value": TEXT, "sharingStrategy": TEXT}],
    "mountPoints": [{"sourceVolume": TEXT, "containerPath": TEXT, "readOnly": FLAG}],
    "dependsOn": [{"containerName": TEXT, "condition": TEXT}],
    "dockerSecurityOptions": [TEXT],
    "credentialSpecs": [TEXT],
}
_EFS = {
    "fileSystemId": TEXT,
    "rootDirectory": TEXT,
    "transitEncryption": TEXT,
    "authorizationConfig": {"accessPointId": TEXT, "iam": TEXT},
}
_DOCKER_VOLUME = {"scope": TEXT, "autoprovision": FLAG, "driver": TEXT, "driverOpts": FREE, "labels": FREE}
_VOLUME = {
    "name": TEXT,
    "host": {"sourcePath": TEXT},
    "dockerVolumeConfiguration": _DOCKER_VOLUME,
    "efsVolumeConfiguration": _EFS,
    "fsxWindowsFileServerVolumeConfiguration": FREE,
    "s3filesVolumeConfiguration": FREE,
    "configuredAtLaunch": FLAG,
}
_CONSTRAINT = {"type": TEXT, "expression": TEXT}
DEFINITION: Shape = {
    "family": TEXT,
    "revision": NUMBER,
    "taskRoleArn": TEXT,
    "executionRoleArn": TEXT,
    "networkMode": TEXT,
    "cpu": TEXT,
    "memory": TEXT,
    "pidMode": TEXT,
    "ipcMode": TEXT,
    "requiresCompatibilities": [TEXT],
    "compatibilities": [TEXT],
    "containerDefinitions": [CONTAINER],
    "volumes": [_VOLUME],
    "placementConstraints": [_CONSTRAINT],
    "proxyConfiguration": FREE,
    "inferenceAccelerators": [{"deviceName": TEXT, "deviceType": TEXT}],
    "ephemeralStorage": {"sizeInGiB": NUMBER},
    "runtimePlatform": {"cpuArchitecture": TEXT, "operatingSystemFamily": TEXT},
    "enableFaultInjection": FLAG,
    "requiresAttributes": [_NAMED],
}
_AWSVPC = {"subnets": [TEXT], "securityGroups": [TEXT], "assignPublicIp": TEXT}
SERVICE: Shape = {
    "serviceName": TEXT,
    "taskDefinition": TEXT,
    "launchType": TEXT,
    "platformVersion": TEXT,
    "desiredCount": NUMBER,
    "count": NUMBER,
    "schedulingStrategy": TEXT,
    "enableExecuteCommand": FLAG,
    "deploymentController": {"type": TEXT},
    "deploymentConfiguration": {"minimumHealthyPercent": NUMBER, "maximumPercent": NUMBER, "strategy": TEXT},
    "capacityProviderStrategy": [{"capacityProvider": TEXT, "weight": NUMBER, "base": NUMBER}],
    "loadBalancers": [
        {"targetGroupArn": TEXT, "loadBalancerName": TEXT, "containerName": TEXT, "containerPort": NUMBER}
    ],
    "serviceRegistries": [{"registryArn": TEXT, "port": NUMBER, "containerName": TEXT, "containerPort": NUMBER}],
    "serviceConnectConfiguration": {"enabled": FLAG},
    "vpcLatticeConfigurations": [FREE],
    "volumeConfigurations": [FREE],
    "networkConfiguration": {"awsvpcConfiguration": _AWSVPC},
    "placementConstraints": [_CONSTRAINT],
    "overrides": {"taskRoleArn": TEXT, "executionRoleArn": TEXT},
}

_WHOLE = re.compile(r"[-+]?\d{1,18}(?:\.0+)?\Z")


def mismatch(raw: object, shape: Shape, pointer: str = "") -> tuple[str, str] | None:
    """The first value that does not have its expected shape: its pointer and what is wrong with it. Absent values and
    unknown ones fit every shape; text that reads as a number or flag is one."""
    if raw is None or isinstance(raw, Unknown):
        return None
    if isinstance(shape, dict):
        return _fields(raw, shape, pointer)
    if isinstance(shape, list):
        return _items(raw, shape[0], pointer)
    return None if _fits(raw, shape) else (pointer, f"must be {_article(shape)}, not {_kind(raw)}")


def _fields(raw: object, shape: dict[str, Shape], pointer: str) -> tuple[str, str] | None:
    if not isinstance(raw, dict):
        return pointer, f"must be an object, not {_kind(raw)}"
    for key, value in raw.items():
        below = shape.get(key)
        if below is not None and (found := mismatch(value, below, pointer + token(key))):
            return found
    return None


def _items(raw: object, shape: Shape, pointer: str) -> tuple[str, str] | None:
    if not isinstance(raw, list):
        return pointer, f"must be a list, not {_kind(raw)}"
    for at, item in enumerate(raw):
        if item is None:
            return f"{pointer}/{at}", "must not be null"
        if found := mismatch(item, shape, f"{pointer}/{at}"):
            return found
    return None


def _fits(raw: object, shape: str) -> bool:
    if shape == FREE:
        return isinstance(raw, dict)
    if isinstance(raw, (dict, list)):
        return False
    if shape == NUMBER:
        return not isinstance(raw, bool) and _WHOLE.match(str(raw).strip()) is not None
    return shape != FLAG or str(raw).lower() in ("true", "false")


def _article(shape: str) -> str:
    return {NUMBER: "a whole number", TEXT: "text", FLAG: "true or false", FREE: "an object"}[shape]


def _kind(raw: object) -> str:
    if isinstance(raw, (dict, list)):
        return "an object" if isinstance(raw, dict) else "a list"
    if isinstance(raw, bool):
        return "true or false"
    return "a number" if isinstance(raw, (int, float)) else "text"
