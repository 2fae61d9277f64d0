"""What each network mode would mean for a definition: from "Choosing a network mode" and the pages on external hosts."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.documents.json import Locator
from anywhere.frozen import frozen
from anywhere.model import Finding, Status
from anywhere.taskdef.ports import MOST_RESERVED, RESERVED_LINUX
from anywhere.taskdef.rule import EXTERNAL, FARGATE, Case
from anywhere.taskdef.source.content import Definition
from anywhere.taskdef.source.node import NotKnown

MODES = ("host", "bridge-static", "bridge-dynamic", "awsvpc", "none")


@frozen
class Advice:
    """One mode for one definition. `possible` with `why` where it is not; `current` is whether it is in force; the
    rest are sentences."""

    mode: str
    possible: bool
    why: str
    current: bool
    instances: str
    ports: str
    discovery: str
    isolation: str
    credentials: str


def advise(definition: Definition, launch: str = EXTERNAL, os: str = "") -> tuple[Advice, ...]:
    """Every mode, in fixed order."""
    case = Case(launch, definition, None, os)
    ports = _ports(case)
    current = _current(case)
    windows = _is_windows(case)
    return tuple(_advice(mode, launch, ports, current, windows) for mode in MODES)


def _is_windows(case: Case) -> bool | None:
    try:
        return case.windows
    except NotKnown:
        return None


def _ports(case: Case) -> list[str] | None:
    """The container ports; None where they are not known."""
    try:
        return [
            mapping.at("containerPort").text() or mapping.at("containerPortRange").text()
            for container in case.containers
            for mapping in container.at("portMappings").each()
        ]
    except NotKnown:
        return None


def _current(case: Case) -> str:
    """The mode in force, with bridge distinguished by its ports; empty where it is not known."""
    try:
        mode = case.mode
        if mode not in ("bridge", "default"):
            return mode
        fixed = [
            mapping.at("hostPort").number()
            for container in case.containers
            for mapping in container.at("portMappings").each()
        ]
    except NotKnown:
        return ""
    return "bridge-static" if any(fixed) else "bridge-dynamic"


def _advice(mode: str, launch: str, ports: list[str] | None, current: str, windows: bool | None) -> Advice:
    why = _impossible(mode, launch, ports, windows)
    named = ", ".join(ports) if ports else "its ports"
    has_ports = ports is None or bool(ports)
    return Advice(
        mode=mode,
        possible=not why,
        why=why,
        current=mode == current,
        instances=_instances(mode, has_ports, ports),
        ports=_remapping(mode, has_ports, named),
        discovery=_discovery(mode, launch),
        isolation=_isolation(mode),
        credentials=_credentials(mode, launch),
    )


def _impossible(mode: str, launch: str, ports: list[str] | None, windows: bool | None) -> str:
    if launch == FARGATE and mode != "awsvpc":
        return "Fargate has awsvpc only"
    if launch == EXTERNAL and mode == "awsvpc":
        return "external instances have no awsvpc"
    if windows and mode in ("host", "none"):
        return f"Windows containers have no {mode} mode"
    if mode == "none" and ports:
        return "the network mode none has no port mappings"
    return ""


def _instances(mode: str, has_ports: bool, ports: list[str] | None) -> str:
    if mode == "awsvpc":
        return "as many as the instance has interfaces: two on a c5.large, ten with trunking (see density)"
    if mode in ("host", "bridge-static") and has_ports:
        return "one a host: the second finds the port taken"
    if mode == "bridge-dynamic" and ports and any("-" in port for port in ports):
        return "many a host, as far as free ports for its ranges go"
    return "many a host, as far as memory and CPU go"


def _remapping(mode: str, has_ports: bool, named: str) -> str:
    if mode == "none" or not has_ports:
        return "none needed"
    return {
        "host": f"none: the program binds {named} on the host; change the program to change the port",
        "bridge-static": f"{named} as any fixed host port outside the reserved and dynamic ones; "
        f"an instance has {MOST_RESERVED - len(RESERVED_LINUX)} to give",
        "bridge-dynamic": f"{named} as free host ports that ECS chooses anew for every task",
        "awsvpc": f"none needed: every task binds {named} on an address of its own",
    }[mode]


def _discovery(mode: str, launch: str) -> str:
    if mode == "none":
        return "nobody reaches it"
    if launch == EXTERNAL:
        return {
            "host": "address of a host and the known port, by the site's DNS or balancer",
            "bridge-static": "address of a host and the known port, by the site's DNS or balancer",
            "bridge-dynamic": "no load balancer and no discovery follow the changing ports: clients need a registry or "
            "reverse proxy on the hosts",
        }.get(mode, "not on external instances")
    return {
        "host": "load balancer (target type instance) or Cloud Map by host and port",
        "bridge-static": "load balancer (target type instance) or Cloud Map by host and port",
        "bridge-dynamic": "load balancer or Cloud Map: ECS keeps their lists of ports up to date",
        "awsvpc": "load balancer (target type ip), Cloud Map or Service Connect by the task's address",
    }[mode]


def _isolation(mode: str) -> str:
    return {
        "host": "least: shares the host's network, reaches services on its loopback and can pose as the host",
        "bridge-static": "behind docker's bridge; firewall rules can name the port",
        "bridge-dynamic": "behind docker's bridge; hosts must open a wide range of ports to each other",
        "awsvpc": "most: security groups for each task, even between tasks of one host",
        "none": "complete: no network at all",
    }[mode]


def _credentials(mode: str, launch: str) -> str:
    if mode == "none":
        return "169.254.170.2 cannot be reached: no task role, no AWS calls"
    if mode == "awsvpc":
        return "169.254.170.2, inside the task's own network"
    rule = "nat OUTPUT rule" if mode == "host" else "nat PREROUTING rule and route_localnet"
    return f"169.254.170.2 by the host's {rule} (anywhere rules verify)" if launch != FARGATE else "169.254.170.2"


def findings(
    definition: Definition, launch: str = EXTERNAL, os: str = "", locate: Locator | None = None
) -> Iterator[Finding]:
    """The advice as findings: pass for what is possible, skip with the reason for what is not. `locate` gives their
    line and column."""
    for advice in advise(definition, launch, os):
        evidence = {
            name: getattr(advice, name)
            for name in ("current", "instances", "ports", "discovery", "isolation", "credentials")
        }
        pointer = definition.place.source("/networkMode")
        evidence["pointer"] = pointer
        if locate:
            evidence["line"], evidence["column"] = locate(pointer)
        summary = advice.why or f"{advice.instances}; {advice.ports}"
        status = Status.PASS if advice.possible else Status.SKIP
        if advice.why:
            evidence["because"] = advice.why
        yield Finding(f"mode.{advice.mode}", status, definition.name, summary, evidence=evidence)
