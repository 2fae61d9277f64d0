"""ECS: container instances, as their agent and as the account's owner see them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from tests.region.controlplane.http import Refusal, Request
from tests.region.controlplane.state import Container, Session, State

Values = dict[str, Any]
Operation = Callable[[State, Request, Values, Session], Values]


def partition(region: str) -> str:
    """The partition's part of an ARN."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn(state: State, region: str, kind: str, name: str) -> str:
    """The ARN of a resource of ECS."""
    return f"arn:{partition(region)}:ecs:{region}:{state.plane.account}:{kind}/{name}"


def cluster(state: State, values: Values) -> str:
    """The name of the cluster in a request. Raises Refusal when there is none."""
    name = str(values.get("cluster") or "default").rpartition("/")[2]
    if name not in state.plane.clusters:
        raise Refusal("ClusterNotFoundException", "Cluster not found.")
    return name


def register(state: State, request: Request, values: Values, session: Session) -> Values:
    """RegisterContainerInstance: every attribute that was sent is echoed."""
    name = cluster(state, values)
    state.allow(session, "ecs:RegisterContainerInstance", arn(state, request.region, "cluster", name))
    if not session.instance:
        raise Refusal("ClientException", "The identity document is not valid.")
    before = values.get("containerInstanceArn", "")
    with state.lock:
        found = state.containers.get(before)
        if before and (found is None or found.cluster != name):
            raise Refusal("InvalidParameterException", "Container instance not found.")
        if found and found.status != "ACTIVE":
            raise Refusal("ClientException", "Container instance is not active.")
        if found is None:
            made = arn(state, request.region, "container-instance", f"{name}/{secrets.token_hex(16)}")
            found = Container(
                made, name, request.region, session.instance, str(values.get("clientToken", "")),
                values.get("attributes", []), values.get("totalResources", []), values.get("tags", []), state.now(),
            )  # fmt: skip
            state.containers[made] = found
        else:
            kept = [one for one in found.attributes if one["name"] not in {a["name"] for a in values["attributes"]}]
            found.attributes, found.resources = [*kept, *values["attributes"]], values.get("totalResources", [])
    return {"containerInstance": view(state, found)}


def view(state: State, one: Container) -> Values:
    """A container instance as the API shows it."""
    is_connected = any(other.kind == "acs" and other.owner == one.arn for other in state.channels)
    return {
        "containerInstanceArn": one.arn, "ec2InstanceId": one.instance, "version": 1, "versionInfo": {
            "agentVersion": one.agent, "dockerVersion": one.docker} if one.agent else {},
        "remainingResources": one.resources, "registeredResources": one.resources, "status": one.status,
        "agentConnected": is_connected, "runningTasksCount": 0, "pendingTasksCount": 0, "attributes": one.attributes,
        "registeredAt": one.registered, "tags": one.tags,
    }  # fmt: skip


def discover(state: State, request: Request, values: Values, session: Session) -> Values:
    """DiscoverPollEndpoint: one shard of each channel, the same for an instance always."""
    state.allow(session, "ecs:DiscoverPollEndpoint", "*")
    number = sum(str(values.get("containerInstance", "")).encode()) % state.shards + 1
    tail = f"{number}.{request.name.partition('.')[2]}/"
    return {
        "endpoint": f"https://ecs-a-{tail}",
        "telemetryEndpoint": f"https://ecs-t-{tail}",
        "serviceConnectEndpoint": f"https://ecs-sc.{tail.partition('.')[2]}",
    }


def acknowledge(state: State, request: Request, values: Values, session: Session) -> Values:
    """SubmitTaskStateChange, SubmitContainerStateChange, SubmitAttachmentStateChanges."""
    state.allow(session, f"ecs:{request.operation}", "*")
    return {"acknowledgment": secrets.token_hex(8)}


def tags(state: State, request: Request, values: Values, session: Session) -> Values:
    """ListTagsForResource."""
    found = state.containers.get(str(values.get("resourceArn", "")))
    return {"tags": found.tags if found else []}


def create_cluster(state: State, request: Request, values: Values, session: Session) -> Values:
    """CreateCluster."""
    name = str(values.get("clusterName") or "default")
    state.allow(session, "ecs:CreateCluster", "*")
    if name not in state.plane.clusters:
        state.plane.clusters.append(name)
    return {"cluster": _cluster(state, request.region, name)}


def _cluster(state: State, region: str, name: str) -> Values:
    count = sum(one.cluster == name and one.status == "ACTIVE" for one in state.containers.values())
    return {
        "clusterArn": arn(state, region, "cluster", name), "clusterName": name, "status": "ACTIVE",
        "registeredContainerInstancesCount": count,
    }  # fmt: skip


def describe_clusters(state: State, request: Request, values: Values, session: Session) -> Values:
    """DescribeClusters."""
    found, missing = [], []
    for one in values.get("clusters") or ["default"]:
        name = one.rpartition("/")[2]
        if name in state.plane.clusters:
            found.append(_cluster(state, request.region, name))
        else:
            missing.append({"arn": arn(state, request.region, "cluster", name), "reason": "MISSING"})
    return {"clusters": found, "failures": missing}


def _chosen(state: State, values: Values, identity: str) -> Container | None:
    name = cluster(state, values)
    for one in state.containers.values():
        if one.cluster == name and (one.arn == identity or one.arn.endswith("/" + identity)):
            return one
    return None


def list_instances(state: State, request: Request, values: Values, session: Session) -> Values:
    """ListContainerInstances."""
    name = cluster(state, values)
    found = [one.arn for one in state.containers.values() if one.cluster == name and one.status != "INACTIVE"]
    return {"containerInstanceArns": found}


def describe_instances(state: State, request: Request, values: Values, session: Session) -> Values:
    """DescribeContainerInstances."""
    found, missing = [], []
    for identity in values.get("containerInstances", []):
        one = _chosen(state, values, identity)
        if one:
            found.append(view(state, one))
        else:
            missing.append({"arn": identity, "reason": "MISSING"})
    return {"containerInstances": found, "failures": missing}


def deregister(state: State, request: Request, values: Values, session: Session) -> Values:
    """DeregisterContainerInstance, by the owner or by the instance's own agent."""
    state.allow(session, "ecs:DeregisterContainerInstance", "*")
    one = _chosen(state, values, str(values.get("containerInstance", "")))
    if one is None:
        raise Refusal("InvalidParameterException", "Container instance not found.")
    one.status = "INACTIVE"
    for other in list(state.channels):
        if other.owner == one.arn:
            other.cut("close")
    return {"containerInstance": view(state, one)}


def update_state(state: State, request: Request, values: Values, session: Session) -> Values:
    """UpdateContainerInstancesState: ACTIVE or DRAINING."""
    found = [one for name in values.get("containerInstances", []) if (one := _chosen(state, values, name))]
    for one in found:
        one.status = str(values.get("status", "ACTIVE"))
    return {"containerInstances": [view(state, one) for one in found], "failures": []}


OPERATIONS: dict[str, Operation] = {
    "RegisterContainerInstance": register,
    "DiscoverPollEndpoint": discover,
    "SubmitTaskStateChange": acknowledge,
    "SubmitContainerStateChange": acknowledge,
    "SubmitAttachmentStateChanges": acknowledge,
    "ListTagsForResource": tags,
    "CreateCluster": create_cluster,
    "DeregisterContainerInstance": deregister,
    "UpdateContainerInstancesState": update_state,
}
OWNER: dict[str, Operation] = {
    "DescribeClusters": describe_clusters,
    "ListContainerInstances": list_instances,
    "DescribeContainerInstances": describe_instances,
}
