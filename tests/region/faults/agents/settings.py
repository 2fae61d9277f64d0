"""Settings that do not fit the host or each other, logs that go elsewhere, and AWS's rarer refusals."""

from __future__ import annotations

import json

from tests.region.faults import fault, variation
from tests.region.faults.agents.words import AGENT_LOG, INIT_LOG, USER_CONFIG, looping, set_line, stamped
from tests.region.journal import journal
from tests.region.software import AGENT, add_docker, agent_log, daemon_of, docker_of, register, ssm_log, stop
from tests.region.world import World

DAEMON_JSON = "/etc/docker/daemon.json"
SSM_LOG = "/var/log/amazon/ssm/amazon-ssm-agent.log"


def docker_settings(world: World, **settings: object) -> None:
    register(world)
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    world.host.files[DAEMON_JSON] = json.dumps(named, indent=2)


def runtime(world: World, name: str, path: str) -> None:
    docker_settings(world, default_runtime=name, runtimes={name: {"path": path}})
    shown = {"DefaultRuntime": name, "Runtimes": {"runc": {"path": "runc"}, name: {"path": path}}}
    docker_of(world).state["/info"] |= shown


@fault("docker-runtime-gone", "docker's default runtime is not on the host: the agent never starts", "config.invalid")
def docker_runtime_gone(world: World) -> None:
    runtime(world, "kata", "/opt/kata/bin/kata-runtime")
    stop(world, AGENT)
    world.host.files[INIT_LOG] = stamped(['level=info msg="Agent exited with code 127"'] * 3)


@fault(
    "docker-log-option", "the log driver of daemon.json does not know an option; docker still runs", "config.invalid"
)
def docker_log_option(world: World) -> None:
    docker_settings(world, log_driver="journald", log_opts={"max-size": "10m"})


@fault("docker-seccomp-gone", "daemon.json names a seccomp profile that is gone; docker still runs", "config.invalid")
def docker_seccomp_gone(world: World) -> None:
    docker_settings(world, seccomp_profile="/etc/docker/seccomp.json")


@fault(
    "docker-pools-too-small",
    "an address pool of daemon.json is smaller than the networks cut from it",
    "config.invalid",
)
def docker_pools(world: World) -> None:
    docker_settings(world, default_address_pools=[{"base": "10.201.0.0/24", "size": 16}])


