"""Docker where there is none: the distribution's package, Docker's own repository, or none at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from anywhere.catalogue.distros import DockerSource, Family, Judgement, OsRelease
from anywhere.changes.base import ChangeFailed, Step
from anywhere.changes.install.packages import names_step
from anywhere.changes.install.repositories import repository_steps
from anywhere.changes.install.units import start_step
from anywhere.facts.system.units import DOCKER, DOCKER_SNAP, Unit
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

CE = ("docker-ce", "docker-ce-cli", "containerd.io")
PACKAGES = frozenset((*CE, "docker.io", "docker-engine", "docker-ee", "docker", "moby-engine"))
_SOURCES = {"distro": DockerSource.DISTRIBUTION, "docker": DockerSource.REPOSITORY}
# Docker's command is a package of its own since Debian 13.
_SPLIT = {("debian", "13"): ("docker.io", "docker-cli")}


@frozen
class Found:
    """What the host says of Docker: its units, and the packages that are installed."""

    units: Mapping[str, Unit]
    installed: Mapping[str, tuple[str, str]]

    @property
    def exists(self) -> bool:
        """Whether there is a Docker of any kind."""
        return any(self.units[name].exists for name in (DOCKER, DOCKER_SNAP)) or bool(PACKAGES & set(self.installed))


def docker_steps(
    host: Host,
    os: OsRelease,
    judged: Judgement,
    found: Found,
    source: str,
    start: bool,
    proxy: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Step]:
    """Install Docker, enable and start it; `proxy` are the variables for what is downloaded on the host. Raises
    ChangeFailed where there is none and none may or can be installed."""
    if not found.exists:
        yield from _install(host, os, judged, source, proxy)
    unit = found.units[DOCKER_SNAP] if found.units[DOCKER_SNAP].exists else found.units.get(DOCKER)
    name = DOCKER_SNAP if found.units[DOCKER_SNAP].exists else DOCKER
    if start:
        yield from start_step(name, unit, "the ECS agent is one of its containers")


def _install(host: Host, os: OsRelease, judged: Judgement, source: str, proxy: Mapping[str, str]) -> Iterator[Step]:
    family = judged.family
    if family is None or not family.manager:
        raise ChangeFailed(
            "docker is missing, and how software is installed here is not known: install it, then run again"
        )
    where = judged.docker if source == "auto" else _SOURCES.get(source)
    if where is None:
        raise ChangeFailed("docker is missing, and --docker none says not to install it: install it, then run again")
    if where is DockerSource.BRING_YOUR_OWN:
        raise ChangeFailed(
            f"docker is missing, and {os.name or os.id} has none of its own: install it first, or say --docker docker to "
            "take it from Docker's repository"
        )
    if where is DockerSource.DISTRIBUTION:
        yield names_step(
            family.manager, "docker", "install Docker from the distribution", distribution_packages(os, family)
        )
        return
    yield from repository_steps(host, os, family, proxy)
    yield names_step(family.manager, "docker", "install Docker from Docker's repository", CE)


def distribution_packages(os: OsRelease, family: Family) -> tuple[str, ...]:
    """The distribution's own Docker."""
    if family.manager != "apt":
        return ("docker",)
    return _SPLIT.get((os.id, os.version.partition(".")[0]), ("docker.io",))
