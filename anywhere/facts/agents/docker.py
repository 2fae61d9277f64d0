"""Docker: what answers to the name, whether its daemon does, and what it says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from anywhere.documents.numbers import whole
from anywhere.errors import NotRecorded
from anywhere.facts.agents.daemon_json import DATA_ROOT, daemon_json
from anywhere.facts.files import read_text, shell_line
from anywhere.frozen import frozen
from anywhere.hosts.base import Completed, Host
from anywhere.hosts.recording import once_a_run

TIMEOUT = 5.0  # seconds: a daemon that needs longer for its own version is a daemon that hangs
SOCKET = "unix:///var/run/docker.sock"
# The agent's own socket, whatever context or DOCKER_HOST the caller's shell has.
_DOCKER = ("env", f"DOCKER_HOST={SOCKET}", "docker")


def ask_docker(*words: str) -> tuple[str, ...]:
    """A command of docker's that goes to that socket."""
    return (*_DOCKER, *words)


VERSION = (*_DOCKER, "version", "--format", "{{json .}}")
INFO = (*_DOCKER, "info", "--format", "{{json .}}")
NETWORKS = (*_DOCKER[:2], *shell_line(Path(__file__).with_name("docker_networks.sh")))
WHERE = shell_line(Path(__file__).with_name("docker_place.sh"))

COMMANDS: tuple[tuple[str, ...], ...] = (VERSION, INFO, NETWORKS, WHERE)
FILES: tuple[str, ...] = ("/etc/docker/daemon.json",)
FOLDERS: tuple[str, ...] = ()


@frozen
class DockerVersion:
    """`docker version`: the server's fields are empty where no daemon answered."""

    client: str = ""
    server: str = ""
    api: str = ""
    min_api: str = ""
    arch: str = ""
    components: tuple[str, ...] = ()
    runc: str = ""


@frozen
class DockerInfo:
    """`docker info`, what matters of it. Limits are None where the daemon does not say. `containerd_store` is
    whether images lie in containerd's store (DriverStatus names its snapshotter), `containerd` its socket, `pool` free and
    all bytes of devicemapper's pool. `runtimes` are paths by name, `memory` is in bytes; empty and 0 where it does not say."""

    root: str = ""
    cgroup_driver: str = ""
    cgroup_version: str = ""
    selinux: bool = False
    apparmor: bool = False
    containerd_store: bool = False
    containerd: str = ""
    forwarding: bool | None = None
    d_type: bool | None = None
    default_runtime: str = ""
    runtimes: Mapping[str, str] = field(default_factory=dict)
    log_drivers: tuple[str, ...] = ()
    memory: int = 0
    driver: str = ""
    swarm: str = ""
    pool: tuple[int, int] | None = None


@frozen
class Docker:
    """`state`: `absent`, `answers`, `silent` (did not answer in time), `forbidden` (may not be asked) or `down`.

    `path` is the command found, `target` what it links to, `said` the client's complaint."""

    state: str
    path: str = ""
    target: str = ""
    said: str = ""
    version: DockerVersion = field(default_factory=DockerVersion)
    is_podman: bool = False

    @property
    def is_snap(self) -> bool:
        """Whether the command is the snap's."""
        return self.path.startswith("/snap/") or "/snap/" in self.target or self.target.endswith("/bin/snap")


@frozen
class DockerNetwork:
    """A network of Docker's with its subnets (CIDR). `bridge` is the interface on the host, empty where it has none;
    `mtu` what its containers' cards get (0: not set). `flags` are those of `docker network create` that make it again, but
    for its subnets, `attached` the names of its running containers, `project` that of Docker Compose which made it."""

    name: str
    driver: str
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    bridge: str = ""
    is_default: bool = False
    mtu: int = 0
    flags: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    project: str = ""


def docker(host: Host) -> Docker:
    """What answers to the name `docker`."""
    done = host.run(VERSION, timeout=TIMEOUT)
    if done.rc == 127:
        return Docker("absent")
    version = parse_version(done.stdout)
    where = host.run(WHERE, timeout=TIMEOUT).stdout.split()
    path, target = (*where, "", "")[:2]
    state = "answers" if version.server else state_of(done)
    podman = is_podman(version, done.stderr, target)
    return Docker(state, path, target, _first_line(done.stderr), version, podman)


