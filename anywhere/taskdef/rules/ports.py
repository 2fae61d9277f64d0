"""Rules on port mappings: what each network mode allows, what the host keeps, what the kernel hands out."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.ports import (
    DYNAMIC_LINUX,
    DYNAMIC_WINDOWS,
    MOST_RESERVED,
    RESERVED_BY_PAGE,
    RESERVED_LINUX,
    RESERVED_WINDOWS,
    claimed,
    claims,
    port_range,
    protocol,
)
from anywhere.taskdef.rule import EC2, EVERY, EXTERNAL, Case, Mark, fail, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.node import Node, NotKnown

HAVE_HOST_PORTS = (EXTERNAL, EC2)


@rule(
    "taskdef.port-mapping",
    "port mappings",
    scope="container",
    launch=EVERY,
    meaning="With host and awsvpc the host port is blank or equals the container port; with none there are no "
    "mappings; "
    "ports lie between 1 and 65535, protocols are tcp and udp, a fixed port is claimed once in a task, and a "
    "range (`containerPortRange`) needs bridge or awsvpc, no host port, no `containerPort` beside it, and no overlap.",
    fine="mappings that the network mode allows",
    source=f"{sources.REGISTER}, type PortMapping; {sources.MODES_PAGE}; amazon-ecs-agent, agent/api/task/task.go; "
    f"{sources.SEEN}, pf-ecs-port-range-with-host-port (answer: cannot specify both single port and port range)",
)
def port_mapping(case: Case, node: Node) -> Iterator[Mark]:
    mappings = node.at("portMappings")
    if not mappings.filled:
        return
    if case.mode == "none":
        yield fail(mappings, "the network mode none has no port mappings", "take them out", remove(mappings))
        return
    yield from over(mappings.each(), lambda mapping: _mapping(case, mapping))
    yield from _overlaps(case, mappings)
    yield from _claimed_twice(case, node)


def _mapping(case: Case, mapping: Node) -> Iterator[Mark]:
    container, host, span = mapping.at("containerPort"), mapping.at("hostPort"), mapping.at("containerPortRange")
    if span.filled and container.present:
        text = "containerPortRange beside containerPort: ECS refuses that"
        yield fail(span, text, "keep one of the two", remove(span))
    elif span.filled:
        yield from _range(case, mapping, span)
    elif not container.present:
        yield fail(mapping, "has neither containerPort nor containerPortRange", "give the container's port")
    for port, least in ((container, 1), (host, 0)):
        number = port.number()
        if number is not None and not least <= number <= 65535:
            yield fail(port, f"{number} is no port", "give a port from 1 to 65535")
    spoken = mapping.at("protocol")
    if spoken.text() not in ("", "tcp", "udp"):
        meant = spoken.text().lower() if spoken.text().lower() in ("tcp", "udp") else "tcp"
        why = f"{spoken.text()} is treated as tcp: only tcp and udp, in lower case, are known"
        yield warn(spoken, why, "write tcp or udp", put(spoken, meant))
    if case.mode in ("host", "awsvpc") and host.present and host.number() != container.number():
        yield _differs(case, host, container)


def _differs(case: Case, host: Node, container: Node) -> Mark:
    if host.number() == 0:
        why = f"a host port of 0 is documented for bridge only; with {case.mode} leave it blank"
        return warn(host, why, "leave the host port out", remove(host))
    why = f"with {case.mode} the host port is blank or the container port ({container.text()}), not {host.text()}"
    return fail(host, why, "leave the host port out, or map ports with bridge", remove(host))


def _range(case: Case, mapping: Node, span: Node) -> Iterator[Mark]:
    host = mapping.at("hostPort")
    if case.mode == "host":
        yield fail(span, "port ranges need bridge or awsvpc, not host", "list the ports, or use bridge")
    elif port_range(span.text()) is None:
        yield fail(span, f"{span.text()} is no range: first-last, 1 to 65535, first below last", "give first-last")
    if host.number():
        yield fail(host, "a port range takes no host port: ECS chooses it", "leave it out", remove(host))


def _overlaps(case: Case, mappings: Node) -> Iterator[Mark]:
    """Ranges of one container that overlap each other or a single port."""
    taken: list[tuple[int, int, str]] = []
    ranges = 0
    for mapping in mappings.each():
        try:
            span = port_range(mapping.at("containerPortRange").text())
            single = mapping.at("containerPort").number()
            spoken = protocol(mapping)
        except NotKnown:
            continue
        if span is None and single is None:
            continue
        span = span if single is None else None
        ranges += span is not None
        first, last = span or (single or 0, single or 0)
        clash = next((at for at in taken if at[0] <= last and first <= at[1] and at[2] == spoken), None)
        if clash and (span or clash[0] != clash[1]):
            yield fail(mapping, "overlaps a range of the same container", "separate the ranges", remove(mapping))
        elif clash and case.mode in ("bridge", "default") and not mapping.at("hostPort").known:
            continue
        elif clash and case.mode in ("bridge", "default"):
            why = f"container port {single}/{spoken} is mapped twice in one container"
            yield warn(mapping, why, "keep one mapping", remove(mapping))
        taken.append((first, last, spoken))
    if ranges > 100:
        yield fail(mappings, f"{ranges} port ranges, and a container may have 100", "use fewer ranges")


def _claimed_twice(case: Case, container: Node) -> Iterator[Mark]:
    """Ports of this container that it or an earlier one of the task claims as well."""
    shared = case.mode in ("host", "awsvpc")
    seen: set[tuple[int, str]] = set()
    for other in case.containers:
        for mapping in other.at("portMappings").each():
            try:
                node = mapping.at("containerPort") if shared else claimed(case.mode, mapping)
                claim = (node.number() or 0, protocol(mapping)) if node is not None else (0, "")
            except NotKnown:
                continue
            if node is not None and claim in seen and other.pointer == container.pointer:
                where = "the task's network" if shared else "the host"
                why = f"port {claim[0]}/{claim[1]} is taken twice on {where}"
                # No patch: without its mapping the container would still bind the port.
                yield fail(node, why, "give each container its own port")
            if claim[0]:
                seen.add(claim)
        if other.pointer == container.pointer:
            return


@rule(
    "taskdef.port-reserved",
    "ports that the host keeps",
    scope="definition",
    launch=HAVE_HOST_PORTS,
    meaning="ssh, docker and the ECS agent hold ports of their own: 22, 2375, 2376, 51678 and 51679 on Linux, a longer "
    "list on Windows, where the credential proxy also takes port 80 once there is a task role. The page lists 51680 "
    "too, the agent does not. An instance has 100 reserved ports in all.",
    fine="no port that the host keeps for itself",
    source=f"{sources.REGISTER}, field hostPort; {sources.AGENT_PORTS}; {sources.GUIDE}, windows_task_IAM_roles",
)
def port_reserved(case: Case, node: Node) -> Iterator[Mark]:
    reserved = RESERVED_WINDOWS if case.windows else RESERVED_LINUX
    yield from over(_claiming(case), lambda mapping: _reserved(case, mapping, reserved))
    fixed = {(port, spoken) for port, spoken, _ in claims(case)}
    if len(fixed) + len(reserved) > MOST_RESERVED:
        why = f"{len(fixed)} fixed ports and the {len(reserved)} of the host: an instance has {MOST_RESERVED}"
        yield fail(node.at("containerDefinitions"), why, "use dynamic ports or ranges")


def _claiming(case: Case) -> Iterator[Node]:
    for container in case.containers:
        yield from container.at("portMappings").each()


def _reserved(case: Case, mapping: Node, reserved: frozenset[int]) -> Iterator[Mark]:
    node = claimed(case.mode, mapping)
    if node is None or protocol(mapping) == "udp":
        return
    port = node.number() or 0
    fix = [remove(node)] if case.mode != "host" else []
    advice = "choose another host port, or leave it to ECS" if fix else "let the program listen elsewhere"
    if port in reserved:
        yield fail(node, f"port {port} belongs to the host: ssh, docker, the ECS agent or Windows", advice, *fix)
    elif port in RESERVED_BY_PAGE:
        why = f"AWS's page keeps port {port} for the ECS agent, the agent itself does not: avoid it"
        yield warn(node, why, advice, *fix)
    elif port == 80 and case.windows and case.node.at("taskRoleArn").filled:
        why = "on Windows the credential proxy takes port 80 once a task has a role"
        yield warn(node, why, advice, *fix)


@rule(
    "taskdef.port-ephemeral",
    "fixed ports in the dynamic range",
    scope="definition",
    launch=HAVE_HOST_PORTS,
    meaning="The kernel hands out ports of `net.ipv4.ip_local_port_range` (32768-60999 unless changed; 49152-65535 on "
    "Windows) to connections and dynamic mappings, so a fixed port in it is now and then taken. `fit` reads the "
    "range of the real hosts.",
    fine="fixed ports lie outside the dynamic range",
    source=f"{sources.REGISTER}, field hostPort; amazon-ecs-agent, agent/utils/ephemeral_ports_linux.go",
)
def port_ephemeral(case: Case, node: Node) -> Iterator[Mark]:
    first, last = DYNAMIC_WINDOWS if case.windows else DYNAMIC_LINUX
    reserved = (RESERVED_WINDOWS if case.windows else RESERVED_LINUX) | RESERVED_BY_PAGE

    def judge(mapping: Node) -> Iterator[Mark]:
        claim = claimed(case.mode, mapping)
        port = claim.number() if claim else None
        if claim is None or port is None or not first <= port <= last or port in reserved:
            return
        fix = [remove(claim)] if case.mode != "host" else []
        why = f"port {port} lies in the range that hosts hand out by default ({first}-{last})"
        yield warn(claim, why, f"use a port below {first}", *fix)

    yield from over(_claiming(case), judge)
