"""What docker answers when ecs-init has it start the agent's container: its words, not AWS's, and not of the way there."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.agents.init import CODE, ends, error
from tests.region.faults.agents.words import INIT_LOG, USER_CONFIG, set_line, stamped
from tests.region.software import register
from tests.region.world import World

RUNC = (
    "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: "
)
RUNC += "unable to start container process: "
LOGGING = "failed to initialize logging driver: "


def answered(world: World, said: str, status: int = 500) -> None:
    """Docker answers each start with this; ecs-init quotes it."""
    quoted = said.replace('"', '\\"')
    start = ['level=info msg="start"', 'level=info msg="Starting Amazon Elastic Container Service Agent"']
    ends(world, [*start, error(f"could not start Agent: API error ({status}): {quoted}"), 'level=info msg="post-stop"'])


def logging_to(world: World, driver: str, why: str) -> None:
    """The agent's container has this log driver, which docker cannot open."""
    register(world)
    set_line(world, USER_CONFIG, "ECS_LOG_DRIVER", driver)
    answered(world, f"failed to create task for container: {LOGGING}{why}")


@fault("agent-log-awslogs", "the agent's container is to log to CloudWatch, for which dockerd has no credentials", CODE)
def agent_log_awslogs(world: World) -> None:
    why = "operation error CloudWatch Logs: CreateLogStream, get identity: failed to refresh cached credentials"
    logging_to(world, "awslogs", f"failed to create Cloudwatch log stream: {why}, no EC2 IMDS role found")


@fault("agent-log-syslog", "the agent's container is to log to a host that nobody knows", CODE)
def agent_log_syslog(world: World) -> None:
    logging_to(world, "syslog", "dial udp: lookup syslog.dc1.example.com on 127.0.0.53:53: no such host")


@fault("agent-log-fluentd", "the agent's container is to log to a collector that does not run", CODE)
def agent_log_fluentd(world: World) -> None:
    logging_to(world, "fluentd", "dial tcp 127.0.0.1:24224: connect: connection refused")


@fault("agent-container-no-room", "docker has no room for the agent's container", "disk.low")
def no_room(world: World) -> None:
    answered(world, "mkdir /var/lib/docker/overlay2/63ae0d5d8c3c9f2e-init: no space left on device")


@fault("agent-container-keys", "root's keys are used up, of which each container needs one", "kernel.limit")
def no_key(world: World) -> None:
    answered(world, RUNC + "unable to join session keyring: unable to create session key: disk quota exceeded: unknown")
    world.host.overmounts["/proc/key-users"] = "    0:   200 200/200 200/200 4000/25000\n"


@fault("agent-container-seccomp", "the kernel has no room for one more seccomp filter", "kernel.limit")
def no_filter(world: World) -> None:
    answered(world, RUNC + "unable to init seccomp: error loading seccomp filter: errno 524: unknown")


@fault("agent-container-cgroups", "the kernel makes no further control group", "docker.not-running")
def no_group(world: World) -> None:
    path = "/sys/fs/cgroup/memory/docker/e2a1250ad119"
    answered(world, f"{RUNC}unable to apply cgroup configuration: mkdir {path}: no space left on device: unknown")


@fault("agent-container-denied", "a plugin of docker's denies the agent's container", CODE)
def plugin_denies(world: World) -> None:
    answered(world, "authorization denied by plugin site-authz: AccessDenied: host network is not allowed", 403)


@fault("agent-container-proc", "this host is a container that may not mount proc", "docker.not-running")
def no_proc(world: World) -> None:
    why = 'error mounting "proc" to rootfs at "/proc": mount proc:/proc (via /proc/self/fd/6), flags: 0xe: permission denied'
    answered(world, f"{RUNC}error during container init: {why}: unknown")


@fault("agent-container-confined", "this host is a container that may not load AppArmor profiles", "docker.not-running")
def confined(world: World) -> None:
    why = 'apparmor_parser: Unable to replace "docker-default".  Permission denied; attempted to load a profile while confined?'
    answered(world, f"AppArmor enabled on system but the docker-default profile could not be loaded: {why}")


@fault("agent-container-shim", "containerd's shim is gone from the host", "docker.not-running")
def no_shim(world: World) -> None:
    why = 'exec: "containerd-shim-runc-v2": executable file not found in $PATH: unknown'
    answered(world, f"failed to create task for container: failed to start shim: {why}")


@fault(
    "agent-container-file",
    "docker made a folder where a file for the agent's container was missing",
    "docker.not-running",
)
def no_file(world: World) -> None:
    why = 'error mounting "/usr/bin/lsblk" to rootfs at "/usr/bin/lsblk": mount src=/usr/bin/lsblk: not a directory'
    answered(
        world, f"{RUNC}error during container init: {why}: Are you trying to mount a directory onto a file: unknown"
    )


@fault("containerd-away", "docker answers, and containerd does not", "docker.not-running")
def containerd_away(world: World) -> None:
    why = 'desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
    answered(world, f"failed to create task for container: connection error: {why}: unavailable")


@variation("agent-log-syslog-once", "the agent's container could not log once, and runs since")
def log_once(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_LOG_DRIVER", "syslog")
    refused = error(f"could not start Agent: API error (500): {LOGGING}dial udp: lookup syslog: no such host")
    world.host.files[INIT_LOG] = stamped([refused, 'level=info msg="start"'], ago=90000)
