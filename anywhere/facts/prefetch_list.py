"""Everything that the facts about the host itself read, to be gathered at once."""

from __future__ import annotations

from anywhere.facts import identity
from anywhere.facts.agents import (
    agents,
    credentials,
    daemon_json,
    docker,
    ecs_config,
    own_endpoints,
    ports,
    registration,
)
from anywhere.facts.firewall import container_way, firewall, forwarding, route_localnet
from anywhere.facts.kernel import folders, limits, log, modules
from anywhere.facts.link import shaping
from anywhere.facts.network import kernel_routes, routes
from anywhere.facts.system import castore, exec_files, gpu, machine, os_release, packages, time_sync, units
from anywhere.frozen import frozen
from anywhere.hosts.base import ProbeSpec

MODULES = (
    *(
        routes,
        own_endpoints,
        agents,
        castore,
        docker,
        credentials,
        daemon_json,
        ecs_config,
        exec_files,
        identity,
        firewall,
        forwarding,
        container_way,
        kernel_routes,
        folders,
        limits,
        shaping,
        log,
        modules,
        route_localnet,
    ),
    *(gpu, os_release, packages, ports, registration, machine, time_sync, units),
)


@frozen
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
