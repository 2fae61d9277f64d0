"""Rules on the EBS volumes that a service or request asks for."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.rule import EC2, FARGATE, MANAGED, Case, Mark, fail, over, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node

_PROVISIONED = ("io1", "io2")
_WITHOUT_IOPS = ("st1", "sc1", "standard")
# Least and most, by the type of the volume. Source: API reference, type ServiceManagedEBSVolumeConfiguration.
_SIZES = {
    **dict.fromkeys(("gp2", "gp3"), (1, 16384)),
    **dict.fromkeys(("io1", "io2"), (4, 16384)),
    **dict.fromkeys(("st1", "sc1"), (125, 16384)),
    "standard": (1, 1024),
}
_IOPS = {"gp3": (3000, 16000), "io1": (100, 64000), "io2": (100, 256000)}
_MOST_THROUGHPUT = 1000
_OF_WINDOWS = "ntfs"


@rule(
    "service.ebs",
    "EBS volumes of a service or request",
    scope="service",
    launch=(EC2, FARGATE, MANAGED),
    meaning="A volume made at launch is one of the task definition with `configuredAtLaunch`. It has a size or a snapshot; io1 "
    "and io2 need `iops`, which st1, sc1 and standard do not take; `throughput` is for gp3. Fargate has no standard volumes. "
    "Sizes and rates are those that the type has, a rate of initialization needs a snapshot, and ntfs is for Windows.",
    fine="volumes that EBS has, for volumes of the definition",
    source=f"{sources.API}, types ServiceVolumeConfiguration and ServiceManagedEBSVolumeConfiguration; {sources.SEEN}, "
    "pf-ecs-svc-ebs-name-not-in-taskdef",
)
def ebs(case: Case, node: Node) -> Iterator[Mark]:
    volumes = list(node.at("volumeConfigurations").each())
    yield from over(volumes, lambda item: _named_volume(case, item), quiet=True)
    managed = [item.at("managedEBSVolume") for item in volumes]
    yield from over(managed, lambda item: _managed(case, item), quiet=True)
    yield from over(managed, lambda item: _amounts(case, item), quiet=True)
    yield from over(managed, lambda item: _files(case, item), quiet=True)


def _named_volume(case: Case, item: Node) -> Iterator[Mark]:
    name = item.at("name")
    if case.definition is None or not name.filled or is_placeholder(name.text()):
        return
    known = {volume.at("name").text(): volume for volume in case.volumes}
    if name.text() not in known:
        text = f"the service configures the volume {show(name.text())}, which its task definition does not have"
        yield fail(name, text, "name a volume of it with configuredAtLaunch")
    elif not known[name.text()].at("configuredAtLaunch").flag():
        text = f"the volume {name.text()} of the service is not configuredAtLaunch in its task definition"
        yield fail(name, text, "set configuredAtLaunch for the volume of the task definition")


def _managed(case: Case, volume: Node) -> Iterator[Mark]:
    if not volume.filled:
        return
    kind, iops, throughput = volume.at("volumeType").text(), volume.at("iops"), volume.at("throughput")
    if not volume.at("sizeInGiB").filled and not volume.at("snapshotId").filled:
        yield fail(volume, "an EBS volume without sizeInGiB and snapshotId", "give its size, or a snapshot")
    if kind in _PROVISIONED and not iops.number():
        yield fail(volume, f"an EBS volume of the type {kind} needs iops", "set iops")
    elif kind in _WITHOUT_IOPS and iops.number():
        yield fail(iops, f"an EBS volume of the type {kind} takes no iops", "take it out", remove(iops))
    if kind not in ("", "gp3") and throughput.number():
        yield fail(throughput, f"throughput is for gp3, not for {kind}", "take it out", remove(throughput))
    if kind == "standard" and case.launch == FARGATE:
        yield fail(volume.at("volumeType"), "Fargate has no EBS volumes of the type standard", "use gp3")


def _amounts(case: Case, volume: Node) -> Iterator[Mark]:
    """Sizes and rates. Below the least EC2 refuses them; the most has been raised before, so ECS may take more."""
    kind = volume.at("volumeType").text() or "gp3"
    ranges = {"sizeInGiB": _SIZES.get(kind), "iops": _IOPS.get(kind), "throughput": (0, _MOST_THROUGHPUT)}
    for name, bounds in ranges.items():
        number = volume.at(name).number()
        if bounds is None or number is None or not (number or case.is_written):  # Terraform shows 0 where there is none
            continue
        text = f"{name} is {number}, and {kind} takes {bounds[0]} to {bounds[1]}"
        if number < bounds[0]:
            yield fail(volume.at(name), text, f"use {bounds[0]} or more")
        elif number > bounds[1]:
            yield warn(volume.at(name), f"{text}, as the API text says", f"use {bounds[1]} or less")


def _files(case: Case, volume: Node) -> Iterator[Mark]:
    rate, kind = volume.at("volumeInitializationRate"), volume.at("filesystemType")
    if rate.number() and not volume.at("snapshotId").filled:
        text = "volumeInitializationRate is for volumes made from a snapshot, and there is none"
        yield fail(rate, text, "take it out, or name a snapshotId", remove(rate))
    if case.definition is None or not kind.filled:
        return
    if case.windows is not (kind.text() == _OF_WINDOWS):
        system = "Windows" if case.windows else "Linux"
        yield fail(kind, f"{system} containers have no {kind.text()} volumes", "take it out", remove(kind))
