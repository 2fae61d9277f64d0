"""What the agent goes on without, and ECS Exec: programs, certificates, a half set."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.agents.words import AGENT_LOG, INIT_LOG, INSTANCE_CONFIG, looping, set_line, stamped
from tests.region.faults.tls.inspection import INSPECTOR, present
from tests.region.software import EXEC, SSM_VERSION, register
from tests.region.world import World

LOST, NOT_READY = "agent.feature-lost", "exec.not-ready"
WITH_EXEC = ("--with", "exec")
BUNDLE = f"{EXEC}/certs/tls-ca-bundle.pem"


def says(world: World, *rows: str) -> None:
    """Lines of the agent's log right after its start."""
    register(world)
    text = world.host.files[AGENT_LOG]
    assert isinstance(text, str)
    first, *rest = text.splitlines(keepends=True)
    world.host.files[AGENT_LOG] = first + "".join(stamped([row], 3599) for row in rows) + "".join(rest)


@fault("task-roles-lost", "task roles are on, and this docker is too old for them, says the agent", LOST)
def task_roles_lost(world: World) -> None:
    says(
        world,
        'level=warn msg="Task IAM Role not enabled due to unsuppported Docker version" module=agent_capability.go',
    )
    set_line(world, INSTANCE_CONFIG, "ECS_ENABLE_TASK_IAM_ROLE", "true")


@fault("task-limits-lost", "the agent gets no control group, and goes on without limits of tasks", LOST)
def task_limits_lost(world: World) -> None:
    why = "cgroup create: unable to create controller: mkdir /sys/fs/cgroup/ecstasks.slice: permission denied"
    why = f"Disabling TaskCPUMemLimit because agent is unable to setup '/ecs' cgroup: {why}"
    says(world, f'level=warn msg="{why}" module=agent_unix.go')


@fault(
    "controllers-gone",
    "the memory controller is off, and the agent says what it does without",
    "cgroup.controller-missing",
)
def controllers_gone(world: World) -> None:
    why = (
        "cgroupv2 init: error enabling cpu and memory controllers: failed to write subtree controllers [cpu memory] to "
        r"\"/sys/fs/cgroup/cgroup.subtree_control\": write /sys/fs/cgroup/cgroup.subtree_control: no such file or directory"
    )
    says(world, f"level=warn msg=\"Disabling TaskCPUMemLimit because agent is unable to setup '/ecs' cgroup: {why}\"")
    world.host.controllers = "cpuset cpu io pids"


@fault("pause-image-lost", "the agent cannot load its pause image", LOST)
def pause_image_lost(world: World) -> None:
    why = "pause container load: failed to load pause container image: write /var/lib/docker/tmp/x: no space left on device"
    says(world, f'level=error msg="Failed to load pause container: {why}" module=agent.go',
         'level=warn msg="Pause container is not loaded, did not append PID and IPC capabilities: <nil>" '
         "module=agent_capability_unix.go")  # fmt: skip


@fault("volume-plugins-lost", "docker does not tell the agent of its volume plugins", LOST)
def volume_plugins_lost(world: World) -> None:
    why = "Listing plugins with filters enabled=true, capabilities=[volumedriver] failed: could not list plugins"
    says(world, f'level=warn msg="{why}" module=agent_capability_unix.go')


@fault("gmsa-lost", "gMSA is on, and the host has not joined a domain", LOST)
def gmsa_lost(world: World) -> None:
    why = "gMSA on linux requires domain joined instance. Did not find expected env var ECS_DOMAIN_JOINED_LINUX_INSTANCE=true"
    says(world, f'level=error msg="{why}" module=parse_linux.go')
    set_line(world, INSTANCE_CONFIG, "ECS_GMSA_SUPPORTED", "true")


@fault("metrics-lost", "the agent's metrics do not start", LOST)
def metrics_lost(world: World) -> None:
    says(
        world,
        'level=warn msg="Error initializing metrics engine: stats engine: failed to list containers" module=agent.go',
    )


