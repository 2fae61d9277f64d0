"""Everything that the facts about the host itself read, to be gathered at once."""

from __future__ import annotations

from dataclasses import dataclass

from anywhere.facts import (
    addresses,
    agents,
    castore,
    containers,
    credentials,
    daemonjson,
    ecsconfig,
    fingerprint,
    firewall,
    localnet,
    osrelease,
    packages,
    ports,
    registration,
    system,
    timesync,
    units,
)
from anywhere.hosts.base import ProbeSpec

MODULES = (
    *(addresses, agents, castore, containers, credentials, daemonjson, ecsconfig, fingerprint, firewall, localnet),
    *(osrelease, packages, ports, registration, system, timesync, units),
)


@dataclass(frozen=True, slots=True)
class Wants:
    """Commands, files and folders, and the probes of the host's own neighbourhood, each once."""

    commands: tuple[tuple[str, ...], ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    probes: tuple[ProbeSpec, ...] = ()


def wants() -> Wants:
    """The sum over all fact modules of this layer."""
    return Wants(
        commands=tuple(dict.fromkeys(argv for module in MODULES for argv in module.COMMANDS)),
        files=tuple(dict.fromkeys(path for module in MODULES for path in module.FILES)),
        folders=tuple(dict.fromkeys(path for module in MODULES for path in module.FOLDERS)),
        probes=(credentials.METADATA,),
    )
