"""An agent that cannot register: it ends after three tries, and ecs-init, whose unit stays active, starts it again."""

from __future__ import annotations

import re

from tests.region.faults import fault, variation
from tests.region.faults.agents.settings import SSM_LOG
from tests.region.faults.agents.words import AGENT_LOG, INIT_LOG, START, looping, stamped
from tests.region.faults.path.egress import to
from tests.region.faults.proxy.site import behind_proxy, settings
from tests.region.faults.tls.inspection import INSPECTOR, present
from tests.region.software import AGENT, agent_log, register, set_proxy, ssm_log, stop
from tests.region.world import World


def unregistered(world: World, why: str, times: int = 4) -> None:
    """The logs of both after so many starts, the last of them some seconds ago."""
    register(world)
    stop(world, AGENT)
    operation = (
        "operation error ECS: RegisterContainerInstance, exceeded maximum number of attempts, 3, https response error"
    )
    url = f"https://ecs.{world.options.regions[0]}.{world.suffix}/"
    error = rf'error="{operation} StatusCode: 0, RequestID: , request send failed, Post \"{url}\": {why}"'
    rows = [
        START,
        f'level=error msg="Unable to register as a container instance with ECS" {error}',
        f'level=error msg="Received terminal error from RegisterContainerInstance call, exiting" {error}',
        f'level=error msg="Error re-registering container instance" {error}',
    ]
    world.host.files[AGENT_LOG] = stamped(rows * times, 30)
    ended = [
        'level=info msg="Agent exited with code 1"',
        'level=warn msg="ECS Agent failed to start, retrying in 8.279388491s"',
    ]
    world.host.files[INIT_LOG] = stamped(ended * times, 30)


@fault("loop-ecs-dropped", "packets to ecs are lost, so the agent ends and is started again", "egress.endpoint-blocked")
def loop_ecs_dropped(world: World) -> None:
    unregistered(world, "dial tcp 203.0.113.10:443: i/o timeout")
    world.router.block(to(world.addresses("ecs")))


@fault(
    "loop-ecs-no-answer",
    "the same, where the agent's own limit of time ends before the system's",
    "egress.endpoint-blocked",
)
def loop_ecs_no_answer(world: World) -> None:
    unregistered(world, "net/http: request canceled while waiting for connection (Client.Timeout exceeded)")
    world.router.block(to(world.addresses("ecs")))


@fault("loop-proxy-dead", "the proxy is dead, so the agent ends and is started again", "proxy.unreachable")
def loop_proxy_dead(world: World) -> None:
    register(world)
    url = behind_proxy(world, mode="closed").url
    set_proxy(world, settings(url), "docker", "ecs-agent", "ssm-agent")
    unregistered(world, f"proxyconnect tcp: dial tcp {url.partition('//')[2]}: connect: connection refused")


@fault(
    "loop-name-hidden", "the name of ecs does not resolve, so the agent ends and is started again", "dns.names-hidden"
)
def loop_name_hidden(world: World) -> None:
    unregistered(world, "dial tcp: lookup ecs.us-east-1.amazonaws.com on 10.47.2.53:53: no such host")
    world.every_nameserver(lambda server: server.hidden.extend(world.matching("ecs")))


@fault("loop-inspected", "a device inspects TLS with a CA that is unknown here, so the agent ends and is started again",
       "tls.intercepted-untrusted")  # fmt: skip
def loop_inspected(world: World) -> None:
    unregistered(world, "tls: failed to verify certificate: x509: certificate signed by unknown authority")
    present(world, "inspection", INSPECTOR)
    world.host.files[SSM_LOG] = ssm_log(
        "[ssm-agent-worker] Entering SSM Agent Worker hibernate - RequestError: send request failed"
    )


def ended_with(world: World, *rows: str) -> None:
    """The agent ends at each start with these lines."""
    register(world)
    stop(world, AGENT)
    world.host.files[AGENT_LOG] = stamped([START, *rows] * 4, 30)
    world.host.files[INIT_LOG] = stamped(['level=info msg="Agent exited with code 1"'] * 4, 30)


@fault("loop-state-read-only", "agent.db is undamaged, and its file system is mounted read-only", "mount.unsuitable")
def loop_state_read_only(world: World) -> None:
    why = 'error="open /data/agent.db: read-only file system"'
    ended_with(world, f'level=critical msg="Error creating data client" {why}')
    world.host.remounts["/var/lib/ecs"] = "ro"


@fault("loop-state-full", "agent.db is undamaged, and its file system is full", "disk.low")
def loop_state_full(world: World) -> None:
    why = 'error="write /data/agent.db: no space left on device"'
    ended_with(world, f'level=critical msg="Error creating data client" {why}')
    world.host.tmpfs["/var/lib/ecs"] = 8 * 2**20
    world.host.filled["/var/lib/ecs/data/x"] = 8 * 2**20 - 65536


