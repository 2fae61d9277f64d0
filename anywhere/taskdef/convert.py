"""A definition for Fargate or EC2 made into one for external instances: what was changed, dropped, and left to decide.

The new definition keeps the notation, the order of keys and every unknown field of the old one.
"""

from __future__ import annotations

import difflib
import json

from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.model import Status
from anywhere.taskdef.draft import CHANGED, DECIDE, DROPPED, Change, Draft
from anywhere.taskdef.made_up import execution_role, host_path
from anywhere.taskdef.rule import EXTERNAL, Mark, marks, put, remove
from anywhere.taskdef.rules import RULES
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.node import Node, NotKnown, Unknown
from anywhere.taskdef.strip import registrable, strip, without_mesh

_ROUNDS = 60


@frozen
class Converted:
    """The new definition, the patch that makes it of the old one, the changes, and what still fails."""

    definition: object
    patch: tuple[dict[str, object], ...]
    changes: tuple[Change, ...]
    failing: tuple[Mark, ...]
    diff: str


def convert(definition: Definition, os: str = "", mode: str = "bridge", role: str = "", family: str = "") -> Converted:
    """The definition for external instances. `mode` is what awsvpc becomes on Linux, `role` the execution role to use
    where one is needed and missing, `family` the family to give it. Raises BadInput where the definition as a whole is
    not known before deployment."""
    if not isinstance(definition.node.raw, dict):
        raise BadInput(f"{definition.name}: nothing of it is known before deployment")
    before, is_template, unknown = _own_notation(definition)
    draft = Draft({} if before is None else before, is_template, os)
    for pointer, why in unknown:
        draft.changes.append(Change(DECIDE, pointer, f"{why}: not in this document, so left out"))
    strip(draft, family)
    _compatibility(draft)
    without_mesh(draft)
    _network(draft, mode)
    _storage(draft)
    _role(draft, role)
    _by_rules(draft)
    _ingress(draft, definition.services)
    failing, warnings, skipped = _judged(draft)
    draft.undecided([(title, mark.node, mark.summary) for title, mark in skipped])
    place = draft.definition().place
    for mark in warnings:
        where = mark.source if mark.source is not None else place.source(mark.node.pointer)
        draft.changes.append(Change(DECIDE, where, f"{mark.summary}: {mark.remedy}"))
    return Converted(draft.raw, tuple(draft.patch), tuple(draft.changes), tuple(failing), difference(before, draft.raw))


def _own_notation(definition: Definition) -> tuple[object, bool, list[tuple[str, str]]]:
    """The definition as its document writes it; a generated document's in the API's notation, without what is not
    known and what only its generator has."""
    place = definition.place
    if place.encode is None:
        unknown: list[tuple[str, str]] = []
        return registrable(definition.node.raw, unknown), False, unknown
    return definition.origin, bool(place.names), []


def _compatibility(draft: Draft) -> None:
    listed = draft.definition().node.at("requiresCompatibilities")
    platform = draft.definition().node.at("runtimePlatform")
    if isinstance(listed.raw, list) and "FARGATE" in listed.raw and platform.at("cpuArchitecture").raw is None:
        text = "Fargate ran this on X86_64: where hosts of another processor are in the cluster, set cpuArchitecture"
        draft.decide(platform, text)
    if listed.raw != ["EXTERNAL"]:
        was = draft.written(listed) if listed.raw else "nothing"
        draft.edit(CHANGED, f"registered for EXTERNAL, was for {was}", put(listed, ["EXTERNAL"]))


def _network(draft: Draft, mode: str) -> None:
    case = draft.case()
    node = case.node.at("networkMode")
    if not node.known:
        draft.decide(node, "the network mode is not known before deployment: it must not be awsvpc")
    if node.raw != "awsvpc":
        return
    try:
        windows = case.windows
    except NotKnown:
        windows = False
    if windows:
        draft.edit(CHANGED, "network mode left unset, as Windows wants it; was awsvpc", remove(node))
    else:
        draft.edit(CHANGED, f"network mode {mode}, was awsvpc", put(node, mode))
    node = draft.definition().node.at("networkMode")
    if len(case.containers) > 1 and (windows or mode == "bridge"):
        how = "use the ports of the host" if windows else "use links, or --network-mode host"
        draft.decide(node, f"its containers no longer reach each other on localhost: {how}")
    draft.decide(node, "the task had an address and security groups of its own: filter on the hosts or before them")


def _storage(draft: Draft) -> None:
    """Volumes of AWS's services become paths of the host, which a person must provide."""
    taken = {str(volume.at("host", "sourcePath").raw) for volume in draft.case().volumes}
    for at, volume in enumerate(draft.case().volumes):
        name = _named(draft, volume, at)
        path = host_path(volume.at("name"), at, taken)
        for key, what in (("efsVolumeConfiguration", "the EFS file system"), ("configuredAtLaunch", "the EBS volume")):
            field_ = volume.at(key)
            if field_.raw in (None, False, "false"):
                continue
            if not field_.known:
                draft.decide(field_, f"volume {name}: whether it is {what} is not known before deployment")
                continue
            host = Node(None, volume.pointer + "/host")
            text = f"volume {name}: bound to {path} of the host in place of {what}"
            draft.edit(CHANGED, text, remove(field_), put(host, {"sourcePath": path}))
            taken.add(path)
            text = f"volume {name}: provide {path} on every host (NFS of the site, a disk) and bring the data over"
            draft.decide(draft.definition().node.at("volumes"), text)
            volume = draft.case().volumes[at]