def state_of(done: Completed) -> str:
    """Why the daemon did not answer `docker version`."""
    said = done.stderr.lower()
    if done.rc == 124:
        return "silent"
    return "forbidden" if "permission denied" in said else "down"


def is_podman(version: DockerVersion, said: str, target: str = "") -> bool:
    """Whether Podman answers in Docker's place: its shim says so, its server names itself among the components."""
    named = any("podman" in component.lower() for component in version.components)
    return named or "podman" in said.lower() or target.rpartition("/")[2].startswith("podman")


def parse_version(text: str) -> DockerVersion:
    """The JSON of `docker version`; an empty one for text that is none (a shim's notice may stand before it).

    ```
    {"Client":{"Version":"24.0.7","ApiVersion":"1.43"},"Server":{"Version":"24.0.7","ApiVersion":"1.43","MinAPIVersion":"1.12","Arch":"amd64"}}
    ```
    """
    found = _object(text)
    client, server = _inner(found, "Client"), _inner(found, "Server")
    parts = server.get("Components")
    return DockerVersion(
        client=_said(client, "Version"),
        server=_said(server, "Version"),
        api=_said(server, "ApiVersion") or _said(server, "APIVersion"),
        min_api=_said(server, "MinAPIVersion"),
        arch=_said(server, "Arch"),
        components=tuple(_said(part, "Name") for part in parts if isinstance(part, dict))
        if isinstance(parts, list)
        else (),
        runc=next((_said(part, "Version") for part in _dicts(parts) if _said(part, "Name") == "runc"), ""),
    )


@once_a_run
def docker_info(host: Host) -> DockerInfo:
    """`docker info`; an empty one where the daemon does not answer."""
    return parse_info(host.run(INFO, timeout=TIMEOUT).stdout)


def parse_info(text: str) -> DockerInfo:
    """The JSON of `docker info`; an empty one for text that is none."""
    found = _object(text)
    options = found.get("SecurityOptions")
    return DockerInfo(
        root=_said(found, "DockerRootDir"),
        cgroup_driver=_said(found, "CgroupDriver"),
        cgroup_version=_said(found, "CgroupVersion"),
        selinux="name=selinux" in options if isinstance(options, list) else False,
        forwarding=_flag(found, "IPv4Forwarding"),
        d_type=_d_type(found.get("DriverStatus")),
        apparmor="name=apparmor" in options if isinstance(options, list) else False,
        default_runtime=_said(found, "DefaultRuntime"),
        runtimes=_runtimes(found),
        log_drivers=_log_drivers(found),
        memory=total if isinstance(total := found.get("MemTotal"), int) else 0,
        driver=_said(found, "Driver"),
        swarm=_said(_inner(found, "Swarm"), "LocalNodeState"),
        pool=_pool(found.get("DriverStatus")),
        containerd=_said(_inner(found, "Containerd"), "Address"),
        containerd_store="io.containerd.snapshotter" in json.dumps(found.get("DriverStatus")),
    )


def _of_driver(status: object, name: str) -> str | None:
    """What the storage driver says of itself, in pairs: `["Supports d_type", "true"]`."""
    rows = [row for row in status if isinstance(row, list) and len(row) == 2] if isinstance(status, list) else []
    return next((str(row[1]) for row in rows if row[0] == name), None)


def _d_type(status: object) -> bool | None:
    reported = _of_driver(status, "Supports d_type")
    return None if reported is None else reported == "true"


_SIZE = re.compile(r"([0-9.]+) ?([kKMGTP]?)B")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def _pool(status: object) -> tuple[int, int] | None:
    """Free and all bytes of devicemapper's pool: `107.4GB`, powers of 1000 (docker/go-units, HumanSize)."""
    found = [_SIZE.fullmatch(_of_driver(status, f"Data Space {which}") or "") for which in ("Available", "Total")]
    sizes = [
        int(float(one[1]) * 1000 ** _POWERS[one[2]]) for one in found if one and one[1].count(".") < 2 and one[1] != "."
    ]
    return (sizes[0], sizes[1]) if len(sizes) == 2 else None


def _runtimes(found: Mapping[str, object]) -> dict[str, str]:
    named = _inner(found, "Runtimes")
    return {name: _said(one, "path") for name, one in named.items() if isinstance(one, dict)}


