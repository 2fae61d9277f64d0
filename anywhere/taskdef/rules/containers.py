"""Rules on the containers as a whole: names, images, what they refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from anywhere.taskdef.rule import EC2, EVERY, EXTERNAL, Case, Mark, fail, over, put, rule
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.storage import may_be_drive
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import named

_PLAIN = re.compile(r"[\w./-]+\Z")


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


@rule(
    "taskdef.working-directory",
    "working directory of a container",
    scope="container",
    launch=(EXTERNAL, EC2),
    meaning="docker creates no Linux container whose `workingDirectory` is not absolute.",
    fine="the image's working directory, or an absolute one",
    source=f"{sources.API}, type ContainerDefinition; {sources.MOBY}, daemon/container.go, verifyContainerConfig",
)
def working_directory(case: Case, node: Node) -> Iterator[Mark]:
    yield from over([node.at("workingDirectory")], lambda folder: _folder(case, folder), quiet=True)


def _folder(case: Case, folder: Node) -> Iterator[Mark]:
    text = folder.text()
    if not text or text.startswith(("/", "$")) or is_placeholder(text) or may_be_drive(case, text) or case.windows:
        return
    right = normpath(f"/{text}")
    edits = [put(folder, right)] if _PLAIN.match(text) else []  # neither ~ nor a path of Windows
    advice = f"write {right}" if edits else "write a path that begins with /"
    yield fail(folder, f"the working directory {show(text)} is not an absolute path", advice, *edits)


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
