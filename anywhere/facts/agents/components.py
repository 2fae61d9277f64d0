"""How each program that connects to AWS does so: its environment and its trust, declared and effective.

`declared` is what the configuration says, `effective` what the program works with: the running process's environment
where it can be seen, else the declared one, and the caller's where the component does not exist yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from anywhere.catalogue.distros import family_of
from anywhere.errors import NotRecorded
from anywhere.facts.agents.daemon_json import PATH as DAEMON_JSON
from anywhere.facts.agents.daemon_json import daemon_json, proxies_of
from anywhere.facts.agents.ecs_config import EcsConfig, ecs_config
from anywhere.facts.system import units as unit_facts
from anywhere.facts.system.docker_flags import Flags, docker_flags
from anywhere.facts.system.os_release import os_release
from anywhere.facts.system.packages import packages
from anywhere.facts.system.units import Unit, units
from anywhere.frozen import frozen
from anywhere.hosts.base import Daemon, Host, Inventory
from anywhere.hosts.inventory import way
from anywhere.hosts.probe.castore import FILES
from anywhere.hosts.recording import once_a_run

CALLER = "calling environment"
OWN = "own"
# Folders of the host that the agent's container has at the same path (ecs-init/docker/docker.go, getHostConfig).
MOUNTED = ("/etc/ecs", "/var/lib/ecs", "/var/cache/ecs")
BUILD_STORES: Mapping[str, str] = {"deb": "/etc/ssl/certs", "amazon-linux": "/etc/pki/tls/certs"}
BUILD_MOUNTS: Mapping[str, str] = {"deb": "/etc/ssl", "amazon-linux": "/etc/pki"}


@frozen
class Component:
    """One program. `running` is None where that cannot be seen.

    `source` names the process, unit or file that the effective environment comes from. `ca_paths` is its CA store as
    paths of this host: `file=PATH` and `dir=PATH` as a `ProbeSpec.trust` takes them, `own` for the bundle inside the
    agent's image; empty means the host's store as Go programs find it. `known` is False where a part of the settings
    may not be read: then an absent variable is not known to be unset. `intended` is what its files would
    give the process if it were started now. `build` is `deb`, `rpm`, `snap`, and for
    ecs-agent `deb`, `generic-rpm` or `amazon-linux`.
    """

    name: str
    exists: bool = False
    running: bool | None = None
    unit: str = ""
    declared: Mapping[str, str] = field(default_factory=dict)
    effective: Mapping[str, str] = field(default_factory=dict)
    source: str = CALLER
    ca_paths: tuple[str, ...] = ()
    build: str = ""
    known: bool = True
    intended: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def trust(self) -> str:
        """The part of the store that lies on this host, as `ProbeSpec.trust`: `none` where it is only the image's."""
        paths = [path for path in self.ca_paths if path != OWN]
        return "|".join(paths) if paths else "none" if self.ca_paths else ""


@once_a_run
def components(host: Host) -> tuple[Component, ...]:
    """ssm-agent, ecs-agent, docker and the installer, in this order."""
    found = units(host)
    inventory = host.inventory()
    return (
        _ssm_agent(found, inventory, host),
        _ecs_agent(found, inventory, host),
        _docker(found, inventory, host),
        installer(inventory),
    )


def installer(inventory: Inventory) -> Component:
    """The program that runs now, in the environment that it was called with."""
    caller = way(inventory.environment)
    return Component("installer", True, True, "", caller, caller, CALLER, go_store(caller))