def _log_drivers(found: Mapping[str, object]) -> tuple[str, ...]:
    named = _inner(found, "Plugins").get("Log")
    return tuple(one for one in named if isinstance(one, str)) if isinstance(named, list) else ()


def data_root(host: Host) -> str:
    """Where Docker keeps images and containers: as the daemon says, else as daemon.json does, else the default."""
    return docker_info(host).root or daemon_json(host).data_root or DATA_ROOT


CONTAINERD_CONFIG = "/etc/containerd/config.toml"
CONTAINERD_ROOT = "/var/lib/containerd"


def containerd_root(host: Host) -> str:
    """Where containerd keeps images and layers: the `root` of its settings. That of a containerd which dockerd starts
    itself lies in data-root (moby libcontainerd/supervisor/remote_daemon.go)."""
    if "/docker/containerd/" in docker_info(host).containerd:
        return f"{data_root(host)}/containerd/daemon"
    import tomllib  # most hosts do not get here

    try:
        root = tomllib.loads(read_text(host, CONTAINERD_CONFIG).content).get("root")
    except (NotRecorded, ValueError, RecursionError):
        root = None
    return root if isinstance(root, str) and root.startswith("/") else CONTAINERD_ROOT


def image_root(host: Host) -> str:
    """Where images and layers lie: with the containerd image store (the default of fresh Docker 29) in containerd's own
    folder, whatever data-root says."""
    return containerd_root(host) if docker_info(host).containerd_store else data_root(host)


def docker_networks(host: Host) -> tuple[DockerNetwork, ...] | None:
    """Docker's networks; None where the daemon cannot be asked. Its default bridge alone is there from the start."""
    done = host.run(NETWORKS, timeout=TIMEOUT)
    return parse_networks(done.stdout) if done.stdout.strip().startswith("[") else None


def parse_networks(text: str) -> tuple[DockerNetwork, ...]:
    """The JSON list of `docker network inspect`, in its order; entries of another form are left out."""
    return tuple(_networks(text))


def _networks(text: str) -> Iterator[DockerNetwork]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    for item in found if isinstance(found, list) else ():
        if not isinstance(item, dict) or not _said(item, "Name"):
            continue
        options, driver = _inner(item, "Options"), _said(item, "Driver")
        entries = _inner(item, "IPAM").get("Config")
        configs = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        own_name = f"br-{_said(item, 'Id')[:12]}" if driver == "bridge" and _said(item, "Id") else ""
        yield DockerNetwork(
            name=_said(item, "Name"),
            driver=driver,
            subnets=tuple(subnet for config in configs if (subnet := _said(config, "Subnet"))),
            gateways=tuple(gateway for config in configs if (gateway := _said(config, "Gateway"))),
            bridge=_said(options, "com.docker.network.bridge.name") or own_name,
            is_default=_said(options, "com.docker.network.bridge.default_bridge") == "true",
            mtu=whole(_said(options, "com.docker.network.driver.mtu")) or 0,
            flags=_create_flags(item),
            attached=tuple(_said(one, "Name") for one in _dicts([*_inner(item, "Containers").values()])),
            project=_said(_inner(item, "Labels"), "com.docker.compose.project"),
        )


def _create_flags(item: Mapping[str, object]) -> tuple[str, ...]:
    """The flags of `docker network create` that a network was made with (docker/cli cli/command/network/create.go)."""
    switches = (("Internal", "--internal"), ("Attachable", "--attachable"), ("EnableIPv6", "--ipv6"))
    given = [flag for key, flag in switches if _flag(item, key)]
    pairs = [(f"--{kind}", _inner(item, key)) for kind, key in (("opt", "Options"), ("label", "Labels"))]
    named = [word for flag, values in pairs for name, value in values.items() for word in (flag, f"{name}={value}")]
    return ("--driver", _said(item, "Driver") or "bridge", *given, *named)


def _dicts(found: object) -> list[dict[str, object]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _object(text: str) -> dict[str, object]:
    start = text.find("{")
    try:
        found = json.loads(text[start:]) if start >= 0 else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _inner(found: Mapping[str, object], key: str) -> dict[str, object]:
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _said(found: Mapping[str, object], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _flag(found: Mapping[str, object], key: str) -> bool | None:
    value = found.get(key)
    return value if isinstance(value, bool) else None


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:300]
