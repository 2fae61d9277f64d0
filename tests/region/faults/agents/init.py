"""ecs-init ends before the agent runs: it takes its rules away at each end, and its own log tells why."""

from __future__ import annotations

from collections.abc import Sequence

from tests.region.faults import fault
from tests.region.faults.agents.words import AGENT_LOG, INIT_LOG, USER_CONFIG, looping, set_line, stamped
from tests.region.faults.host.netfilter import without_ip6tables
from tests.region.software import CLUSTER
from tests.region.world import World

CODE = "agent.restart-loop"
SERVICE = "Amazon Elastic Container Service Agent"
PROGRAMS = [
    f"{folder}/{name}{kind}"
    for folder in ("/usr/sbin", "/sbin")
    for kind in ("", "-save", "-restore", "-nft", "-legacy", "-nft-save", "-legacy-save")
    for name in ("iptables", "ip6tables")
]


def ends(world: World, rows: Sequence[str]) -> None:
    """ecs-init ends at each start with these lines; no agent has written since."""
    looping(world, exit="255")
    world.host.files[AGENT_LOG] = ""
    world.host.files[INIT_LOG] = stamped([*rows] * 4)


def error(text: str) -> str:
    """A line of level error."""
    return f'level=error msg="{text}"'


@fault("init-without-iptables", "the package iptables is gone, with which ecs-init sets its rules", CODE)
def without_iptables(world: World) -> None:
    said = '\\"iptables\\": executable file not found in $PATH'
    ends(world, [error(f"Error searching 'iptables' executable: exec: {said}"), error(f"exec: {said}")])
    world.host.files |= dict.fromkeys(PROGRAMS)
    world.host.packages.pop("iptables", None)


@fault("init-without-sysctl", "a minimal system lacks sysctl, with which ecs-init sets route_localnet", CODE)
def without_sysctl(world: World) -> None:
    ends(world, [error('exec: \\"sysctl\\": executable file not found in $PATH')])


@fault("init-image-refused", "somebody emptied /var/cache/ecs, and the image cannot be downloaded", CODE)
def image_refused(world: World) -> None:
    why = "operation error S3: GetObject, https response error StatusCode: 403, api error AccessDenied: Access Denied"
    bucket = "Download file ecs-agent-v1.105.1.tar from bucket amazon-ecs-agent in region us-east-1 failed with error"
    last = f"could not download {SERVICE}: failed to download file from s3"
    ends(world, [f'level=info msg="Downloading {SERVICE}"', error(f"{bucket}: {why}"), error(last)])


@fault("init-image-cut", "the image in /var/cache/ecs is cut short", CODE)
def image_cut(world: World) -> None:
    ends(world, [error(f"could not load {SERVICE} into Docker: API error (500): unexpected EOF")])


@fault("init-no-room", "docker has no room for the agent's image", "disk.low")
def no_room(world: World) -> None:
    place = "write /var/lib/docker/tmp/docker-import-1/repo.tar: no space left on device"
    ends(world, [error(f"could not load {SERVICE} into Docker: {place}")])


def rule_refused(world: World, why: str) -> None:
    """ecs-init cannot set a rule; its last line has the exit status alone, and its stop finds nothing to delete."""
    said = f"Error performing action 'append' for iptables route: exit status 4; raw output: {why}"
    gone = "raw output: iptables: Bad rule (does a matching rule exist in that chain?)."
    after = error(f"Error performing action 'delete' for iptables route: exit status 1; {gone}")
    ends(world, [error(said), error("could not create route to the credentials proxy: exit status 4"), after])


@fault("init-rule-refused", "the kernel lacks the match that a rule of ecs-init's needs", CODE)
def init_rule_refused(world: World) -> None:
    rule_refused(world, "iptables v1.8.9 (nf_tables): Couldn't load match `conntrack':No such file or directory")


@fault(
    "init-ip6tables-fails",
    "ecs-init cannot set a rule of IPv6, for which the kernel lacks the module",
    "rules.ip6tables-fails",
)
def init_ip6tables_fails(world: World) -> None:
    rule_refused(world, "ip6tables v1.8.9 (legacy): can't initialize ip6tables table `filter': Table does not exist")
    without_ip6tables(world)


@fault("init-kernel-read-only", "ecs-init may not set route_localnet", CODE)
def kernel_read_only(world: World) -> None:
    ends(world, [error("could not enable loopback routing: exit status 255")])


@fault("init-old-container", "docker cannot remove the container of the agent before", CODE)
def old_container(world: World) -> None:
    why = "unlinkat /var/lib/docker/overlay2/x/merged: device or resource busy"
    ends(world, [error(f"could not remove existing Agent container: API error (500): {why}")])


@fault(
    "gpu-driver-upgraded",
    "the NVIDIA library was upgraded, and the kernel still has the driver before",
    "gpu.not-found",
)
def driver_upgraded(world: World) -> None:
    ends(
        world,
        [error("Nvidia GPU Manager: setup failed: error initializing nvidia nvml: Driver/library version mismatch")],
    )
    world.host.files |= {"/dev/nvidia0": "", "/dev/nvidiactl": ""}
    set_line(world, USER_CONFIG, "ECS_CLUSTER", CLUSTER)
    set_line(world, USER_CONFIG, "ECS_ENABLE_GPU_SUPPORT", "true")


NO_RULE = "iptables: Bad rule (does a matching rule exist in that chain?)."
DELETES = [error(f"Error performing action 'delete' for iptables route: exit status 1; raw output: {NO_RULE}")] * 6
PARSER = "error loading apparmor profile /etc/apparmor.d/ecs-agent-default: running `/usr/sbin/apparmor_parser "
PARSER += "apparmor_parser -Kr /etc/apparmor.d/ecs-agent-default` failed with output: "


@fault("init-apparmor-confined", "in an LXC container ecs-init may not load its AppArmor profile", CODE)
def apparmor_confined(world: World) -> None:
    why = "apparmor_parser: Access denied. You need policy admin privileges to manage profiles."
    ends(world, [error(f"{PARSER}{why}\\n\\n\\nerror: exit status 1"), *DELETES])


@fault("init-apparmor-hidden", "in an LXC container ecs-init may not read which AppArmor profiles are loaded", CODE)
def apparmor_hidden(world: World) -> None:
    ends(world, [error("open /sys/kernel/security/apparmor/profiles: permission denied"), *DELETES])


@fault("init-apparmor-file", "a file that ecs-init's AppArmor profile includes is gone", CODE)
def apparmor_file(world: World) -> None:
    why = "AppArmor parser error for /etc/apparmor.d/ecs-agent-default in /etc/apparmor.d/tunables/global at line 17: Could "
    ends(world, [error(f"{PARSER}{why}not open 'tunables/share'\\n\\nerror: exit status 1"), *DELETES])


@fault("init-docker-api", "docker speaks none of the API versions that ecs-init knows", "docker.api-window")
def docker_api(world: World) -> None:
    why = "client version 1.24 is too old. Minimum supported API version is 1.45, please upgrade your client"
    ends(world, [error(f"could not create docker client: API error (400): {why}"), *DELETES])
