"""Units that do not run, and the last words of their daemons: docker, containerd, ecs, the SSM agent."""

from __future__ import annotations

import json
import time

from tests.region.faults import fault, variation
from tests.region.faults.host.containers import docker_stopped
from tests.region.host import Unit
from tests.region.journal import journal
from tests.region.software import AGENT, DOCKER, ECS, ECS_INIT, SSM, SSM_AGENT, register, stop
from tests.region.world import World

DAEMON_JSON = "/etc/docker/daemon.json"
ENDED = (
    "systemd[1]: docker.service: Main process exited, code=exited, status=1/FAILURE",
    "systemd[1]: docker.service: Start request repeated too quickly.",
    "systemd[1]: Failed to start Docker Application Container Engine.",
)


def docker_failed(world: World, *rows: str) -> None:
    """dockerd ended at each of three starts; ecs went with it."""
    register(world)
    docker_stopped(world)
    world.host.units[DOCKER].properties |= {
        "ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "1", "NRestarts": "3",
    }  # fmt: skip
    if rows:
        journal(world, "docker", *rows, *ENDED)


@fault("docker-hosts-twice", "hosts is set in daemon.json and as a flag in the unit", "docker.not-running")
def docker_hosts_twice(world: World) -> None:
    hosts = ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"]
    world.host.files[DAEMON_JSON] = json.dumps({"hosts": hosts}, indent=2)
    docker_failed(
        world,
        "dockerd[2211]: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following "
        "directives are "
        "specified both as a flag and in the configuration file: hosts: (from flag: [fd://], from file: "
        "[unix:///var/run/docker.sock tcp://127.0.0.1:2375])",
    )


@fault("docker-directive-unknown", "daemon.json holds a name that dockerd does not know", "docker.not-running")
def docker_directive_unknown(world: World) -> None:
    world.host.files[DAEMON_JSON] = json.dumps({"live-restore": True, "log-drivr": "local"}, indent=2)
    docker_failed(
        world,
        "dockerd[2211]: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following "
        "directives don't "
        "match any configuration option: log-drivr",
    )


@fault("docker-driver-removed", "the storage driver of daemon.json was removed from Docker", "docker.not-running")
def docker_driver_removed(world: World) -> None:
    world.host.files[DAEMON_JSON] = json.dumps({"storage-driver": "devicemapper"}, indent=2)
    docker_failed(
        world,
        "dockerd[811]: failed to start daemon: error initializing graphdriver: [graphdriver] ERROR: the devicemapper "
        "storage-driver has been deprecated and removed; visit https://docs.docker.com/go/storage-driver/: devicemapper",
    )


@fault("docker-zone-conflict", "firewalld holds docker's bridge in another zone", "docker.not-running")
def docker_zone_conflict(world: World) -> None:
    docker_failed(
        world,
        "dockerd[811]: failed to start daemon: Error initializing network controller: error creating default "
        "\"bridge\" network: "
        "Failed to program NAT chain: ZONE_CONFLICT: 'docker0' already bound to 'trusted'",
    )  # fmt: skip


@fault("docker-containerd-failed", "containerd cannot read its settings, so docker waits in vain", "docker.not-running")
def docker_containerd_failed(world: World) -> None:
    docker_failed(
        world,
        'dockerd[811]: failed to start daemon: failed to dial "/run/containerd/containerd.sock": context deadline exceeded',
    )
    failed = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "1"}
    world.host.units["containerd.service"] = Unit(
        "[Service]\nExecStart=/usr/bin/containerd\n", False, properties=failed
    )
    why = "containerd: failed to load TOML: /etc/containerd/config.toml: (3, 1): keys cannot contain { character"
    journal(world, "containerd", f"containerd[799]: {why}")


@fault(
    "docker-words-in-syslog",
    "no journal is kept; the system's log names the port that is taken",
    "docker.not-running",
)
def docker_words_in_syslog(world: World) -> None:
    docker_failed(world)
    when = time.strftime("%b %d %H:%M:%S", time.gmtime(time.time() - 600))
    why = "failed to load listeners: listen tcp 0.0.0.0:2375: bind: address already in use"
    rows = [
        "systemd[1]: Starting Docker Application Container Engine...",
        f"dockerd[700]: {why}",
        "CRON[9]: (root) CMD (true)",
    ]
    world.host.files["/var/log/syslog"] = "".join(f"{when} {world.host.hostname} {row}\n" for row in rows)


