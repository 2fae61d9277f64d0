"""Verified packages on their way to a host: copied, held against what they would bring along, and removed again."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.changes.install.docker import PACKAGES as DOCKER_PACKAGES
from anywhere.changes.install.packages import STAGE, LocalPackage, pulled_command, stage_command, unstage_command
from anywhere.facts.agents.agents import agents
from anywhere.facts.files import list_folder
from anywhere.facts.system.units import DOCKER, DOCKER_SNAP, units
from anywhere.flows.lifecycle.order import Listener, NotRegistered, Timed
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording


def stage(host: Host, packages: Sequence[LocalPackage], listener: Listener) -> None:
    """Copy them, each under its name only when its digest is right. Raises NotRegistered."""
    for one in packages:
        with Timed(f"copy {one.name} to the host", listener):
            with open(one.path, "rb") as file:
                command = stage_command(one, file.read())
            done = host.run(command.argv, input=command.input, timeout=command.timeout)
        if not done.ok:
            said = done.stderr.strip() or f"rc {done.rc}"
            raise NotRegistered(
                f"{one.name} could not be copied: {said}", "disk.low" if "No space left" in said else ""
            )


def unstage(host: Host) -> None:
    """Remove the copies."""
    host.run(unstage_command().argv, timeout=30)


def sweep(host: Host, recorded: Recording) -> None:
    """Remove copies that a killed run left behind."""
    if list_folder(recorded, STAGE):
        unstage(host)


def refuse_second_docker(host: Host, packages: Sequence[LocalPackage]) -> None:
    """The agent's deb wants a Docker package: where Docker came another way (snap, static), apt would add one. Raises
    NotRegistered."""
    recorded = Recording(host)
    names = [one.staged for one in packages if one.staged.endswith(".deb")]
    installed = set(agents(recorded).installed) & DOCKER_PACKAGES
    found = units(recorded)
    if not names or installed or not (found[DOCKER].exists or found[DOCKER_SNAP].exists):
        return
    pulled = set(host.run(pulled_command(names), timeout=60).stdout.split()) & DOCKER_PACKAGES
    if pulled:
        raise NotRegistered(
            f"docker is here, but not as a package, and the agent's package would install {', '.join(sorted(pulled))} "
            "beside it",
            "docker.snap" if found[DOCKER_SNAP].exists else "docker.missing",
            "replace it with docker.io or docker-ce first",
        )
