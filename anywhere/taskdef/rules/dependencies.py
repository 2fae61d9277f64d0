"""Rules on the order of containers: what waits for what, and on which condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anywhere.taskdef.rule import EVERY, FARGATE, Case, Mark, fail, over, put, remove, rule
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.node import Node, NotKnown

TO_THE_END = ("COMPLETE", "SUCCESS")


@rule(
    "taskdef.dependencies",
    "dependencies between containers",
    scope="definition",
    launch=EVERY,
    meaning="No container waits for itself, directly or in a circle. COMPLETE and SUCCESS wait for the end of a container, "
    "which must not be an essential one; HEALTHY needs a health check in the definition. `volumesFrom` and `links` name "
    "other containers of the task.",
    fine="containers can start in an order",
    source=f"{sources.API}, types ContainerDependency and VolumeFrom; {sources.AGENT_GRAPH}",
)
def dependencies(case: Case, node: Node) -> Iterator[Mark]:
    named = named_containers(case)
    for container in case.containers:
        yield from _of(container, named)
    yield from _circles(named)


def _of(own: Node, named: Mapping[str, Node]) -> Iterator[Mark]:
    yield from over(own.at("dependsOn").each(), lambda link: _link(link, own, named))
    yield from over(own.at("volumesFrom").each(), lambda item: _from(item, own, named))


def named_containers(case: Case) -> dict[str, Node]:
    """The containers of a definition by their names, where these are known."""
    return {name: container for container in case.containers if (name := _name(container))}


def _name(container: Node) -> str:
    raw = container.at("name").raw
    return raw if isinstance(raw, str) else ""


def _link(link: Node, own: Node, named: Mapping[str, Node]) -> Iterator[Mark]:
    other, condition = link.at("containerName").text(), link.at("condition")
    target = named.get(other)
    if target is None:
        return
    if target.pointer == own.pointer:
        yield fail(link, f"{other} depends on itself and never starts", "take the dependency out", remove(link))
    elif condition.text() in TO_THE_END and _is_essential(target):
        text = f"{condition.text()} waits for the end of {other}, which is essential: its end stops the task"
        yield fail(condition, text, f"make {other} not essential, or use START or HEALTHY", put(condition, "START"))
    elif condition.text() == "HEALTHY" and not target.at("healthCheck").filled:
        text = f"HEALTHY waits for the health check of {other}, which has none in this definition"
        yield fail(condition, text, f"give {other} a healthCheck, or use START", put(condition, "START"))


def _is_essential(container: Node) -> bool:
    switch = container.at("essential")
    return switch.flag() if switch.present else True


def _from(item: Node, own: Node, named: Mapping[str, Node]) -> Iterator[Mark]:
    source = item.at("sourceContainer")
    if not source.text():
        yield fail(item, "volumesFrom without sourceContainer", "name the container to take the volumes of")
    elif source.text() not in named:
        text = f"takes volumes from {source.text()}, which is not a container of this task"
        yield fail(source, text, "name one of its containers")
    elif named[source.text()].pointer == own.pointer:
        yield fail(source, "takes volumes from itself", "take it out", remove(item))


def _circles(named: Mapping[str, Node]) -> Iterator[Mark]:
    """Circles of two and more containers, each once. The agent counts links and volumesFrom as dependencies too."""
    waits = {name: waits_for(container, name, named) for name, container in named.items()}
    seen: set[str] = set()
    for name in named:
        circle = way(name, name, waits) if name not in seen else []
        if circle:
            seen |= set(circle)
            pairs = zip(circle, (*circle[1:], circle[0]))
            text = f"{', '.join(f'{one} waits for {other}' for one, other in pairs)}: none of them starts"
            onward = circle[1] if len(circle) > 1 else circle[0]
            field = next(field for other, field in waits[circle[0]] if other == onward)
            yield fail(field, text, "take one of these dependencies out")


def waits_for(container: Node, own: str, named: Mapping[str, Node]) -> list[tuple[str, Node]]:
    """The containers that one waits for, each with the field that says so."""
    found = []
    for field, key in (("dependsOn", "containerName"), ("volumesFrom", "sourceContainer"), ("links", "")):
        for item in container.at(field).each():
            try:
                other = item.at(key).text() if key else item.text().partition(":")[0]
            except NotKnown:
                continue
            if other in named and other != own:
                found.append((other, container.at(field)))
    return found


def way(start: str, end: str, waits: Mapping[str, list[tuple[str, Node]]]) -> list[str]:
    """The containers on a way of waiting from one to another, or back to itself; empty where there is none."""
    ways = [[start]]
    reached: set[str] = set()
    while ways:
        trail = ways.pop()
        for other, _ in waits[trail[-1]]:
            if other == end:
                return trail
            if other not in reached:
                reached.add(other)
                ways.append([*trail, other])
    return []


@rule(
    "taskdef.timeouts",
    "start and stop timeouts",
    scope="container",
    launch=EVERY,
    meaning="On Fargate `startTimeout` and `stopTimeout` are 2 to 120 seconds; elsewhere they are not negative.",
    fine="timeouts that the launch type has",
    source=f"{sources.REGISTER}, fields startTimeout and stopTimeout",
)
def timeouts(case: Case, node: Node) -> Iterator[Mark]:
    for field in (node.at("startTimeout"), node.at("stopTimeout")):
        seconds = field.number()
        name = field.pointer.rpartition("/")[2]
        if seconds is None:
            continue
        if case.launch == FARGATE and not 2 <= seconds <= 120:
            near = 2 if seconds < 2 else 120
            yield fail(field, f"{name} is {seconds} s, Fargate takes 2 to 120", f"use {near}", put(field, near))
        elif seconds < 0:
            yield fail(field, f"{name} is negative ({seconds})", "use 0 or more", remove(field))