@fault("docker-words-in-file", "docker's unit sends its output to a file", "docker.not-running")
def docker_words_in_file(world: World) -> None:
    docker_failed(world)
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/log.conf"] = (
        "[Service]\nStandardError=append:/var/log/dockerd.log\n"
    )
    said = 'time="2026-11-29T08:00:00.1Z" level=info msg="Starting up"\nfailed to start daemon: Devices cgroup isn\'t mounted\n'
    world.host.files["/var/log/dockerd.log"] = said


@fault("docker-words-unknown", "dockerd ends with words that no table knows", "docker.not-running")
def docker_words_unknown(world: World) -> None:
    docker_failed(world, "dockerd[811]: failed to start daemon: the frobnicator of plugin x/y is out of cheese")


@fault("docker-socket-masked", "docker.socket is masked, and docker's unit requires it", "docker.not-running")
def docker_socket_masked(world: World) -> None:
    register(world)
    docker_stopped(world)
    world.host.units["docker.socket"].active = False
    world.host.units["docker.socket"].properties |= {"LoadState": "masked"}


def docker_elsewhere(world: World) -> None:
    """docker runs, and not on the agents' socket."""
    register(world)
    docker_stopped(world)
    world.host.units[DOCKER].active = True
    world.host.units[DOCKER].properties |= {"Result": "success", "ExecMainStatus": "0"}


@fault("docker-on-tcp-alone", "daemon.json has docker listen on a TCP port alone", "docker.not-running")
def docker_on_tcp(world: World) -> None:
    docker_elsewhere(world)
    world.host.files[DAEMON_JSON] = json.dumps({"hosts": ["tcp://127.0.0.1:2375"]}, indent=2)
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/hosts.conf"] = (
        "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --containerd=/run/containerd/containerd.sock\n"
    )


@fault("docker-flag-tcp-alone", "a drop-in has docker listen on a TCP port alone", "docker.not-running")
def docker_flag_tcp(world: World) -> None:
    docker_elsewhere(world)
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/hosts.conf"] = (
        "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H tcp://127.0.0.1:2375\n"
    )


@fault("docker-condition", "a drop-in's condition keeps docker from starting", "docker.not-running")
def docker_condition(world: World) -> None:
    register(world)
    docker_stopped(world)
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/disk.conf"] = "[Unit]\nConditionPathExists=/srv/data/.mounted\n"
    world.host.units[DOCKER].properties |= {
        "ConditionResult": "no",
        "ConditionTimestamp": "Sun 2026-11-29 08:00:00 UTC",
    }


@fault("docker-two-starts", "a drop-in adds an ExecStart= without taking the first back", "docker.not-running")
def docker_two_starts(world: World) -> None:
    register(world)
    docker_stopped(world)
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/debug.conf"] = (
        "[Service]\nExecStart=/usr/bin/dockerd -H fd:// --debug\n"
    )
    world.host.units[DOCKER].properties |= {"LoadState": "bad-setting"}


def _ecs_queued(world: World, *units: tuple[str, str]) -> None:
    """ecs has a job and does not start; it and each unit stand behind the next: (name, state)."""
    register(world)
    for name in (AGENT, ECS_INIT):
        stop(world, name)
    world.host.units[ECS].active = False
    world.host.units[ECS].properties |= {"ActiveState": "inactive", "SubState": "dead", "Job": "300"}
    world.host.files["/etc/systemd/system/ecs.service.d/10-order.conf"] = f"[Unit]\nAfter={units[0][0]}\n"
    for place, (name, state) in enumerate(units):
        after = f"After={units[place + 1][0]}\n" if place + 1 < len(units) else ""
        text = f"[Unit]\nDescription={name}\n{after}[Service]\nType=oneshot\nExecStart=/bin/true\n"
        shown = {
            "ActiveState": state,
            "SubState": "start" if state == "activating" else "dead",
            "Job": str(290 + place),
        }
        world.host.units[name] = Unit(text, active=False, properties=shown)


@fault("ecs-waits-for-cloud-init", "ecs is queued behind cloud-final, which never ends", "unit.waiting")
def ecs_waits_for_cloud_init(world: World) -> None:
    _ecs_queued(world, ("cloud-final.service", "activating"))


@fault("ecs-waits-in-a-row", "ecs waits for a unit that waits for the network, which never comes", "unit.waiting")
def ecs_waits_in_a_row(world: World) -> None:
    _ecs_queued(world, ("site-setup.service", "inactive"), ("NetworkManager-wait-online.service", "activating"))