@fault("settings-out-of-range", "values of ecs.config are below what the agent takes", "config.invalid")
def settings_out_of_range(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_CONTAINER_START_TIMEOUT", "10s")
    set_line(world, USER_CONFIG, "ECS_DYNAMIC_HOST_PORT_RANGE", "50000:60000")


@variation("settings-at-bounds", "values at the bounds, and docker's settings with all that it takes")
def settings_at_bounds(world: World) -> None:
    docker_settings(
        world, log_driver="json-file",
        log_opts={"max-size": "1.5g", "max-file": "3", "compress": "true", "mode": "non-blocking"},
        default_address_pools=[{"base": "10.201.0.0/16", "size": 24}], seccomp_profile="builtin",
    )  # fmt: skip
    for name, value in (
        ("ECS_CONTAINER_START_TIMEOUT", "45s"), ("ECS_IMAGE_CLEANUP_INTERVAL", "10m"),
        ("ECS_CONTAINER_STOP_TIMEOUT", "1m30s"),
        ("ECS_DYNAMIC_HOST_PORT_RANGE", "40000-50000"), ("ECS_TASK_METADATA_RPS_LIMIT", "300,400"),
    ):  # fmt: skip
        set_line(world, USER_CONFIG, name, value)


@fault(
    "docker-flag-twice-later", "daemon.json got a setting that the unit passes too; docker still runs", "config.invalid"
)
def docker_flag_twice_later(world: World) -> None:
    docker_settings(world, hosts=["unix:///var/run/docker.sock"])


@fault("docker-setting-removed", "daemon.json holds a setting that this release of Docker has not", "config.invalid")
def docker_setting_removed(world: World) -> None:
    docker_settings(world, graph="/srv/docker")


@fault("docker-setting-kind", "a number of daemon.json is in quotes", "config.invalid")
def docker_setting_kind(world: World) -> None:
    docker_settings(world, shutdown_timeout="30")


@fault("docker-bip-network", "bip in daemon.json names the network in place of an address in it", "config.invalid")
def docker_bip_network(world: World) -> None:
    docker_settings(world, bip="172.17.0.0/16")


@fault("reserved-memory-too-large", "ecs.config reserves more memory than the host has", "config.invalid")
def reserved_memory_too_large(world: World) -> None:
    why = "reserved memory is higher than available memory on the host, total memory: 7971, reserved: 16384"
    looping(
        world, f'level=error msg="Error registering container instance" error="api register-container-instance: {why}"'
    )
    set_user_line(world, "ECS_RESERVED_MEMORY=16384")


@fault("reserved-memory-ignored", "ecs.config reserves more than the agent's 16 bits hold", "config.invalid")
def reserved_memory_ignored(world: World) -> None:
    register(world)
    set_user_line(world, "ECS_RESERVED_MEMORY=70000")


def without_ipv6(world: World) -> None:
    """The kernel was booted without IPv6."""
    world.host.overmounts["/proc/cmdline"] = "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro ipv6.disable=1 quiet\n"


@fault(
    "docker-ipv6-without-kernel", "IPv6 is on in daemon.json and off in the kernel; docker still runs", "config.invalid"
)
def docker_ipv6(world: World) -> None:
    docker_settings(world, ipv6=True, fixed_cidr_v6="fd00:17::/64")
    without_ipv6(world)


@fault("docker-bridge-not-there", "daemon.json names a bridge of the site's own that is gone", "containers.no-egress")
def docker_bridge_not_there(world: World) -> None:
    docker_settings(world, bridge="br-tasks")


@fault("agent-ipv6-without-kernel", "ecs.config asks for IPv6, which the kernel has not", "config.invalid")
def agent_ipv6(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_INSTANCE_IP_COMPATIBILITY", "ipv6")
    without_ipv6(world)


@fault("docker-20-without-ipv6", "docker 20.10.6 on a kernel without IPv6", "docker.agent-incompatible")
def docker_20_without_ipv6(world: World) -> None:
    add_docker(world, "20.10.6", "1.41", "1.12")
    register(world)
    without_ipv6(world)


@fault("apparmor-parser-old", "AppArmor's parser is too old for the agent's profile", "docker.agent-incompatible")
def apparmor_parser_old(world: World) -> None:
    add_docker(world, info={"SecurityOptions": ["name=apparmor", "name=seccomp,profile=default"]})
    looping(world, times=0)
    world.host.programs["/sbin/apparmor_parser"] = "#!/bin/sh\necho 'AppArmor parser version 2.8.2'\n"
    why = "error loading apparmor profile /etc/apparmor.d/ecs-agent-default: running `/sbin/apparmor_parser -Kr` "
    why += "failed with output: AppArmor parser error: syntax error, unexpected TOK_OPENPAREN, expecting TOK_MODE"
    world.host.files[INIT_LOG] = stamped([f'level=error msg="{why}"'])


@variation("kernel-without-ipv6", "the kernel was booted without IPv6, and nothing asks for it")
def kernel_without_ipv6(world: World) -> None:
    docker_settings(world, ipv6=False, ip6tables=False)
    without_ipv6(world)


def set_user_line(world: World, line: str) -> None:
    """A line of ecs.config of an agent that does not run."""
    text = world.host.files[USER_CONFIG]
    assert isinstance(text, str)
    world.host.files[USER_CONFIG] = f"{text}{line}\n"


@fault("log-driver-unknown", "a log driver of ecs.config is none that the agent knows", "config.invalid")
def log_driver_unknown(world: World) -> None:
    looping(world, 'level=critical msg="Error loading config: Invalid logging drivers: cloudwatch"')
    set_user_line(world, 'ECS_AVAILABLE_LOGGING_DRIVERS=["json-file","cloudwatch"]')


def gpu_runtime(world: World, **there: str) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_NVIDIA_RUNTIME", "nvidia")
    docker_of(world).state["/info"] |= {"Runtimes": {name: {"path": path} for name, path in there.items()}}


@fault("gpu-runtime-missing", "ecs.config names a runtime for GPU tasks that docker does not have", "config.invalid")
def gpu_runtime_missing(world: World) -> None:
    gpu_runtime(world, runc="runc")


@variation("gpu-runtime-there", "ecs.config names docker's runtime for GPU tasks")
def gpu_runtime_there(world: World) -> None:
    gpu_runtime(world, runc="runc", nvidia="nvidia-container-runtime")


def refused(world: World, answer: str) -> None:
    """Registration is refused with this answer, in the words of the newer SDK."""
    looping(
        world,
        'level=error msg="Unable to register as a container instance with ECS" error="operation error ECS: '
        f'RegisterContainerInstance, https response error StatusCode: 400, RequestID: 7, {answer}"',
    )


@fault("account-blocked", "AWS has blocked the account", "agent.not-authorized")
def account_blocked(world: World) -> None:
    refused(world, "api error BlockedException: Your account is currently blocked. Contact AWS Customer Support")


@fault("account-suspended", "AWS has suspended the account, as an access that is denied", "agent.not-authorized")
def account_suspended(world: World) -> None:
    refused(world, "api error AccessDeniedException: Account 123456789012 is suspended")


@fault("service-role-gone", "the account has no service-linked role for ECS", "agent.not-authorized")
def service_role_gone(world: World) -> None:
    why = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
    refused(world, f"InvalidParameterException: {why}")


@fault("region-not-enabled", "the account has not enabled the region", "agent.not-authorized")
def region_not_enabled(world: World) -> None:
    refused(world, "api error OptInRequired: The AWS Access Key Id needs a subscription for the service")


@fault("instances-quota", "the cluster's quota of container instances is used up", "agent.not-authorized")
def instances_quota(world: World) -> None:
    refused(world, "LimitExceededException: The maximum number of container instances has been reached.")


@fault("instance-type-changed", "AWS refuses the saved instance: its type was another", "agent.state-damaged")
def instance_type_changed(world: World) -> None:
    refused(
        world,
        "ClientException: Container instance type changes are not supported. Container instance x was previously y.",
    )


@fault("attribute-refused", "an attribute of ecs.config is not valid for AWS", "agent.restart-loop")
def attribute_refused(world: World) -> None:
    refused(world, "InvalidParameterException: Attribute name contains characters that are not valid.")


@fault("ssm-role-gone", "the role of the activation was deleted", "agent.not-authorized")
def ssm_role_gone(world: World) -> None:
    register(world)
    said = "AccessDeniedException: Systems Manager is unable to assume the role EdgeServers"
    world.host.files[SSM_LOG] = ssm_log(f"[ssm-agent-worker] Entering SSM Agent hibernate - {said}")


@fault(
    "log-journald-refused",
    "the agent's log goes to the journal, and tells there that AWS refuses it",
    "agent.not-authorized",
)
def log_journald_refused(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_LOG_DRIVER", "journald")
    denied = (
        'level=error msg="Failed to connect to ACS" error="AccessDeniedException: not authorized to perform ecs:Poll"'
    )
    rows = agent_log(world, denied, healthy=False).splitlines()
    journal(world, "CONTAINER_NAME=ecs-agent", *(f"1f73d099b191[811]: {row}" for row in rows))


@fault("log-elsewhere-refused", "ECS_LOGFILE names another file, and AWS's refusal is in it", "agent.not-authorized")
def log_elsewhere_refused(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_LOGFILE", "/log/site-agent.log")
    denied = (
        'level=error msg="Failed to connect to ACS" error="AccessDeniedException: not authorized to perform ecs:Poll"'
    )
    world.host.files["/var/log/ecs/site-agent.log"] = agent_log(world, denied, healthy=False)


@variation("log-to-cloudwatch", "the agent's log goes to a driver that cannot be read here; its file is of an old run")
def log_to_cloudwatch(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_LOG_DRIVER", "awslogs")
    denied = 'level=error msg="Failed to connect to ACS" error="AccessDeniedException: not authorized"'
    world.host.files[AGENT_LOG] = agent_log(world, denied, healthy=False)


@variation("log-errors-only", "only errors are logged, and the last one is from yesterday")
def log_errors_only(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_LOGLEVEL", "error")
    lost = 'level=error msg="Failed to connect to ACS" error="websocket client: unable to dial: i/o timeout"'
    world.host.files[AGENT_LOG] = stamped([lost], ago=86400.0)


@variation("log-off", "the agent logs nothing")
def log_off(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_LOGLEVEL", "none")
    world.host.files[AGENT_LOG] = ""


@variation("docker-runtime-other", "another default runtime, with which the agent runs")
def docker_runtime_other(world: World) -> None:
    runtime(world, "site-runc", "/usr/local/bin/site-runc")
    world.host.programs["/usr/local/bin/site-runc"] = "#!/bin/sh\nexit 0\n"


@variation("docker-settings-many", "a long daemon.json, every setting right")
def docker_settings_many(world: World) -> None:
    docker_settings(
        world,
        data_root="/var/lib/docker", live_restore=True, log_driver="local", log_opts={"max-size": "10m", "max-file": "3"},
        default_address_pools=[{"base": "10.201.0.0/16", "size": 24}], bip="172.17.0.1/16", mtu=1500, dns=[],
        registry_mirrors=[], insecure_registries=[], features={"buildkit": True},
        default_ulimits={"nofile": {"Name": "nofile", "Hard": 65536, "Soft": 65536}}, storage_driver="overlay2",
        exec_opts=["native.cgroupdriver=systemd"], userland_proxy=False, max_concurrent_downloads=3,
        default_shm_size="64M", shutdown_timeout=30, metrics_addr="127.0.0.1:9323", x_site_owner="ops",
    )  # fmt: skip


@fault("data-folder-in-container", "ECS_DATADIR names a folder that only the agent's container has", "config.invalid")
def data_in_container(world: World) -> None:
    register(world)
    world.host.files[USER_CONFIG] = "ECS_CLUSTER=plant-7\nECS_DATADIR=/data2\n"


@variation("data-folder-default", "ECS_DATADIR names the folder that ecs-init mounts")
def data_default(world: World) -> None:
    register(world)
    world.host.files[USER_CONFIG] = "ECS_CLUSTER=plant-7\nECS_DATADIR=/data/\n"


@fault("cluster-in-unit", "the cluster is named in a drop-in of ecs, and the agent is in `default`", "config.invalid")
def cluster_in_unit(world: World) -> None:
    register(world)
    world.host.files[USER_CONFIG] = "ECS_LOGLEVEL=info\n"
    world.host.files["/etc/systemd/system/ecs.service.d/10.conf"] = "[Service]\nEnvironment=ECS_CLUSTER=plant-7\n"
    daemon = daemon_of(world, AGENT)
    daemon.environment["ECS_CLUSTER"] = "default"
    said = daemon.state["/v1/metadata"]
    assert isinstance(said, dict)
    said["Cluster"] = "default"


@variation("cluster-in-both", "a drop-in of ecs names the cluster that ecs.config names")
def cluster_in_both(world: World) -> None:
    register(world)
    world.host.files["/etc/systemd/system/ecs.service.d/10.conf"] = "[Service]\nEnvironment=ECS_CLUSTER=plant-7\n"


@fault(
    "region-overridden",
    "ecs.config names another region than the registration, where the cluster is not",
    "registration.other",
)
def region_overridden(world: World) -> None:
    looping(
        world,
        'level=error msg="Unable to register as a container instance with ECS" error="operation error ECS: '
        'RegisterContainerInstance, https response error StatusCode: 400, ClientException: Cluster not found."',
        exit="5",
    )
    world.host.files[USER_CONFIG] = "ECS_CLUSTER=plant-7\nAWS_DEFAULT_REGION=eu-west-1\n"


@fault(
    "config-behind-link", "ecs.config is a link to the site's own folder, and its value has quotes", "config.invalid"
)
def config_behind_link(world: World) -> None:
    register(world)
    text = (
        str(world.host.files.pop(USER_CONFIG)).replace("ECS_CLUSTER=", "ECS_CLUSTER='").replace("plant-7", "plant-7'")
    )
    world.host.files["/srv/site/ecs.config"] = text
    world.host.links[USER_CONFIG] = "/srv/site/ecs.config"


@fault("config-byte-order-mark", "an editor of Windows put a byte order mark before ecs.config", "config.invalid")
def config_mark(world: World) -> None:
    register(world)
    world.host.files[USER_CONFIG] = f"\ufeff{world.host.files[USER_CONFIG]}"


@fault("config-utf-16", "PowerShell wrote ecs.config as UTF-16", "config.invalid")
def config_wide(world: World) -> None:
    register(world)
    world.host.files[USER_CONFIG] = str(world.host.files[USER_CONFIG]).replace("\n", "\r\n").encode("utf-16")


@fault("config-is-folder", "a container's mount made a folder in the place of ecs.config", "config.invalid")
def config_folder(world: World) -> None:
    register(world)
    del world.host.files[USER_CONFIG]
    world.host.folders.append(USER_CONFIG)
