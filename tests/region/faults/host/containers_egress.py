"""The way of bridge containers out, docker's own rules, and where its images lie."""

from __future__ import annotations

import json

from tests.region.faults import fault, variation
from tests.region.software import (
    AGENT,
    DOCKER,
    FILTER,
    NAT,
    add_docker,
    daemon_of,
    docker_of,
    register,
    remove_rules,
)  # fmt: skip
from tests.region.world import World

MIB = 1 << 20
FORWARD = "/etc/sysctl.d/60-hardening.conf"
STORE = {"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}


def filters(world: World) -> list[str]:
    """The host's filter table."""
    return world.host.iptables["iptables-nft"]["filter"]


@fault("forward-drops-dns", "a VPN's chain drops what containers ask the nameserver", "containers.no-egress")
def forward_drops_dns(world: World) -> None:
    register(world)
    server = world.nameservers[0].address
    filters(world).insert(0, "-A FORWARD -j vpn-forward")
    filters(world).append(":vpn-forward - [0:0]")
    filters(world).append(f"-A vpn-forward -d {server}/32 -p udp -m udp --dport 53 -j DROP")


@fault("forward-drops-legacy", "a rule of iptables-legacy drops what containers send", "containers.no-egress")
def forward_drops_legacy(world: World) -> None:
    register(world)
    legacy = world.host.iptables.setdefault("iptables-legacy", {})
    legacy.setdefault("filter", []).append("-A FORWARD -i docker0 -j DROP")


@fault("forward-rejects-all", "a firewall's FORWARD rejects what comes from the bridge", "containers.no-egress")
def forward_rejects_all(world: World) -> None:
    register(world)
    filters(world).insert(0, "-A FORWARD -i docker0 -j REJECT --reject-with icmp-port-unreachable")


@fault("forward-drops-answers", "what containers send goes out, and the answers are dropped", "containers.no-egress")
def forward_drops_answers(world: World) -> None:
    register(world)
    filters(world).insert(0, "-A FORWARD -o docker0 -j DROP")


@fault("nat-gone", "the bridge's MASQUERADE rule is gone, docker's chains are there", "containers.no-egress")
def nat_gone(world: World) -> None:
    register(world)
    remove_rules(world, next(rule for rule in NAT if "MASQUERADE" in rule))


@fault("forwarding-off", "a hardening file switches forwarding off", "containers.no-egress")
def forwarding_off(world: World) -> None:
    register(world)
    world.host.files[FORWARD] = "# hardening\nnet.ipv4.ip_forward = 0\n"
    world.host.sysctls["net/ipv4/ip_forward"] = "0"


@fault("bridge-without-address", "another network manager took the bridge's address", "containers.no-egress")
def bridge_without_address(world: World) -> None:
    register(world)
    world.host.network = [line for line in world.host.network if "172.17.0.1" not in line]


@fault("docker-rules-gone", "docker's chains are gone, the agent's rules were set again", "docker.rules-missing")
def docker_rules_gone(world: World) -> None:
    register(world)
    remove_rules(world, *NAT, *FILTER)


@fault("containerd-store-full", "images lie in containerd's store, whose file system is full", "disk.low")
def containerd_store_full(world: World) -> None:
    add_docker(world, "29.0.0", "1.52", "1.44", info={"DockerRootDir": "/srv/docker", **STORE})
    register(world, docker=False)
    world.host.folders += ["/srv/docker", "/var/lib/containerd"]
    world.host.tmpfs["/var/lib/containerd"] = 512 * MIB
    world.host.filled["/var/lib/containerd/layers"] = 508 * MIB


@fault("containerd-root-full", "containerd keeps its images in a folder of the site's, which is full", "disk.low")
def containerd_root_full(world: World) -> None:
    add_docker(world, "29.0.0", "1.52", "1.44", info=STORE)
    register(world, docker=False)
    world.host.files["/etc/containerd/config.toml"] = 'version = 3\nroot = "/srv/images"\n'
    world.host.folders += ["/srv/images", "/var/lib/containerd"]
    world.host.tmpfs["/srv/images"] = 512 * MIB
    world.host.filled["/srv/images/layers"] = 508 * MIB


@fault(
    "containerd-of-docker-full",
    "dockerd runs its own containerd, whose images fill the file system of data-root",
    "disk.low",
)
def containerd_of_docker_full(world: World) -> None:
    own = {"DockerRootDir": "/srv/docker", "Containerd": {"Address": "/var/run/docker/containerd/containerd.sock"}}
    add_docker(world, "29.0.0", "1.52", "1.44", info={**STORE, **own})
    register(world, docker=False)
    world.host.folders += ["/srv/docker", "/srv/docker/containerd/daemon"]
    world.host.tmpfs["/srv/docker/containerd/daemon"] = 512 * MIB
    world.host.filled["/srv/docker/containerd/daemon/layers"] = 508 * MIB


@fault(
    "apparmor-old-agent",
    "AppArmor and control groups version 2 with an agent of before 1.80",
    "docker.agent-incompatible",
)
def apparmor_old_agent(world: World) -> None:
    options = ["name=apparmor", "name=seccomp,profile=default", "name=cgroupns"]
    add_docker(world, "24.0.7", "1.43", "1.12", info={"SecurityOptions": options})
    register(world, docker=False)
    world.host.packages["amazon-ecs-init"] = "1.74.1-1"
    said = daemon_of(world, AGENT).state["/v1/metadata"]
    assert isinstance(said, dict)
    said["Version"] = "Amazon ECS Agent - v1.74.1 (*8dfceca6)"
    for path in ("/var/log/ecs/ecs-agent.log",):
        text = world.host.files[path]
        assert isinstance(text, str)
        world.host.files[path] = text.replace("1.105.1", "1.74.1")


@variation("docker-user-rules", "DOCKER-USER holds a site's rules, which let containers out")
def docker_user_rules(world: World) -> None:
    register(world)
    filters(world).insert(2, "-A DOCKER-USER -i docker0 -p tcp -m tcp --dport 25 -j DROP")


@variation("forward-policy-drop", "FORWARD's policy is DROP, as docker sets it, and docker's rules accept")
def forward_policy_drop(world: World) -> None:
    register(world)
    filters(world).insert(0, ":FORWARD DROP [0:0]")


def with_pool(world: World, free: str) -> None:
    """docker with devicemapper, whose pool has so much left."""
    status = [["Pool Name", "docker-253:0"], ["Data Space Available", free], ["Data Space Total", "107.4GB"]]
    add_docker(world, "19.03.15", "1.40", "1.12", info={"Driver": "devicemapper", "DriverStatus": status})
    register(world, docker=False)


@fault("docker-pool-full", "docker's devicemapper pool has no room", "disk.low")
def docker_pool_full(world: World) -> None:
    with_pool(world, "1.2 MB")


@variation("docker-pool", "docker's devicemapper pool has room")
def docker_pool(world: World) -> None:
    with_pool(world, "65.21GB")


@variation("containerd-store", "images lie in containerd's store, and there is room")
def containerd_store(world: World) -> None:
    add_docker(world, "29.0.0", "1.52", "1.44", info=STORE)
    register(world, docker=False)
    world.host.folders.append("/var/lib/containerd")


@variation("containerd-root-moved", "containerd keeps its images elsewhere, and its old folder has no room")
def containerd_root_moved(world: World) -> None:
    add_docker(world, "29.0.0", "1.52", "1.44", info=STORE)
    register(world, docker=False)
    world.host.files["/etc/containerd/config.toml"] = 'root = "/srv/images"\n'
    world.host.folders += ["/srv/images", "/var/lib/containerd"]
    world.host.tmpfs["/var/lib/containerd"] = 512 * MIB
    world.host.filled["/var/lib/containerd/layers"] = 508 * MIB


def kept_from_masquerade(world: World, name: str) -> None:
    """docker translates no address, since its settings say so."""
    docker_of(world)
    world.host.files["/etc/docker/daemon.json"] = json.dumps({"log-driver": "local", name: False}, indent=2)
    register(world)
    table = world.host.iptables["iptables-nft"]
    table["nat"] = [row for row in table["nat"] if "MASQUERADE" not in row]


@fault(
    "docker-no-masquerade-proven",
    "docker is set not to translate, and no router knows its network",
    "containers.no-egress",
    arguments=("--prove",),
)
def docker_no_masquerade_proven(world: World) -> None:
    kept_from_masquerade(world, "ip-masq")


@variation("docker-no-masquerade", "docker is set not to translate: a router may know its network")
def docker_no_masquerade(world: World) -> None:
    kept_from_masquerade(world, "ip-masq")


@variation("docker-flag-no-masquerade", "a flag of docker's unit keeps it from translating")
def docker_flag_no_masquerade(world: World) -> None:
    kept_from_masquerade(world, "debug")
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/routed.conf"] = (
        "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --ip-masq=false\n"
    )


@variation("docker-without-iptables", "docker is set to leave the packet filter alone")
def docker_without_iptables(world: World) -> None:
    docker_of(world)
    world.host.files["/etc/docker/daemon.json"] = '{"iptables": false}\n'
    register(world)
    remove_rules(world, *NAT, *FILTER)
