"""Rules on the containers as a whole: names, images, what they refer to."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.rule import EVERY, Case, Mark, fail, over, put, rule
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import named


@rule(
    "taskdef.containers",
    "containers and what they refer to",
    scope="definition",
    launch=EVERY,
    meaning="Each container has a name of its own and an image, at least one is essential, and mount points and "
    "dependencies name volumes and containers of the same definition.",
    fine="containers are complete and refer to what is there",
    source=f"{sources.REGISTER}, type ContainerDefinition",
)
def containers(case: Case, node: Node) -> Iterator[Mark]:
    yield from over(case.containers, _complete)
    names = [container.at("name").text() for container in case.containers]
    for position, name in enumerate(names):
        if name and name in names[:position]:
            again = case.containers[position].at("name")
            yield fail(again, f"a second container is named {name}", "give it a name of its own")
    if case.containers and all(_spared(container) for container in case.containers):
        first = case.containers[0].at("essential")
        yield fail(first, "no container is essential, and one must be", "make one essential", put(first, True))
    for container in case.containers:
        yield from over(container.at("dependsOn").each(), lambda link: _dependency(link, names))
        yield from over(container.at("mountPoints").each(), lambda mount: _mounted(case, mount))


def _complete(container: Node) -> Iterator[Mark]:
    for field in ("name", "image"):
        if not container.at(field).filled:
            yield fail(container, f"a container without {field}", f"give it its {field}")


def _spared(container: Node) -> bool:
    return container.at("essential").present and not container.at("essential").flag()


def _mounted(case: Case, mount: Node) -> Iterator[Mark]:
    source = mount.at("sourceVolume")
    if source.text() and source.text() not in {volume.at("name").text() for volume in case.volumes}:
        yield fail(source, f"mounts the volume {source.text()}, which the definition does not have", "add the volume")


def _dependency(link: Node, names: list[str]) -> Iterator[Mark]:
    other = link.at("containerName")
    if other.text() not in names:
        yield fail(
            other, f"depends on {named(other.text())}, which is no container of this task", "name one of its containers"
        )
