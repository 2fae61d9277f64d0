"""Remedies as commands that fit this host: its package manager, its units, sudo where it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anywhere.catalogue.distros import DockerSource, Family, family_of, judge_release
from anywhere.facts.files import read_text
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.packages import packages
from anywhere.facts.system.quoting import parse_section, unit_environment
from anywhere.hosts.base import Host
from anywhere.model import Remedy

Command = tuple[str, ...]


def as_root(host: Host, *commands: Command) -> tuple[Command, ...]:
    """The commands, with sudo before each where whoever logs in is not root, and where sudo has made it root."""
    by_sudo = "@" in host.name and not host.name.startswith("root@")
    prefix = () if host.inventory().is_root and not by_sudo else ("sudo",)
    return tuple(prefix + command for command in commands)


def remedy(host: Host, text: str, *commands: Command, ask: str = "", look: tuple[Command, ...] = ()) -> Remedy:
    """A sentence and the commands that do what it says, as root; who must act otherwise, and what shows more."""
    return Remedy(text, as_root(host, *commands), ask=ask, look=as_root(host, *look))


def line_out(place: str) -> Command:
    """The command that makes a line of a file a comment: `/etc/modprobe.d/cis.conf:3`. The text stays to be looked at, and the
    other lines keep their numbers, which further commands name."""
    path, _, number = place.rpartition(":")
    return ("sed", "-i", f"{number}s/^/# /", path)


def lines_that_set(host: Host, path: str, names: Iterable[str]) -> Iterator[str]:
    """The places of the lines of a unit's file that set one of these variables and no other."""
    for number, key, value in parse_section(read_text(host, path).content, "[Service]"):
        found = set(unit_environment(value)[0]) if key == "Environment" else set()
        if found and found <= set(names):
            yield f"{path}:{number}"


def family(host: Host) -> Family | None:
    """How this host's software is managed."""
    return family_of(os_release(host))


def install(host: Host, *packages: str) -> tuple[Command, ...]:
    """The command that installs packages; none where the package manager is not known."""
    known = family(host)
    return ((*known.install, *packages),) if known and known.install else ()


def remove(host: Host, *packages: str) -> tuple[Command, ...]:
    """The command that removes packages; none where the package manager is not known."""
    known = family(host)
    if not known or not known.install:
        return ()
    return ((*(word.replace("install", "remove") for word in known.install), *packages),)


def replaces_runc(host: Host) -> bool:
    """Whether the distribution's runc is here, which Docker's containerd.io conflicts with (and Podman of EL8 needs)."""
    return "runc" in (packages(host) or {})


def docker_commands(host: Host) -> tuple[Command, ...]:
    """How Docker gets onto this host: the distribution's package, or Docker's own repository."""
    source = judge_release(os_release(host)).docker
    known = family(host)
    if not known or source is None:
        return ()
    from anywhere.changes.install.docker import distribution_packages  # a healthy host's check does without it

    start = (("systemctl", "enable", "--now", "docker"),)
    if source is DockerSource.DISTRIBUTION:
        return (*install(host, *distribution_packages(os_release(host), known)), *start)
    if known.manager == "apt":
        return ()
    where = {"rhel": "rhel", "fedora": "fedora"}.get(os_release(host).id, "centos")
    repository = f"https://download.docker.com/linux/{where}/docker-ce.repo"
    file = "/etc/yum.repos.d/docker-ce.repo"
    return (
        *(remove(host, "runc") if replaces_runc(host) else ()),
        ("curl", "-fsSL", "-o", file, repository),
        *install(host, "docker-ce", "docker-ce-cli", "containerd.io"),
        *start,
    )