@variation("features-not-of-here", "the agent does without what an external instance never has")
def features_not_of_here(world: World) -> None:
    why = (
        "ServiceConnect Capability: Failed to load appnet Agent container. This container instance will not be able to"
    )
    says(
        world,
        f'level=error msg="{why} support ServiceConnect tasks" error="file not found" module=agent_capability.go',
        'level=warn msg="Fault injection capability not enabled: EXTERNAL launch type detected" module=agent_capability.go',
        'level=info msg="Missing cpu flags for EIA support: avx2" module=agent_capability_unix.go',
    )


@variation("feature-back-again", "the agent went on without limits of tasks in an earlier run, and has them now")
def feature_back_again(world: World) -> None:
    why = "Disabling TaskCPUMemLimit because agent is unable to setup '/ecs' cgroup: cgroup create: permission denied"
    register(world)
    text = world.host.files[AGENT_LOG]
    assert isinstance(text, str)
    before = [text.splitlines()[0].replace("time=", "at="), f'level=warn msg="{why}" module=agent_unix.go']
    world.host.files[AGENT_LOG] = stamped(before, 7200) + text


@fault("exec-programs-missing", "ECS Exec is asked for, and its programs are not here", NOT_READY, arguments=WITH_EXEC)
def exec_programs_missing(world: World) -> None:
    register(world)
    for path in [path for path in world.host.programs if path.startswith(EXEC)]:
        del world.host.programs[path]


@fault(
    "exec-certificates-missing", "ECS Exec is asked for, and its CA bundle is not here", NOT_READY, arguments=WITH_EXEC
)
def exec_certificates_missing(world: World) -> None:
    register(world)
    del world.host.bundles[BUNDLE]


@fault("exec-half-set", "an unpacking broke off: the agent ends at every start, without a word", NOT_READY)
def exec_half_set(world: World) -> None:
    looping(world, 'level=info msg="Loading configuration"')
    del world.host.programs[f"{EXEC}/bin/{SSM_VERSION}/ssm-session-worker"]
    world.host.files[INIT_LOG] = stamped(['level=info msg="Agent exited with code 1"'])


@fault("exec-half-set-later", "half of the programs was deleted while the agent ran", NOT_READY)
def exec_half_set_later(world: World) -> None:
    register(world)
    del world.host.programs[f"{EXEC}/bin/{SSM_VERSION}/amazon-ssm-agent"]


@fault(
    "exec-copy-of-before",
    "the copied CA bundle is of before the inspecting CA",
    "tls.component-untrusted",
    "tls.intercepted-trusted",
    arguments=WITH_EXEC,
)
def exec_copy_of_before(world: World) -> None:
    register(world)
    present(world, "inspection", INSPECTOR, "ssmmessages")
    world.host.bundles[BUNDLE] = list(world.host.trusted)
    world.host.trusted.append("inspection")


@variation("exec-ready", "ECS Exec is asked for and complete, an older version's half beside it", arguments=WITH_EXEC)
def exec_ready(world: World) -> None:
    register(world)
    world.host.programs[f"{EXEC}/bin/3.1.1260.0/amazon-ssm-agent"] = "#!/bin/sh\nexit 0\n"
    world.host.folders.append(f"{EXEC}/bin/.anywhere-new")


@variation("exec-not-asked-for", "no file of ECS Exec is here, and nobody asks for it")
def exec_not_wanted(world: World) -> None:
    register(world)
    for path in [path for path in world.host.programs if path.startswith(EXEC)]:
        del world.host.programs[path]
    del world.host.bundles[BUNDLE]


@fault("tags-of-ec2", "tags are to come from EC2, which an external agent does not ask", "config.invalid")
def tags_of_ec2(world: World) -> None:
    looping(world, 'level=info msg="Loading configuration"')
    set_line(world, INSTANCE_CONFIG, "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM", "ec2_instance")
    world.host.files[INIT_LOG] = stamped(['level=info msg="Agent exited with code 1"'])
