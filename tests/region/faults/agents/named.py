"""Settings that name what this host has not: sockets, profiles, plugins, file systems; mounts that docker keeps to itself."""

from __future__ import annotations

import json

from tests.region.faults import fault, variation
from tests.region.faults.agents.sandbox import hardened
from tests.region.faults.agents.settings import DAEMON_JSON, docker_settings
from tests.region.faults.agents.words import INIT_LOG, USER_CONFIG, looping, set_line, stamped
from tests.region.faults.host.daemons import docker_failed
from tests.region.host import Unit
from tests.region.software import DOCKER, docker_of, register
from tests.region.world import World

CODE = "config.invalid"
CONTAINERD = "containerd.service"
PROFILES = "/sys/kernel/security/apparmor/profiles"
AUTHORIZATION = {"authorization-plugins": ["opa-docker-authz"]}


@fault("docker-host-gone", "ecs.config names a socket of docker's that is not there", CODE)
def docker_host_gone(world: World) -> None:
    looping(world)
    set_line(world, USER_CONFIG, "DOCKER_HOST", "unix:///run/docker-agents/docker.sock")
    refused = "dial unix /run/docker-agents/docker.sock: connect: no such file or directory"
    world.host.files[INIT_LOG] = stamped([f'level=info msg="Could not create docker client: {refused}"'])


@fault("docker-host-silent", "ecs.config names a TCP port of docker's where nobody listens", CODE)
def docker_host_silent(world: World) -> None:
    looping(world)
    set_line(world, USER_CONFIG, "DOCKER_HOST", "tcp://127.0.0.1:2375")
    world.host.files[INIT_LOG] = stamped(['level=info msg="Agent exited with code 1"'])


@fault(
    "docker-host-of-unit", "a drop-in of ecs names a socket of docker's that is not there; the agent still runs", CODE
)
def docker_host_of_unit(world: World) -> None:
    register(world)
    line = "Environment=DOCKER_HOST=unix:///run/docker-agents/docker.sock"
    world.host.files["/etc/systemd/system/ecs.service.d/socket.conf"] = f"[Service]\n{line}\n"


@variation("docker-host-named", "ecs.config names docker's own socket, by its other name")
def docker_host_named(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "DOCKER_HOST", "unix:///run/docker.sock")


def apparmor(world: World, *loaded: str) -> None:
    """AppArmor is on and has loaded these profiles."""
    register(world)
    docker_of(world).state["/info"] |= {"SecurityOptions": ["name=apparmor", "name=seccomp,profile=default"]}
    world.host.programs["/sbin/apparmor_parser"] = "#!/bin/sh\necho 'AppArmor parser version 4.0.1'\n"
    world.host.tmpfs["/sys/kernel/security"] = 2**20
    world.host.files[PROFILES] = "".join(
        f"{name} (enforce)\n" for name in ("docker-default", "ecs-agent-default", *loaded)
    )


@fault("apparmor-profile-not-loaded", "ecs.config names a profile that AppArmor has not loaded", CODE)
def apparmor_profile_gone(world: World) -> None:
    apparmor(world)
    set_line(world, USER_CONFIG, "ECS_AGENT_APPARMOR_PROFILE", "site-ecs-agent")


@variation("apparmor-profile-of-site", "ecs.config names a profile of the site's own, which is loaded")
def apparmor_profile_loaded(world: World) -> None:
    apparmor(world, "site-ecs-agent")
    set_line(world, USER_CONFIG, "ECS_AGENT_APPARMOR_PROFILE", "site-ecs-agent")


@fault("docker-authorization-gone", "daemon.json names a plugin that authorizes and is gone; docker still runs", CODE)
def docker_authorization_gone(world: World) -> None:
    docker_settings(world, live_restore=True, authorization_plugins=["opa-docker-authz"])


@fault("docker-authorization-refused", "docker does not start without its authorization plugin", "docker.not-running")
def docker_authorization_refused(world: World) -> None:
    world.host.files[DAEMON_JSON] = json.dumps(AUTHORIZATION, indent=2)
    docker_failed(
        world,
        'dockerd[811]: level=warning msg="Unable to locate plugin: opa-docker-authz, retrying in 8s"',
        'dockerd[811]: failed to validate authorization plugin: plugin "opa-docker-authz" not found',
    )


@variation(
    "docker-authorization-there", "daemon.json names plugins that authorize: one in a file, one in a folder of its own"
)
def docker_authorization_there(world: World) -> None:
    docker_settings(world, authorization_plugins=["site-authz", "other-authz"])
    world.host.files["/etc/docker/plugins/site-authz.spec"] = "unix:///run/site-authz.sock\n"
    world.host.files["/usr/lib/docker/plugins/other-authz/other-authz.json"] = "{}\n"


@variation("docker-authorization-managed", "the plugin that authorizes is one that docker manages itself")
def docker_authorization_managed(world: World) -> None:
    docker_settings(world, authorization_plugins=["openpolicyagent/opa-docker-authz-v2:0.9"])
    world.host.files[f"/var/lib/docker/plugins/{'5e' * 32}/config.json"] = "{}\n"


@fault("docker-size-without-quota", "daemon.json limits containers' sizes, which this file system cannot", CODE)
def docker_size_without_quota(world: World) -> None:
    docker_settings(world, storage_driver="overlay2", storage_opts=["overlay2.size=20G"])


@fault(
    "docker-option-of-devicemapper", "daemon.json kept an option of the storage driver before; docker still runs", CODE
)
def docker_option_of_devicemapper(world: World) -> None:
    docker_settings(world, storage_opts=["dm.basesize=20G"])


