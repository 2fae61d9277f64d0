"""The file systems under the folders of the agents and of docker: may they write there, and start what they unpack."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.base import Check, check, passed, trouble
from anywhere.checks.remedies import remedy
from anywhere.facts.agents.agents import ssm_service
from anywhere.facts.agents.docker import docker_info
from anywhere.facts.kernel.folders import EXEC, HOME, RUN_COMMAND, Place, fstab_line, mount_of, written
from anywhere.facts.kernel.log import lines_if_known, read_only_reason
from anywhere.facts.system.machine import mounts
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

ID, CODE = "system.mounts", "mount.unsuitable"


@check(ID)
def mounts_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    places = written(host)
    by_point: dict[str, list[Place]] = {}
    for place in places:
        if "ro" in place.mount.options and not _may_be_elsewhere(host, place):
            by_point.setdefault(place.mount.point, []).append(place)
    found = [_read_only(host, point, stopped) for point, stopped in by_point.items()]
    found += list(_noexec(host, settings))
    if docker_info(host).d_type is False:
        found.append(_without_d_type(host))
    yield from found
    if not found:
        looked = ", ".join(dict.fromkeys(place.mount.point for place in places))
        yield passed(ID, looked or "mounts", "agents and docker can use the file systems under their folders")


def _may_be_elsewhere(host: Host, place: Place) -> bool:
    """Systems with a root that is read-only by design keep root's home elsewhere, behind a link."""
    return place.folder == HOME and place.mount.point == "/" and not read_only_reason(lines_if_known(host))


def _read_only(host: Host, point: str, stopped: list[Place]) -> Finding:
    names = ", ".join(dict.fromkeys(place.component for place in stopped))
    folders = ", ".join(place.folder for place in stopped[:3])
    why, kept = read_only_reason(lines_if_known(host)), fstab_line(host, point)
    by_fstab = "ro" in kept.partition("`")[2].split()[3:4] if kept else False
    said = (
        f"the file system of {point} is mounted read-only: {names} can write no state, logs or credentials ({folders})"
    )
    said += ", after an error of the disk" if why else f"; {kept} says so" if by_fstab else ""
    text = (
        "Find out what the disk has (its kernel log, SMART, the storage), check the file system offline (fsck), then mount it "
        "writable again and restart the services. Containers stop with docker, unless live-restore is set."
        if why
        else "Mount it writable, and correct /etc/fstab where it says ro; then restart the services. Containers stop with "
        "docker, unless live-restore is set."
    )
    return trouble(
        ID,
        Status.FAIL,
        point,
        said,
        cause=CODE,
        remedy=remedy(
            host,
            text,
            ("mount", "-o", "remount,rw", point),
            *(("systemctl", "restart", name) for name in _services(host, stopped)),
            look=(("dmesg",),),
        ),
        evidence={"line": why, "folders": [place.folder for place in stopped]},
    )


def _services(host: Host, stopped: list[Place]) -> list[str]:
    """The services that need the folders, in the order in which they are started."""
    components = {place.component for place in stopped}
    units = {"docker": "docker", "ssm-agent": ssm_service(host), "ecs-agent": "ecs"}
    needed = [name for component, name in units.items() if component in components]
    return [*needed, *(("ecs",) if "docker" in components and "ecs" not in needed else ())]


def _noexec(host: Host, settings: Settings) -> Iterator[Finding]:
    """Only with --with exec: neither docker nor the agents themselves start programs from there."""
    if "exec" not in settings.features:
        return
    table = mounts(host)
    hit = {folder: mount_of(table, folder) for folder in (RUN_COMMAND, EXEC)}
    points: dict[str, list[str]] = {}
    for folder, mount in hit.items():
        if mount and "noexec" in mount.options:
            points.setdefault(mount.point, []).append(folder)
    for point, folders in points.items():
        kept = fstab_line(host, point)
        yield trouble(
            ID,
            Status.FAIL,
            point,
            f"{point} is mounted noexec: Run Command and ECS Exec cannot start what they unpack to {' and '.join(folders)}"
            + (f"; {kept} says so" if kept else ""),
            cause=CODE,
            remedy=remedy(
                host,
                f"Mount {point} without noexec and take the option out of /etc/fstab, or give the folders file systems of "
                "their own that allow it.",
                ("mount", "-o", "remount,exec", point),
            ),
            evidence={"folders": folders},
        )


def _without_d_type(host: Host) -> Finding:
    return trouble(
        ID,
        Status.FAIL,
        "docker",
        "Docker's overlay storage is on a file system without d_type (XFS with ftype=0): images lose files",
        cause=CODE,
        remedy=remedy(
            host,
            "Make the file system anew with `mkfs.xfs -n ftype=1`, or move docker's data-root to one that has it.",
            look=(("docker", "info"),),
        ),
    )


CHECKS: tuple[Check, ...] = (mounts_check,)
