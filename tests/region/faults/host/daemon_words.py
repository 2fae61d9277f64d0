"""What the journal holds of a docker or an ecs that does not run: starts that systemd dropped or cut, and old words."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.agents.settings import DAEMON_JSON
from tests.region.faults.host.containers import docker_stopped
from tests.region.faults.host.daemons import docker_failed
from tests.region.host import Unit
from tests.region.journal import journal
from tests.region.software import AGENT, DOCKER, ECS, ECS_INIT, register, stop
from tests.region.world import World

CODE, CONTAINERD = "docker.not-running", "containerd.service"
NETWORK = "failed to start daemon: Error initializing network controller: "
REFUSED = f'{NETWORK}error obtaining controller instance: failed to register "bridge" driver: '
RAN = (
    "systemd[1]: Starting Docker Application Container Engine...",
    'dockerd[811]: time="2026-11-29T10:00:00.1Z" level=info msg="Starting up"',
    'dockerd[811]: time="2026-11-29T10:00:01.1Z" level=info msg="Daemon has completed initialization"',
    "systemd[1]: Started Docker Application Container Engine.",
    'dockerd[811]: time="2026-11-29T12:00:01.2Z" level=error msg="Not continuing with pull after error: context canceled"',
)
STOPPED = (
    *RAN,
    "systemd[1]: Stopping Docker Application Container Engine...",
    'dockerd[811]: time="2026-11-30T10:00:01.2Z" level=info msg="Processing signal \'terminated\'"',
    'dockerd[811]: time="2026-11-30T10:00:01.4Z" level=info msg="Daemon shutdown complete"',
    "systemd[1]: docker.service: Deactivated successfully.",
    "systemd[1]: Stopped Docker Application Container Engine.",
)


def circle(unit: str, other: str) -> tuple[str, ...]:
    """systemd found that units wait for each other, and left one start out (systemd src/core/transaction.c)."""
    return (
        f"systemd[1]: {unit}: Found ordering cycle on {other}/start",
        f"systemd[1]: {unit}: Found dependency on multi-user.target/start",
        f"systemd[1]: {unit}: Found dependency on {unit}/start",
        f"systemd[1]: {unit}: Job {unit}/start deleted to break ordering cycle starting with {unit}/start",
    )


def idle(world: World, *rows: str) -> None:
    """docker does not run, and did not fail."""
    register(world)
    docker_stopped(world)
    world.host.units[DOCKER].properties |= {"ActiveState": "inactive", "SubState": "dead", "Result": "success"}
    journal(world, "docker", *rows)


@fault("docker-stopped-in-order", "docker was stopped in order, after a pull that somebody broke off", CODE)
def docker_stopped_in_order(world: World) -> None:
    idle(world, *STOPPED)


@fault("docker-failed-once-stopped", "docker failed to start, was corrected, ran, and was stopped", CODE)
def docker_failed_once(world: World) -> None:
    failed = "dockerd[700]: failed to start daemon: Devices cgroup isn't mounted"
    idle(world, failed, "systemd[1]: Failed to start Docker Application Container Engine.", *STOPPED)


@fault("docker-killed", "a signal ended docker", CODE)
def docker_killed(world: World) -> None:
    docker_failed(world)
    ended = "systemd[1]: docker.service: Main process exited, code=killed, status=9/KILL"
    journal(world, "docker", *RAN, ended, "systemd[1]: docker.service: Failed with result 'signal'.")
    world.host.units[DOCKER].properties |= {"Result": "signal", "ExecMainStatus": "9"}


@fault("docker-crashed", "dockerd crashes at each start, as one that is built for another processor", CODE)
def docker_crashed(world: World) -> None:
    docker_failed(world)
    ended = "systemd[1]: docker.service: Main process exited, code=dumped, status=11/SEGV"
    journal(world, "docker", ended, "systemd[1]: docker.service: Failed with result 'core-dump'.")
    world.host.units[DOCKER].properties |= {"Result": "core-dump", "ExecMainStatus": "11"}


@fault("docker-start-dropped", "docker and a unit of the GPU's tools are ordered behind each other", CODE)
def docker_start_dropped(world: World) -> None:
    idle(world, *STOPPED, *circle(DOCKER, "nvidia-cdi-refresh.service"))


@fault("ecs-start-dropped", "ecs and cloud-final are ordered behind each other", "agent.disconnected")
def ecs_start_dropped(world: World) -> None:
    register(world)
    for name in (AGENT, ECS_INIT):
        stop(world, name)
    world.host.units[ECS].active = False
    world.host.units[ECS].properties |= {"ActiveState": "inactive", "SubState": "dead", "Result": "success"}
    journal(world, "ecs", *circle(ECS, "cloud-final.service"))


@fault("ecs-program-gone", "the program that ecs's unit starts is gone", "agent.disconnected")
def ecs_program_gone(world: World) -> None:
    register(world)
    for name in (AGENT, ECS_INIT):
        stop(world, name)
    world.host.units[ECS].active = False
    world.host.units[ECS].properties |= {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "203"}
    journal(world, "ecs", f"systemd[1]: {ECS}: Failed at step EXEC spawning {ECS_INIT}: No such file or directory")


@fault("docker-start-cut", "docker needs longer to start than its unit allows", CODE)
def docker_start_cut(world: World) -> None:
    docker_failed(world)
    world.host.units[DOCKER].properties |= {"Result": "timeout"}
    journal(
        world,
        "docker",
        'dockerd[811]: time="2026-11-30T10:00:00.1Z" level=info msg="Loading containers: start."',
        "systemd[1]: docker.service: start operation timed out. Terminating.",
        "systemd[1]: docker.service: Failed with result 'timeout'.",
    )


@fault("docker-socket-folder", "a container's mount made a folder in the place of docker's socket", CODE)
def docker_socket_folder(world: World) -> None:
    docker_failed(
        world, "dockerd[811]: failed to load listeners: can't create unix socket /run/docker.sock: is a directory"
    )
    world.host.folders.append("/run/docker.sock")


@fault("docker-forwarding-not-on", "docker with its nftables backend finds forwarding off", CODE)
def docker_forwarding(world: World) -> None:
    world.host.files[DAEMON_JSON] = '{\n  "firewall-backend": "nftables"\n}\n'
    why = "IPv4 forwarding is disabled: check your host's firewalling and set sysctl net.ipv4.ip_forward=1, or disable this "
    why += "check using daemon option --ip-forward=false"
    docker_failed(world, f'dockerd[811]: {NETWORK}error creating default "bridge" network: {why}')
    world.host.sysctls["net/ipv4/ip_forward"] = "0"


@fault(
    "docker-match-missing", "the kernel lacks a module that docker's rules need; firewalld passes the error on", CODE
)
def docker_match(world: World) -> None:
    program = "/usr/sbin/iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
    docker_failed(
        world,
        f"dockerd[811]: {REFUSED}failed to append jump rules to nat-PREROUTING: (COMMAND_FAILED: '{program}' failed: Warning:",
        "dockerd[811]: Extension addrtype revision 0 not supported, missing kernel module?",
        "dockerd[811]: iptables v1.8.11 (nf_tables):  RULE_APPEND failed: rule in chain PREROUTING)",
    )


@fault("docker-without-ipv6", "docker 28.0.0 on a kernel that was booted without IPv6", CODE)
def docker_without_ipv6(world: World) -> None:
    rule = "ip6tables --wait -t filter -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2"
    why = (
        "ip6tables v1.8.9 (legacy): can't initialize ip6tables table `filter': Address family not supported by protocol"
    )
    docker_failed(
        world,
        f'dockerd[811]: {NETWORK}error creating default "bridge" network: (iptables failed: {rule}: {why}',
        "dockerd[811]: Perhaps ip6tables or your kernel needs to be upgraded.",
        "dockerd[811]:  (exit status 3))",
    )


@fault("docker-value-refused", "a value of daemon.json is not one that docker takes", CODE)
def docker_value(world: World) -> None:
    world.host.files[DAEMON_JSON] = '{\n  "log-level": "warning2"\n}\n'
    why = "merged configuration validation from file and command line flags failed: invalid logging level: warning2"
    docker_failed(world, f"dockerd[811]: unable to configure the Docker daemon with file {DAEMON_JSON}: {why}")


@fault("containerd-failed-later", "docker answers, and the containerd that its flags name has failed since", CODE)
def containerd_failed_later(world: World) -> None:
    register(world)
    failed = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "2"}
    world.host.units[CONTAINERD] = Unit("[Service]\nExecStart=/usr/bin/containerd\n", False, properties=failed)
    journal(world, "containerd", "containerd[799]: panic: invalid page type: 4: 10")


def containerd_idle(world: World) -> None:
    """containerd was stopped in order, after it wrote the error that each of its starts writes without a CNI."""
    register(world)
    idle = {"ActiveState": "inactive", "SubState": "dead", "Result": "success"}
    world.host.units[CONTAINERD] = Unit("[Service]\nExecStart=/usr/bin/containerd\n", False, properties=idle)
    journal(
        world,
        "containerd",
        'containerd[799]: time="2026-11-29T10:00:00.1Z" level=error msg="failed to load cni during init, please check CRI '
        'plugin status before setting up network for pods"',
        "systemd[1]: Started containerd container runtime.",
        "systemd[1]: Stopped containerd container runtime.",
    )


@fault("containerd-stopped-later", "docker answers, and the containerd that its flags name was stopped since", CODE)
def containerd_stopped_later(world: World) -> None:
    containerd_idle(world)


@variation(
    "containerd-of-others", "docker uses the containerd of another program, and containerd's own unit is not started"
)
def containerd_of_others(world: World) -> None:
    containerd_idle(world)
    unit = world.host.units[DOCKER]
    unit.text = unit.text.replace("=/run/containerd/", "=/run/k3s/containerd/")


@fault("docker-client-alone", "the engine was removed from a registered host, and its client is left", "docker.missing")
def docker_client_alone(world: World) -> None:
    register(world)
    docker_stopped(world)
    for unit in (DOCKER, "docker.socket"):
        world.host.units.pop(unit)
    world.host.packages.pop("docker-ce")


@variation("containerd-starting", "docker answers, and containerd is being started again")
def containerd_starting(world: World) -> None:
    register(world)
    again = {"ActiveState": "activating", "SubState": "auto-restart"}
    world.host.units[CONTAINERD] = Unit("[Service]\nExecStart=/usr/bin/containerd\n", False, properties=again)


@variation("docker-circle-long-ago", "docker's start was dropped at an earlier boot, and it runs")
def docker_circle_long_ago(world: World) -> None:
    register(world)
    journal(world, "docker", *circle(DOCKER, "data.mount"), *RAN)