@fault("docker-size-refused", "docker does not start with a limit of size on this file system", "docker.not-running")
def docker_size_refused(world: World) -> None:
    world.host.files[DAEMON_JSON] = json.dumps({"storage-opts": ["overlay2.size=20G"], "live-restore": True}, indent=2)
    docker_failed(
        world,
        "dockerd[811]: failed to start daemon: error initializing graphdriver: Storage Option overlay2.size only supported "
        "for backingFS XFS. Found extfs",
    )


@variation("docker-size-not-used", "containerd keeps the images, so that docker does not read the limit of size")
def docker_size_not_used(world: World) -> None:
    docker_settings(world, storage_opts=["overlay2.size=20G"])
    status = [["driver-type", "io.containerd.snapshotter.v1"]]
    docker_of(world).state["/info"] |= {"Driver": "overlayfs", "DriverStatus": status}


@fault("docker-mounts-slave", "a drop-in keeps docker's mounts to itself: containerd does not see them", CODE)
def docker_mounts_slave(world: World) -> None:
    hardened(world, DOCKER, "MountFlags=slave")


@fault("containerd-mounts-private", "a drop-in keeps others' mounts from containerd", CODE)
def containerd_mounts_private(world: World) -> None:
    register(world)
    world.host.units[CONTAINERD] = Unit("[Service]\nExecStart=/usr/bin/containerd\n")
    hardened(world, CONTAINERD, "MountFlags=private")


@variation("mounts-shared", "docker shares its mounts, and containerd takes those of others")
def mounts_shared(world: World) -> None:
    hardened(world, DOCKER, "MountFlags=slave", "MountFlags=shared")
    world.host.units[CONTAINERD] = Unit("[Service]\nExecStart=/usr/bin/containerd\n")
    hardened(world, CONTAINERD, "MountFlags=slave", "PrivateTmp=yes", "ProtectHome=yes")


@variation("docker-own-containerd", "docker starts a containerd of its own, which shares its mounts")
def docker_own_containerd(world: World) -> None:
    hardened(world, DOCKER, "MountFlags=slave", "PrivateTmp=yes")
    unit = world.host.units[DOCKER]
    unit.text = unit.text.replace(" --containerd=/run/containerd/containerd.sock", "")


@fault(
    "docker-parent-no-slice", "daemon.json names a parent group that is no slice of systemd; docker still runs", CODE
)
def docker_parent(world: World) -> None:
    docker_settings(world, cgroup_parent="/ecs")


@fault("docker-icc-without-iptables", "daemon.json keeps containers apart by iptables, and switches that off", CODE)
def docker_icc(world: World) -> None:
    docker_settings(world, icc=False, iptables=False)


def swarm(world: World, state: str) -> None:
    """What `docker info` says of swarm mode."""
    info = docker_of(world).state["/info"]
    assert isinstance(info, dict)
    info["Swarm"] = {"LocalNodeState": state}


@fault("docker-live-restore-in-swarm", "live-restore was set on a member of a swarm; docker still runs", CODE)
def docker_swarm(world: World) -> None:
    docker_settings(world, live_restore=True)
    swarm(world, "active")


@fault("docker-limit-above-kernel", "daemon.json gives containers more files than the kernel allows", CODE)
def docker_limit(world: World) -> None:
    docker_settings(world, default_ulimits={"nofile": {"Name": "nofile", "Soft": 65536, "Hard": 4000000}})
    world.host.overmounts["/proc/sys/fs/nr_open"] = "1048576\n"


@fault("docker-limit-reversed", "a soft limit of daemon.json is above the hard one", CODE)
def docker_limit_reversed(world: World) -> None:
    docker_settings(world, default_ulimits={"nproc": {"Name": "nproc", "Soft": 65536, "Hard": 4096}})


@fault("docker-limit-nameless", "a limit of daemon.json has no name of its own, as older notes show it", CODE)
def docker_limit_nameless(world: World) -> None:
    docker_settings(world, default_ulimits={"nofile": {"Soft": 10000, "Hard": 10000}})


@variation("docker-settings-together", "settings of docker that go together: a slice, limits, icc off with iptables")
def docker_together(world: World) -> None:
    nofile, memlock = {"Name": "nofile", "Soft": 1024, "Hard": 524288}, {"Name": "memlock", "Soft": -1, "Hard": -1}
    limits = {"nofile": nofile, "memlock": memlock}
    docker_settings(world, cgroup_parent="ecs.slice", icc=False, live_restore=True, default_ulimits=limits)
    swarm(world, "inactive")


def first_version(world: World, driver: str) -> None:
    """Control groups of version 1, as docker tells it."""
    register(world)
    info = docker_of(world).state["/info"]
    assert isinstance(info, dict)
    info |= {"CgroupVersion": "1", "CgroupDriver": driver}


@fault("docker-systemd-groups", "docker uses systemd's driver with control groups of version 1", CODE)
def docker_systemd_groups(world: World) -> None:
    docker_settings(world, live_restore=True, exec_opts=["native.cgroupdriver=systemd"])
    first_version(world, "systemd")


@variation("docker-cgroupfs", "docker uses its own driver with control groups of version 1")
def docker_cgroupfs(world: World) -> None:
    first_version(world, "cgroupfs")


@variation("docker-systemd-groups-unlimited", "the same driver, and ecs.config gives tasks no group of their own")
def docker_systemd_unlimited(world: World) -> None:
    first_version(world, "systemd")
    set_line(world, USER_CONFIG, "ECS_ENABLE_TASK_CPU_MEM_LIMIT", "false")
