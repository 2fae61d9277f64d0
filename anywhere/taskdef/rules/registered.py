"""What ECS checks when a definition is registered for more launch types than the one that is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from anywhere.model import Status
from anywhere.taskdef.rule import Case, Mark, Rule, fail, marks, put, remove, warn
from anywhere.taskdef.rules import dockervolumes, network, size, storage
from anywhere.taskdef.source.node import Node

# What registration refuses. Source: API reference, RegisterTaskDefinition (ClientException, fields networkMode, cpu,
# memory) and type HostVolumeProperties.
_REFUSED: Mapping[str, Sequence[Rule]] = {
    "EC2": (network.network_mode, size.memory),
    "EXTERNAL": (network.network_mode,),
    "FARGATE": (
        network.network_mode,
        size.fargate_size,
        storage.host_path,
        dockervolumes.docker_volume,
        storage.fsx,
    ),
    "MANAGED_INSTANCES": (network.network_mode,),
}
# What registers and never starts there.
_IDLE: Mapping[str, Sequence[Rule]] = {"EXTERNAL": (storage.efs, storage.ebs)}


def others(case: Case, listed: Node, wanted: str) -> Iterator[Mark]:
    """What keeps the definition from the other launch types that it is registered for. Where ECS has given its own
    verdict (`compatibilities`) it has been registered."""
    if case.node.at("compatibilities").raw is not None:
        return
    names = [item.text() for item in listed.each()]
    for item in listed.each():
        name = item.text()
        if name == wanted or name not in _REFUSED or _launch(name) in case.judged:
            continue
        left = [other for other in names if other != name]
        edit = remove(item) if left else put(listed, [wanted])
        if mark := _first(case, name, _REFUSED):
            text = f"registered for {name} too, where ECS refuses it: {mark.summary.partition(': ')[0]}"
            yield fail(item, text, f"take {name} out of the list, or {mark.remedy}", edit)
        elif mark := _first(case, name, _IDLE):
            text = f"registered for {name} too, where it does not work: {mark.summary.partition('; ')[0]}"
            yield warn(item, text, f"take {name} out of the list, or {mark.remedy}", edit)


def _launch(name: str) -> str:
    return name.lower().replace("_", "-")


def _first(case: Case, name: str, table: Mapping[str, Sequence[Rule]]) -> Mark | None:
    """The first fault for this launch type that is none for the one that is judged."""
    there = replace(case, launch=_launch(name))
    for rule in table.get(name, ()):
        own = {mark.summary for mark in marks(rule, case)} if case.launch in rule.launch else set()
        for mark in marks(rule, there):
            if mark.status is Status.FAIL and mark.summary not in own:
                return mark
    return None
