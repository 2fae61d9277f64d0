"""Docker: missing, stopped, the wrong program, the wrong version, in the way."""

from __future__ import annotations

from tests.region.faults import fault
from tests.region.faults.host.system import os_release, red_hat
from tests.region.host import Unit
from tests.region.software import (
    AGENT,
    AGENT_VERSION,
    DOCKER,
    DOCKERD,
    ECS,
    ECS_INIT,
    add_docker,
    add_networks,
    agent_log,
    docker_of,
    network,
    register,
    stop,
)  # fmt: skip
from tests.region.world import World

PODMAN = """#!/bin/sh
# The shim of podman-docker.
echo 'Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.' >&2
case "$1" in
  version) echo '{"Client":{"APIVersion":"4.9.4-rhel","Version":"4.9.4-rhel","Os":"linux","OsArch":"linux/amd64"}}' ;;
  info) echo '{"host":{"arch":"amd64","cgroupVersion":"v2"},"version":{"APIVersion":"4.9.4-rhel"}}' ;;
  *) exit 0 ;;
esac
"""


@fault("docker-missing-rhel", "RHEL 9 without Docker, where registration cannot install it", "docker.missing")
def docker_missing_rhel(world: World) -> None:
    red_hat(world)


@fault("docker-removed", "Docker was removed from a registered host", "docker.missing")
def docker_removed(world: World) -> None:
    register(world)
    docker_stopped(world)
    del world.host.units[DOCKER]
    del world.host.units["docker.socket"]
    world.host.stubs.pop("/usr/bin/docker")
    for name in ("docker-ce", "containerd.io"):
        world.host.packages.pop(name)


@fault("docker-stopped", "Docker does not run on a registered host", "docker.not-running")
def docker_stopped(world: World) -> None:
    """The agent's container and its unit go with it; ecs-init's rules stay, as it needs Docker to take them back."""
    if AGENT not in [one.name for one in world.host.daemons]:
        register(world)
    for name in (DOCKERD, AGENT, ECS_INIT):
        stop(world, name)
    for unit in (DOCKER, ECS):
        world.host.units[unit].active = False
    world.host.units[DOCKER].properties |= {"Result": "exit-code", "ExecMainStatus": "1"}


@fault("docker-api-too-new", "Docker's oldest API is newer than any that the agent knows", "docker.api-window")
def docker_api_too_new(world: World) -> None:
    add_docker(world, "31.0.1", "1.54", "1.45")


@fault("docker-api-too-old", "Docker's newest API is older than what the agent needs", "docker.api-window")
def docker_api_too_old(world: World) -> None:
    add_docker(world, "1.8.3", "1.20", "1.12")


@fault("podman-shim", "the command docker is Podman's, on Rocky Linux", "docker.podman", "os.unlisted")
def podman_shim(world: World) -> None:
    red_hat(world, "rocky", "9.4", "rhel centos fedora")
    world.host.programs["/usr/bin/docker"] = PODMAN
    world.host.programs["/usr/bin/podman"] = "#!/bin/sh\necho 'podman version 4.9.4-rhel'\n"
    world.host.packages |= {"podman": "4.9.4-1.el9", "podman-docker": "4.9.4-1.el9"}


@fault("podman-socket", "Podman answers on Docker's socket", "docker.podman")
def podman_socket(world: World) -> None:
    daemon = add_docker(world, "4.9.4", "1.41", "1.24")
    daemon.name = "/usr/bin/podman"
    version = daemon.state["/version"]
    assert isinstance(version, dict)
    details = {"APIVersion": "4.9.4", "MinAPIVersion": "4.0.0"}
    version["Components"] = [{"Name": "Podman Engine", "Version": "4.9.4", "Details": details}]
    version["Platform"] = {"Name": "linux/amd64/debian-12"}
    del world.host.units[DOCKER]
    world.host.packages.pop("docker-ce")


@fault("docker-snap", "Docker is a snap", "docker.snap")
def docker_snap(world: World) -> None:
    os_release(world, "ubuntu", "22.04", "debian", "Ubuntu 22.04.5 LTS")
    add_docker(world)
    host = world.host
    host.units["snap.docker.dockerd.service"] = Unit(
        "[Service]\nExecStart=/usr/bin/snap run docker.dockerd\nRestart=on-failure\n",
        main=DOCKERD,
        folder="/etc/systemd/system",
    )
    del host.units[DOCKER]
    host.stubs["/usr/bin/snap"] = host.stubs.pop("/usr/bin/docker")
    host.links["/snap/bin/docker"] = "/usr/bin/snap"
    host.path = "/snap/bin"
    host.packages.pop("docker-ce")


@fault("docker-with-old-agent", "agent 1.79.0 can not run with Docker Engine 25", "docker.agent-incompatible")
def docker_with_old_agent(world: World) -> None:
    add_docker(world, "25.0.3", "1.44", "1.24")
    register(world, docker=False)
    host = world.host
    host.packages["amazon-ecs-init"] = "1.79.0-1"
    stop(world, AGENT)
    failed = 'level=critical msg="Error creating Docker client" error="client version 1.17 is too old"'
    log = agent_log(world, failed, healthy=False).replace(AGENT_VERSION, "1.79.0").splitlines(keepends=True)
    host.files["/var/log/ecs/ecs-agent.log"] = log[0] + log[-1]


@fault("docker-over-nameserver", "a Docker network covers the nameserver's address", "docker.subnet-overlap")
def docker_over_nameserver(world: World) -> None:
    _cover(world, str(next(world.services.subnets(new_prefix=25))))


@fault("docker-over-endpoints", "a Docker network covers the PrivateLink addresses", "docker.subnet-overlap")
def docker_over_endpoints(world: World) -> None:
    world.every_nameserver(lambda server: server.private.append("*"))
    _cover(world, str(world.private))


@fault("docker-over-gateway", "a Docker network covers the default gateway", "docker.subnet-overlap")
def docker_over_gateway(world: World) -> None:
    _cover(world, str(next(world.lan.subnets(new_prefix=29))))


@fault("docker-bridge-left", "a bridge of a docker before, which docker does not list, covers the nameserver's address",
       "docker.subnet-overlap")  # fmt: skip
def docker_bridge_left(world: World) -> None:
    subnet = str(next(world.services.subnets(new_prefix=25)))
    _cover(world, subnet)
    state = docker_of(world).state
    networks = state["/networks"]
    assert isinstance(networks, list)
    state["/networks"] = [one for one in networks if one["Name"] != "plant_default"]


def _cover(world: World, subnet: str) -> None:
    """A network of Docker's there, with its bridge up: from then on the kernel sends what belongs there into it."""
    import ipaddress

    first = ipaddress.ip_network(subnet)[1]
    taken = str(first) if str(first) != str(world.lan[1]) else str(ipaddress.ip_network(subnet)[2])
    one = network("plant_default", subnet, taken)
    add_networks(docker_of(world).state, one)
    bridge = f"br-{one['Id'][:12]}"
    prefix = subnet.partition("/")[2]
    world.host.network += [f"link add {bridge} type bridge", f"addr add {taken}/{prefix} dev {bridge}"]
    world.host.network += [f"link set {bridge} up"]