def go_store(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The CA store that a Go program takes from its environment; empty when that names none (crypto/x509)."""
    file, folders = environment.get("SSL_CERT_FILE", ""), environment.get("SSL_CERT_DIR", "")
    return ((f"file={file}",) if file else ()) + tuple(f"dir={folder}" for folder in folders.split(":") if folder)


def _ssm_agent(found: Mapping[str, Unit], inventory: Inventory, host: Host) -> Component:
    snap, package = found[unit_facts.SSM_SNAP], found[unit_facts.SSM]
    unit = snap if snap.exists and not package.exists else package
    kind = (packages(host) or {}).get("amazon-ssm-agent", ("", ""))[1]
    component = _service("ssm-agent", unit, _daemon(inventory, "ssm-agent", unit), inventory)
    return replace(component, build="snap" if unit is snap else kind)


def _docker(found: Mapping[str, Unit], inventory: Inventory, host: Host) -> Component:
    snap, package = found[unit_facts.DOCKER_SNAP], found[unit_facts.DOCKER]
    unit = snap if snap.exists and not package.exists else package
    component = _service("docker", unit, _daemon(inventory, "docker", unit), inventory)
    file, flags = daemon_json(host).proxies, _flags(host, unit)
    given = proxies_of(dict(flags.set))
    if not component.exists or not (file or given):
        return replace(component, build="snap" if unit is snap else "")
    # dockerd sets both spellings from its flags and daemon.json, over whatever the environment held (cmd/dockerd,
    # configureProxyEnv); the same one in both keeps it from starting.
    where = dict.fromkeys(file, DAEMON_JSON) | dict.fromkeys(given, flags.path)
    named = {spelling: value for name, value in {**file, **given}.items() for spelling in (name, name.lower())}
    return replace(
        component,
        declared={**component.declared, **named},
        effective={**component.effective, **named},
        source=", ".join(dict.fromkeys((component.source, *where.values()))),
        sources={**component.sources, **{name: where[name.upper()] for name in named}},
        build="snap" if unit is snap else "",
    )


def _flags(host: Host, unit: Unit) -> Flags:
    """The flags of the unit; without any where a bundle, as older ones do, lacks the unit's file."""
    try:
        return docker_flags(host, unit)
    except NotRecorded:
        return Flags()


def _service(name: str, unit: Unit, daemon: Daemon | None, inventory: Inventory) -> Component:
    """A program that runs right on the host, under a unit."""
    declared = way(unit.environment)
    if not unit.exists and daemon is None:
        expected, source = _to_come(declared, _declared_source(unit, declared), inventory)
        return Component(name, False, False, unit.name, declared, expected, source, go_store(expected))
    effective, source = declared, _declared_source(unit, declared)
    if daemon and (daemon.environment or inventory.is_root):
        effective, source = way(daemon.environment), f"process {daemon.pid}"
    running = daemon is not None or bool(unit.is_running) if (daemon or unit.active) else None
    return Component(
        name,
        True,
        running,
        unit.name,
        declared,
        effective,
        source,
        go_store(effective),
        known=not unit.hidden or source.startswith("process"),
        intended=declared,
        sources={key: unit.sources.get(key, unit.name) for key in declared},
    )


def _to_come(declared: Mapping[str, str], source: str, inventory: Inventory) -> tuple[Mapping[str, str], str]:
    """How a program goes out that is not here yet: as what is written for it says, where that names a proxy, else as the
    caller does."""
    if any(name.lower().endswith("_proxy") for name in declared):
        return declared, source
    return {**way(inventory.environment), **declared}, CALLER


def _declared_source(unit: Unit, declared: Mapping[str, str]) -> str:
    """The files that set something, else the unit itself."""
    return ", ".join(dict.fromkeys(unit.sources.get(name, unit.name) for name in declared)) or unit.name


def _ecs_agent(found: Mapping[str, Unit], inventory: Inventory, host: Host) -> Component:
    """The agent's container gets the settings files and nothing of the unit's environment (docker.go, StartAgent)."""
    unit, config = found[unit_facts.ECS], ecs_config(host)
    build = ecs_build(host)
    daemon = _daemon(inventory, "ecs-agent", Unit(""))
    declared = {**way(unit.environment), **way(config.init)}
    effective, source = way(config.agent), _config_source(config)
    if not unit.exists and daemon is None:
        expected, source = _to_come(effective, source, inventory)
        return Component("ecs-agent", False, False, ECS_UNIT, declared, expected, source, agent_store({}, build), build)
    if daemon and daemon.environment:
        effective, source = way(daemon.environment), f"process {daemon.pid}"
    return Component(
        "ecs-agent",
        True,
        daemon is not None or unit.is_running,
        ECS_UNIT,
        declared,
        effective,
        source,
        agent_store(effective, build),
        build,
        known=config.known or source.startswith("process"),
        intended=way(config.agent),
        sources={**{key: unit.sources.get(key, unit.name) for key in declared}, **dict(config.sources)},
    )


ECS_UNIT = unit_facts.ECS


def _config_source(config: EcsConfig) -> str:
    files = dict.fromkeys(
        config.sources[name].rpartition(":")[0] for name in way(config.agent) if name in config.sources
    )
    return ", ".join(files) or "/etc/ecs/ecs.config"


def ecs_build(host: Host) -> str:
    """Which build of ecs-init is here, or would be put here by the official installer; empty where unknown."""
    installed = packages(host) or {}
    if "amazon-ecs-init" in installed:
        return "deb" if installed["amazon-ecs-init"][1] == "deb" else "generic-rpm"
    if "ecs-init" in installed:
        return "amazon-linux"
    family = family_of(os_release(host))
    return family.agent_build if family else ""


def agent_store(environment: Mapping[str, str], build: str) -> tuple[str, ...]:
    """The CA store inside the agent's container. A path that the container does not have is silently ignored by Go.

    The image's own bundle lies in /etc/ssl: the deb build covers it with the host's folder. Elsewhere it counts unless
    both variables are set, since Go reads its default file beside a folder that is set, and its default folders beside
    a file that is set.
    """
    mounts = (*MOUNTED, *((BUILD_MOUNTS[build],) if build in BUILD_MOUNTS else ()))
    file = environment.get("SSL_CERT_FILE", "")
    folders = environment.get("SSL_CERT_DIR", "") or BUILD_STORES.get(build, "")
    # The deb build's container has the host's /etc/ssl and no bundle of its own: Go's whole list counts there.
    files = (file,) if file else FILES if build == "deb" else ()
    seen = [f"file={path}" for path in files if build == "deb" or _is_under(path, mounts)]
    seen += [f"dir={folder}" for folder in folders.split(":") if _is_under(folder, mounts)]
    within = [f"within={folder}" for folder in mounts] if seen else []
    has_own = build != "deb" and not (file and folders)
    return (*seen, *within, OWN) if has_own or not seen else (*seen, *within)


def _is_under(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


# What ECS puts into the environment of every task: a task's program may be called `agent` too.
OF_TASKS = ("ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4", "ECS_AGENT_URI")


def _daemon(inventory: Inventory, name: str, unit: Unit) -> Daemon | None:
    """The running process of a component: the one that its unit names, else one that is surely the component's. A process
    that is merely called `agent` is distinguished by its settings."""
    found = [one for one in inventory.daemons if one.name == name and (one.sure or (one.pid == unit.pid != 0))]
    if name == "ecs-agent":
        found = [one for one in found if any(_is_agents(key) for key in one.environment)]
    return next((one for one in found if one.pid == unit.pid), found[0] if found else None)


def _is_agents(variable: str) -> bool:
    return variable.startswith("ECS_") and variable not in OF_TASKS