def _named(draft: Draft, item: Node, at: int) -> str:
    """How the document names a volume or container: calls as they are written, and the position where it has no name."""
    name = item.at("name")
    return draft.written(name) if item.known and name.raw not in (None, "") else str(at)


def _role(draft: Draft, role: str) -> None:
    """Give the execution role where something fails without one; a made-up name is left to decide."""
    rule = next(rule for rule in RULES if rule.id == "taskdef.execution-role")
    if not any(mark.status in (Status.FAIL, Status.WARN) for mark in marks(rule, draft.case())):
        return
    arn = role or execution_role(draft.raw)
    draft.edit(CHANGED, f"execution role {arn}", put(draft.definition().node.at("executionRoleArn"), arn))
    if not role:
        node = draft.definition().node.at("executionRoleArn")
        draft.decide(node, f"{arn} is only the usual name: put in the role that you have")


def _by_rules(draft: Draft) -> None:
    """Apply the patch of one failing rule after the other until none offers one."""
    for _ in range(_ROUNDS):
        failing, _, _ = _judged(draft)
        mark = next((mark for mark in failing if mark.edits or "patch" in mark.evidence), None)
        if mark is None:
            return
        patch = mark.evidence.get("patch")
        operations = patch if isinstance(patch, list) else draft.definition().place.patch(mark.edits)
        dropped = all(operation["op"] == "remove" for operation in operations)
        draft.apply(DROPPED if dropped else CHANGED, mark.summary, operations)


def _judged(draft: Draft) -> tuple[list[Mark], list[Mark], list[tuple[str, Mark]]]:
    """What fails for external instances, what warns, and what cannot be checked, with the title of its rule."""
    case = draft.case()
    rules = [rule for rule in RULES if rule.scope != "service" and EXTERNAL in rule.launch]
    found = [(rule.title, mark) for rule in rules for mark in marks(rule, case)]
    failing, warnings = ([m for _, m in found if m.status is status] for status in (Status.FAIL, Status.WARN))
    return failing, warnings, [(title, mark) for title, mark in found if mark.status is Status.SKIP]


def _ingress(draft: Draft, services: tuple[Service, ...]) -> None:
    for at, container in enumerate(draft.case().containers):
        mappings = container.at("portMappings")
        if mappings.raw and not isinstance(mappings.raw, Unknown):
            name = _named(draft, container, at)
            text = f"who sends traffic to {name}: there is no load balancer; {_how(draft, mappings)}"
            draft.decide(mappings, text)
    for service in services:
        for key, what in (
            ("loadBalancers", "its load balancer: put a balancer or reverse proxy of the site before the hosts"),
            ("serviceRegistries", "its registry: use the site's DNS"),
            ("serviceConnectConfiguration", "Service Connect: use the site's DNS or a proxy"),
            ("networkConfiguration", "its subnets and security groups: take them out"),
            ("capacityProviderStrategy", "its capacity providers: use launchType EXTERNAL"),
            ("platformVersion", "its platform version: take it out"),
            ("volumeConfigurations", "its EBS volumes: take them out"),
            ("healthCheckGracePeriodSeconds", "its grace period: take it out, or give a container a healthCheck"),
            ("role", "its role for load balancers: take it out"),
        ):
            if service.node.at(key).raw:
                draft.changes.append(Change(DECIDE, "", f"service {service.name} loses {what}"))
        for keys, lost, kept in (
            (("launchType",), ("EC2", "FARGATE"), "launchType EXTERNAL"),
            (("deploymentController", "type"), ("CODE_DEPLOY",), "the deployment controller ECS"),
            (("availabilityZoneRebalancing",), ("ENABLED",), "availabilityZoneRebalancing DISABLED"),
        ):
            if (was := service.node.at(*keys).raw) in lost:
                text = f"service {service.name} has {keys[0]} {was}, which external instances do not have: use {kept}"
                draft.changes.append(Change(DECIDE, "", text))


def _how(draft: Draft, mappings: Node) -> str:
    if draft.case().node.at("networkMode").raw == "host":
        return "it listens on the hosts' own ports, one task a host"
    ports = [item.at("hostPort") if item.known else item for item in mappings.each()]
    fixed = [draft.written(port) for port in ports if port.raw and port.known]
    unknown = [draft.written(port) for port in ports if not port.known]
    if unknown:
        listed = ", ".join((*fixed, *unknown))
        return f"host ports {listed}, some of them not known before deployment: a fixed one allows one task a host"
    if fixed:
        return f"fixed host ports {', '.join(fixed)}, one task a host"
    return "ECS chooses a free host port for each task; set hostPort for a fixed one"


def difference(before: object, after: object) -> str:
    """The changed lines of two definitions, without lines around them."""
    old, new = (json.dumps(value, indent=2, ensure_ascii=False).splitlines() for value in (before, after))
    return "\n".join(difflib.unified_diff(old, new, "before", "after", lineterm="", n=0))
