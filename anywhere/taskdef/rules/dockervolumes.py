"""Rules on the volumes that docker's drivers make."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.rule import EXTERNAL, FARGATE, Case, Mark, fail, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.storage import VOLUME_NAME
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node

_LOCAL = ("type", "device", "o", "size")


@rule(
    "taskdef.docker-volume",
    "docker volumes",
    scope="volume",
    meaning="One page of AWS supports docker volumes on EC2 and external instances and shows NFS on ECS Anywhere, "
    "the API text says EC2 only: accepted, with this note. Fargate has none, and Windows only the local driver, which on Linux "
    "has the options type, device, o and size, the first two together, and names of two and more characters.",
    fine="no docker volume where there is none",
    source=f"{sources.GUIDE}, docker-volumes; {sources.API}, type DockerVolumeConfiguration; {sources.MOBY}, "
    "daemon/volume/local, validateOpts and validateName; amazon-ecs-agent, addSharedVolumes",
)
def docker_volume(case: Case, node: Node) -> Iterator[Mark]:
    volume = node.at("dockerVolumeConfiguration")
    if not volume.present:
        return
    driver = volume.at("driver")
    if case.launch == FARGATE:
        advice = "use a bind mount without a source path, or EFS"
        yield fail(volume, "Fargate has no docker volumes", advice, remove(volume))
        return
    if driver.text() not in ("", "local") and case.windows:
        why = "Windows containers know the local driver only"
        yield fail(driver, why, "use the local driver", put(driver, "local"))
    if case.launch == EXTERNAL:
        why = "AWS's pages disagree: one supports docker volumes on external instances, one says EC2 only"
        yield warn(volume, why, "works in practice where the driver is on the host; a bind mount is beyond doubt")
    if driver.text() in ("", "local"):
        yield from over([volume], lambda volume: _local(case, volume), quiet=True)
        yield from over([node], lambda node: _shared_name(case, node), quiet=True)


def _local(case: Case, volume: Node) -> Iterator[Mark]:
    """What docker's local driver refuses when it makes the volume. The agent makes no shared one without autoprovision."""
    options = volume.at("driverOpts")
    given = options.raw if isinstance(options.raw, dict) else {}
    if not given or case.windows:
        return
    if volume.at("scope").text() == "shared" and not volume.at("autoprovision").flag():
        return
    for key in given:
        if key not in _LOCAL:
            text = f"{show(key)} is not an option of docker's local driver: the task does not start"
            yield fail(options.at(key), text, f"use {', '.join(_LOCAL)}", remove(options.at(key)))
    lacking = [key for key in ("type", "device") if key not in given]
    if lacking and set(given) & {"type", "device", "o"}:
        text = f"docker's local driver needs {' and '.join(lacking)} beside {', '.join(given)}: the task does not start"
        yield fail(options, text, "for NFS, type is nfs, device :/PATH, and o addr=SERVER,rw")


def _shared_name(case: Case, volume: Node) -> Iterator[Mark]:
    name = volume.at("name")
    if volume.at("dockerVolumeConfiguration", "scope").text() != "shared" or case.windows or not name.filled:
        return
    if not is_placeholder(name.text()) and not VOLUME_NAME.match(name.text()):
        text = f"docker refuses the volume name {show(name.text())}, which a shared volume has on the host too"
        yield fail(name, text, "use two and more characters, the first a letter or digit")