@fault(
    "loop-of-the-unit",
    "the same of packets that are lost, where systemd starts the unit again",
    "egress.endpoint-blocked",
)
def loop_of_the_unit(world: World) -> None:
    unregistered(world, "dial tcp 203.0.113.10:443: i/o timeout")
    text = world.host.files[AGENT_LOG]
    looping(world)
    world.host.files[AGENT_LOG] = text
    world.router.block(to(world.addresses("ecs")))


@fault("loop-since-fixed", "the way to ecs was closed, is open now, and the agent still ends at its start",
       "agent.restart-loop")  # fmt: skip
def loop_since_fixed(world: World) -> None:
    unregistered(world, "dial tcp 203.0.113.10:443: i/o timeout")


@fault("instance-inactive", "the container instance was deregistered while the agent did not run: AWS refuses it at each start",
       "registration.broken")  # fmt: skip
def instance_inactive(world: World) -> None:
    arn = f"arn:aws:ecs:{world.options.regions[0]}:123456789012:container-instance/plant-7/4a5b6c7d8e9f40a1b2c3d4e5f6071829"
    operation = "operation error ECS: RegisterContainerInstance, https response error StatusCode: 400, RequestID: 3f2a"
    error = f'error="{operation}, ClientException: Container instance {arn} is inactive."'
    looping(
        world,
        f'level=error msg="Error re-registering container instance" {error}',
        f'level=critical msg="Instance re-registration attempt with client performing invalid action" {error}',
        f'level=critical msg="Agent will terminally exit, unable to register container instance:" {error}',
        exit="5",
    )


@fault("docker-api-none", "docker speaks none of the API versions that the agent knows", "docker.api-window")
def docker_api_none(world: World) -> None:
    looping(world, 'level=critical msg="Could not get supported docker versions."')


@fault("task-group-required", "limits of whole tasks are demanded, and the agent gets no control group",
       "agent.restart-loop")  # fmt: skip
def task_group_required(world: World) -> None:
    why = "unable to setup '/ecs' cgroup: cgroup create: mkdir /sys/fs/cgroup/ecs: read-only file system"
    looping(world, f'level=critical msg="Unable to initialize cgroup root for ECS: {why}"', exit="5")


def ended_after_connecting(
    world: World, code: int, *, last: float, before: tuple[str, ...] = (), connected: bool = True
) -> None:
    """The agent registered and ended five times, every 100 seconds; the last of six runs began so many seconds ago."""
    register(world)
    rows = [re.sub(r" time=\S+", "", row, count=1) for row in agent_log(world, healthy=connected).splitlines()]
    starts = [last + 100.0 * run for run in range(5, -1, -1)]
    ended = [f'level=info msg="Agent exited with code {code}"', *before]
    world.host.files[AGENT_LOG] = "".join(stamped(rows, ago) for ago in starts)
    world.host.files[INIT_LOG] = "".join(stamped(ended, ago + 9) for ago in starts[1:])


CODE = "agent.restart-loop"
COPY = (
    r"level=error time=2026-11-30T10:00:01Z msg=\"Failed to pull\" error=\"lookup registry.example.com: no such host\""
)


@fault("agent-crashes", "the agent connects and crashes, again and again; ecs-init copies the end of its log", CODE)
def agent_crashes(world: World) -> None:
    ended_after_connecting(world, 2, last=20, before=(rf'level=info msg="\x01\x00\x00{COPY}\n"',))


@fault("agent-killed", "the agent connects and is killed, again and again", CODE)
def agent_killed(world: World) -> None:
    ended_after_connecting(world, 137, last=20)


@fault("agent-ends-registered", "the agent registers and ends before it connects, again and again", CODE)
def agent_ends_registered(world: World) -> None:
    ended_after_connecting(world, 1, last=20, connected=False)


@fault("agent-killed-now", "docker could not log for the agent last week, and now it is killed at each start", CODE)
def agent_killed_now(world: World) -> None:
    register(world)
    stop(world, AGENT)
    world.host.files[AGENT_LOG] = stamped([START] * 4, 30)
    refused = (
        'level=error msg="could not start Agent: API error (500): failed to initialize logging driver: no such host"'
    )
    killed = ['level=info msg="Agent exited with code 137"'] * 4
    world.host.files[INIT_LOG] = stamped([refused], 9000) + stamped(killed, 30)


@variation("agent-crashes-over", "the agent crashed five times, and has run for longer since")
def agent_crashes_over(world: World) -> None:
    ended_after_connecting(world, 2, last=1200)


@variation("agent-restarted-by-hand", "somebody restarted the agent five times, which did not end in time")
def agent_restarted_by_hand(world: World) -> None:
    words = ('level=info msg="post-stop"', 'level=info msg="pre-start"', 'level=info msg="start"')
    ended_after_connecting(world, 137, last=20, before=words)


@variation("agent-waited-for-network", "the agent ended with an error until the network was up, and is connected")
def agent_waited_for_network(world: World) -> None:
    ended_after_connecting(world, 1, last=20)
