"""Hardening drop-ins: what they take from docker and from the agents, and what they may take."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.software import DOCKER, ECS, SSM, register
from tests.region.world import World

CODE = "config.invalid"


def hardened(world: World, unit: str, *lines: str) -> None:
    """A drop-in of a registered host."""
    if unit not in world.host.units:
        register(world)
    world.host.files[f"/etc/systemd/system/{unit}.d/20-hardening.conf"] = "\n".join(("[Service]", *lines)) + "\n"


@fault("ssm-without-home", "a hardening drop-in takes root's home from the SSM agent", CODE)
def ssm_without_home(world: World) -> None:
    hardened(world, SSM, "NoNewPrivileges=yes", "ProtectHome=true")


@fault("ssm-strict-system", "a hardening drop-in makes all folders read-only for the SSM agent", CODE)
def ssm_strict(world: World) -> None:
    hardened(world, SSM, "ProtectSystem=strict", "ReadWritePaths=/var/log/amazon")


@fault("ssm-strict-twice", "two lines of a drop-in, above one of the site's, keep the SSM agent from its folders", CODE)
def ssm_strict_twice(world: World) -> None:
    hardened(world, SSM, "ProtectHome=yes", "ProtectSystem=strict", "Nice=5")


@fault("ssm-other-user", "the SSM agent is to run as a user of its own", CODE)
def ssm_other_user(world: World) -> None:
    hardened(world, SSM, "User=ssm")


@fault("ssm-denied-addresses", "a drop-in denies the SSM agent every address", CODE)
def ssm_denied(world: World) -> None:
    hardened(world, SSM, "IPAddressDeny=any", "IPAddressAllow=localhost")


@fault("docker-unix-alone", "a drop-in leaves docker Unix sockets alone", CODE)
def docker_unix_alone(world: World) -> None:
    hardened(world, DOCKER, "RestrictAddressFamilies=AF_UNIX AF_NETLINK")


@fault("docker-kernel-read-only", "a drop-in makes the kernel's settings read-only for docker", CODE)
def docker_tunables(world: World) -> None:
    hardened(world, DOCKER, "ProtectKernelTunables=yes")


@fault("docker-own-mounts", "a hardening drop-in hides docker's mounts from containerd", CODE)
def docker_own_mounts(world: World) -> None:
    hardened(world, DOCKER, "NoNewPrivileges=yes", "PrivateTmp=yes")


@fault("ecs-private-network", "a drop-in gives ecs-init a network of its own", CODE)
def ecs_private_network(world: World) -> None:
    hardened(world, ECS, "PrivateNetwork=yes")


@fault("docker-few-rights", "a drop-in leaves docker two capabilities, with which no container starts", CODE)
def docker_few_rights(world: World) -> None:
    hardened(world, DOCKER, "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE")


@fault("docker-service-calls", "a drop-in leaves docker the system calls of an ordinary service", CODE)
def docker_service_calls(world: World) -> None:
    hardened(world, DOCKER, "SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM")


@fault("docker-no-namespaces", "a drop-in lets docker make no namespaces", CODE)
def docker_no_namespaces(world: World) -> None:
    hardened(world, DOCKER, "RestrictRealtime=yes", "RestrictNamespaces=yes")


@variation("hardened-enough", "drop-ins that restrict docker and leave it what containers need")
def hardened_enough(world: World) -> None:
    hardened(
        world, DOCKER, "CapabilityBoundingSet=~CAP_SYS_BOOT CAP_SYS_TIME", "SystemCallFilter=~@clock @reboot",
        "RestrictNamespaces=no", "UMask=0077", "LimitNOFILE=infinity", "TasksMax=infinity",
    )  # fmt: skip


@variation("hardened-harmless", "hardening drop-ins that leave docker and the agents what they need")
def hardened_harmless(world: World) -> None:
    hardened(world, SSM, "PrivateTmp=yes", "ProtectSystem=strict", "ReadWritePaths=/var/lib/amazon /var/log/amazon /root",
             "ProtectHome=yes", "RestrictAddressFamilies=AF_UNIX AF_INET", "RestrictAddressFamilies=AF_INET6 AF_NETLINK",
             "PrivateNetwork=yes", "PrivateNetwork=no", "IPAddressDeny=any", "IPAddressAllow=10.0.0.0/8")  # fmt: skip
    hardened(
        world,
        DOCKER,
        "NoNewPrivileges=no",
        "LimitNOFILE=1048576",
        "User=",
        "ProtectClock=yes",
        "PrivateTmp=yes",
        "PrivateTmp=no",
    )
    hardened(world, ECS, "ProtectHome=yes", "InaccessiblePaths=/home")