@fault("ecs-condition", "a condition of ecs's unit names a file that is not there", "agent.disconnected")
def ecs_condition(world: World) -> None:
    register(world)
    for name in (AGENT, ECS_INIT):
        stop(world, name)
    world.host.files["/etc/systemd/system/ecs.service.d/site.conf"] = "[Unit]\nConditionPathExists=/etc/site/ready\n"
    world.host.units[ECS].active = False
    world.host.units[ECS].properties |= {"ConditionResult": "no", "ConditionTimestamp": "Sun 2026-11-29 08:00:00 UTC"}


@fault(
    "ssm-words-of-its-own",
    "the SSM agent failed, after lines that are like containerd's and runc's",
    "agent.disconnected",
)
def ssm_own_words(world: World) -> None:
    register(world)
    stop(world, SSM_AGENT)
    stop(world, "/usr/bin/ssm-agent-worker")
    world.host.units[SSM].active = False
    world.host.units[SSM].properties |= {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "1"}
    journal(
        world,
        "amazon-ssm-agent",
        "amazon-ssm-agent[700]: ERROR websocket connection error: dial tcp 203.0.113.10:443: i/o timeout",
        "amazon-ssm-agent[700]: ERROR fork/exec /usr/bin/ssm-agent-worker: permission denied",
        "systemd[1]: amazon-ssm-agent.service: Failed with result 'exit-code'.",
    )


@fault("ssm-not-executable", "systemd cannot start the SSM agent's program", "agent.disconnected")
def ssm_not_executable(world: World) -> None:
    register(world)
    stop(world, SSM_AGENT)
    stop(world, "/usr/bin/ssm-agent-worker")
    world.host.units[SSM].active = False
    world.host.units[SSM].properties |= {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "203"}
    journal(
        world,
        "amazon-ssm-agent",
        "systemd[899]: amazon-ssm-agent.service: Failed at step EXEC spawning /usr/bin/amazon-ssm-agent: Permission denied",
        "systemd[1]: amazon-ssm-agent.service: Failed with result 'exit-code'.",
    )


@variation("docker-hosts-once", "hosts in daemon.json, and a drop-in takes the flag out of the unit")
def docker_hosts_once(world: World) -> None:
    register(world)
    hosts = ["unix:///var/run/docker.sock", "unix:///run/docker-admin.sock"]
    world.host.files[DAEMON_JSON] = json.dumps({"hosts": hosts}, indent=2)
    start = "/usr/bin/dockerd --containerd=/run/containerd/containerd.sock"
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/10-hosts.conf"] = f"[Service]\nExecStart=\nExecStart={start}\n"


@variation("docker-once-failed", "docker's journal holds failed starts of the past, and docker runs")
def docker_once_failed(world: World) -> None:
    register(world)
    journal(world, "docker", "dockerd[5]: failed to start daemon: Devices cgroup isn't mounted", *ENDED)


@variation("ecs-after-cloud-init", "ecs is ordered behind cloud-final, which has ended; a condition of its unit is met")
def ecs_after_cloud_init(world: World) -> None:
    register(world)
    order = "[Unit]\nAfter=cloud-final.service\nConditionPathExists=/etc/ecs/ecs.config\n"
    world.host.files["/etc/systemd/system/ecs.service.d/10-order.conf"] = order
    text = "[Service]\nType=oneshot\nExecStart=/bin/true\nRemainAfterExit=yes\n"
    world.host.units["cloud-final.service"] = Unit(text, properties={"SubState": "exited", "MainPID": "0"})


def _mask(world: World, unit: str) -> None:
    """`systemctl mask`: what runs goes on until the reboot."""
    register(world)
    world.host.units[unit].properties |= {"LoadState": "masked", "UnitFileState": "masked"}


@fault("docker-masked-later", "docker.service was masked, and still runs", "docker.not-running")
def docker_masked_later(world: World) -> None:
    _mask(world, DOCKER)


@fault("docker-socket-masked-later", "docker.socket was masked while docker ran", "docker.not-running")
def docker_socket_masked_later(world: World) -> None:
    _mask(world, "docker.socket")


@fault(
    "containerd-masked-later", "the containerd that docker's flags name was masked while it ran", "docker.not-running"
)
def containerd_masked_later(world: World) -> None:
    world.host.units["containerd.service"] = Unit("[Service]\nExecStart=/usr/bin/containerd\n")
    _mask(world, "containerd.service")


@fault("ecs-masked-later", "ecs.service was masked while the agent ran", "agent.disconnected")
def ecs_masked_later(world: World) -> None:
    _mask(world, ECS)


@fault("ssm-masked-later", "the SSM agent's unit was masked while it ran", "agent.disconnected")
def ssm_masked_later(world: World) -> None:
    _mask(world, SSM)


@fault("ecs-not-enabled", "the ECS agent runs, and is not started at boot", "agent.disconnected")
def ecs_not_enabled(world: World) -> None:
    register(world)
    world.host.units[ECS].enabled = False


@fault("docker-limits", "systemd cannot give docker the limits that its unit asks for", "docker.not-running")
def docker_limits(world: World) -> None:
    docker_failed(
        world,
        "systemd[2211]: docker.service: Failed to adjust resource limit NOFILE: Operation not permitted",
        "systemd[2211]: docker.service: Failed at step LIMITS spawning /usr/bin/dockerd: Operation not permitted",
    )
    world.host.units[DOCKER].properties["ExecMainStatus"] = "205"


@fault(
    "docker-snap-beside", "an update brought Docker's snap, which holds what the package needs", "docker.not-running"
)
def docker_snap_beside(world: World) -> None:
    why = "failed to start daemon, ensure docker is not running or delete /var/run/docker.pid: "
    why += "process with PID 811 is still running"
    docker_failed(world, f"dockerd[2211]: {why}")
    world.host.units["snap.docker.dockerd.service"] = Unit("[Service]\nExecStart=/usr/bin/snap run docker.dockerd\n")


@variation("docker-by-socket", "docker is not enabled: its socket, and ecs, which wants it, start it at boot")
def docker_by_socket(world: World) -> None:
    register(world)
    world.host.units[DOCKER].enabled = False


@variation("containerd-own-masked", "the system's containerd is masked, and docker starts one of its own")
def containerd_own_masked(world: World) -> None:
    register(world)
    world.host.units["containerd.service"] = Unit("[Service]\nExecStart=/usr/bin/containerd\n", active=False)
    world.host.units["containerd.service"].properties |= {"LoadState": "masked", "UnitFileState": "masked"}
    start = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd://\n"
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/own-containerd.conf"] = start


def failed_mount(world: World, name: str, place: str) -> None:
    """A mount that failed at boot."""
    text = f"[Mount]\nWhat=/dev/sdb1\nWhere={place}\n"
    world.host.units[name] = Unit(text, active=False, properties={"ActiveState": "failed", "SubState": "failed"})


@fault("docker-mount-failed", "docker needs a mount that failed at boot", "docker.not-running")
def docker_mount_failed(world: World) -> None:
    register(world)
    docker_stopped(world)
    world.host.units[DOCKER].properties |= {"Result": "success", "ExecMainStatus": "0"}
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/data.conf"] = "[Unit]\nRequiresMountsFor=/srv/docker-data\n"
    failed_mount(world, "srv-docker\\x2ddata.mount", "/srv/docker-data")


@fault("ecs-mount-failed", "ecs requires a mount that failed at boot", "agent.disconnected")
def ecs_mount_failed(world: World) -> None:
    register(world)
    stop(world, AGENT)
    stop(world, ECS_INIT, ECS)
    world.host.files[f"/etc/systemd/system/{ECS}.d/data.conf"] = (
        "[Unit]\nRequires=srv-data.mount\nAfter=srv-data.mount\n"
    )
    failed_mount(world, "srv-data.mount", "/srv/data")


@variation("mount-failed-unneeded", "a mount failed at boot, and docker and the agents run without it")
def mount_failed_unneeded(world: World) -> None:
    register(world)
    world.host.files[f"/etc/systemd/system/{ECS}.d/data.conf"] = "[Unit]\nWants=srv-data.mount\n"
    failed_mount(world, "srv-data.mount", "/srv/data")


@fault("docker-socket-follows", "dockerd ends at each start, and its socket fails with it", "docker.not-running")
def docker_socket_follows(world: World) -> None:
    docker_failed(world, "dockerd[811]: failed to start daemon: Devices cgroup isn't mounted")
    world.host.units["docker.socket"].active = False
    world.host.units["docker.socket"].properties |= {"ActiveState": "failed", "Result": "service-start-limit-hit"}


@fault("docker-containerd-masked", "containerd is masked, and docker's unit is bound to it", "docker.not-running")
def docker_containerd_masked(world: World) -> None:
    register(world)
    docker_stopped(world)
    world.host.files[f"/etc/systemd/system/{DOCKER}.d/bound.conf"] = "[Unit]\nBindsTo=containerd.service\n"
    world.host.units["containerd.service"] = Unit("", active=False, properties={"LoadState": "masked"})
