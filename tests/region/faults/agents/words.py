"""What the agents say of themselves: refusals by AWS, saved state, credentials, lost features, settings that are none."""

from __future__ import annotations

import json
import time

from tests.region.faults import fault, variation
from tests.region.software import (
    AGENT,
    BRIDGE,
    CLUSTER,
    ECS,
    ECS_INIT,
    FROM_HOST,
    GUARD,
    OFF_HOST,
    TO_AGENT,
    agent_log,
    put_secret,
    register,
    remove_rules,
    stop,
)  # fmt: skip
from tests.region.world import World

AGENT_LOG, INIT_LOG = "/var/log/ecs/ecs-agent.log", "/var/log/ecs/ecs-init.log"
INSTANCE_CONFIG, USER_CONFIG = "/var/lib/ecs/ecs.config", "/etc/ecs/ecs.config"
START = 'level=info msg="Starting Amazon ECS Agent" version="1.105.1" commit="8dfceca6"'


def stamped(rows: list[str], ago: float = 600) -> str:
    """Lines of a log, a second apart."""
    start = time.time() - ago
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + n)) for n in range(len(rows))]
    return "".join(row.replace(" ", f" time={when} ", 1) + "\n" for row, when in zip(rows, stamps, strict=True))


def looping(world: World, *rows: str, exit: str = "1", times: int = 3) -> None:
    """The unit is started again and again, and each run of the agent ends with these lines; ecs-init takes its rules away at
    each end (ExecStopPost=)."""
    if ECS not in world.host.units:
        register(world)
    stop(world, AGENT)
    stop(world, ECS_INIT)
    world.host.units[ECS].properties |= {
        "ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code", "ExecMainStatus": exit,
        "ExecMainCode": "1", "NRestarts": "37", "MainPID": "0",
    }  # fmt: skip
    world.host.files[AGENT_LOG] = stamped([START, *rows] * times)
    remove_rules(world, TO_AGENT, FROM_HOST, BRIDGE, OFF_HOST, GUARD)
    world.host.sysctls["net/ipv4/conf/all/route_localnet"] = "0"


def set_line(world: World, path: str, name: str, value: str) -> None:
    """One setting in place of what stood there, for the agent's process as well."""
    text = world.host.files[path]
    assert isinstance(text, str)
    rows = [row for row in text.splitlines() if not row.startswith(f"{name}=")]
    world.host.files[path] = "\n".join([*rows, f"{name}={value}"]) + "\n"
    for daemon in world.host.daemons:
        if daemon.name == AGENT:
            daemon.environment[name] = value


@fault("state-damaged", "the agent cannot load its saved state and ends at every start", "agent.state-damaged")
def state_damaged(world: World) -> None:
    why = (
        "failed to load previous data from BoltDB: failed to load task engine state: did not find the task of container "
        f"arn:aws:ecs:{world.options.regions[0]}:123456789012:task/{CLUSTER}/5e0c6d3fd1a84ac5a8a4f3b8a2b4c9d1"
    )
    looping(
        world,
        f'level=critical msg="Error loading previously saved state: {why}" module=agent.go',
        f'level=critical msg="Unable to initialize new task engine: {why}" module=agent.go',
        exit="5",
    )


def engine_refused(world: World, said: str) -> None:
    """The agent gets no task engine, which it reports twice."""
    looping(
        world,
        f'level=critical msg="{said}" module=agent.go',
        f'level=critical msg="Unable to initialize new task engine: {said.partition(": ")[2]}" module=agent.go',
        exit="5",
    )


@fault("state-without-limits", "limits of tasks are required, and the saved tasks have none", "config.invalid")
def state_without_limits(world: World) -> None:
    why = "App: unable to load old tasks because TaskCPUMemLimits setting is incompatible with old state."
    engine_refused(world, f"Error checking compatibility with previously saved state: {why}")
    set_line(world, "/etc/ecs/ecs.config", "ECS_ENABLE_TASK_CPU_MEM_LIMIT", "true")


@fault("state-of-old-agent", "the state file of an old agent is no JSON", "agent.state-damaged")
def state_of_old_agent(world: World) -> None:
    why = "failed to load previous data from state file: invalid character 'x' looking for beginning of value"
    engine_refused(world, f"Error loading previously saved state: {why}")
    world.host.files["/var/lib/ecs/data/ecs_agent_data.json"] = "x"


@fault("engine-refused", "the agent gets no task engine, for a reason that nobody knows", "agent.restart-loop")
def engine_unknown(world: World) -> None:
    looping(world, 'level=critical msg="Unable to initialize new task engine: out of luck" module=agent.go', exit="5")


@fault("state-garbage", "agent.db is no database", "agent.state-damaged")
def state_garbage(world: World) -> None:
    looping(world, 'level=critical msg="Error creating data client" error="invalid database" module=agent.go')
    world.host.files["/var/lib/ecs/data/agent.db"] = b"\xff" * 4096


def _denied(world: World, action: str, form: str) -> str:
    region = world.options.regions[0]
    return form.format(
        f"AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/EdgeServers/mi-0fedcba9876543210 is not "
        f"authorized to perform: {action} on resource: arn:aws:ecs:{region}:123456789012:cluster/{CLUSTER} because no "
        f"identity-based policy allows the {action} action"
    )


@fault("role-without-ecs", "the role may not register container instances", "agent.not-authorized")
def role_without_ecs(world: World) -> None:
    looping(
        world,
        _denied(
            world, "ecs:RegisterContainerInstance", 'level=error msg="Error registering container instance" error="{}"'
        ),
        'level=error msg="Received terminal error while registering container instance, exiting"',
    )


@fault("role-without-ecs-new-sdk", "the same in the words of the newer SDK", "agent.not-authorized")
def role_without_ecs_new_sdk(world: World) -> None:
    form = (
        'level=error msg="Unable to register as a container instance with ECS: operation error ECS: '
        "RegisterContainerInstance, https response error StatusCode: 400, RequestID: 8a1b2c3d-0001-0002-0003-444455556666, "
        'api error {}"'
    )
    looping(world, _denied(world, "ecs:RegisterContainerInstance", form))


@fault("poll-denied", "the role may register and lacks ecs:Poll: AWS refuses the channel", "agent.not-authorized")
def poll_denied(world: World) -> None:
    """The refusal is the body of a 403 to the WebSocket upgrade: the way to AWS works."""
    register(world)
    base = f"{world.options.regions[0]}.{world.suffix}"
    world.host.files[AGENT_LOG] = agent_log(
        world,
        f'level=error msg="Failed to connect to ACS" error="websocket client: unable to dial ecs-a-1.{base} response: '
        '{\\"AccessDeniedException\\":\\"Forbidden\\"}: websocket: bad handshake"',
        healthy=False,
    )


@fault("poll-denied-json", "the same in a log that is written as JSON", "agent.not-authorized")
def poll_denied_json(world: World) -> None:
    register(world)
    base = f"{world.options.regions[0]}.{world.suffix}"
    why = (
        f"websocket client: unable to dial ecs-a-1.{base} response: {{AccessDeniedException: User is not authorized to "
        "perform ecs:Poll}: websocket: bad handshake"
    )
    rows = [
        {"level": "info", "time": "2026-11-28T10:00:00Z", "msg": "Starting Amazon ECS Agent", "version": "1.105.1"},
        {"level": "info", "time": "2026-11-28T10:00:01Z", "msg": "Registered container instance with cluster!"},
        {"level": "error", "time": "2026-11-28T10:00:02Z", "msg": "Failed to connect to ACS", "error": why},
    ]
    world.host.files[AGENT_LOG] = "".join(json.dumps(row) + "\n" for row in rows)
    set_line(world, USER_CONFIG, "ECS_LOG_OUTPUT_FORMAT", "json")


@fault("telemetry-denied", "the role lacks ecs:StartTelemetrySession alone", "agent.not-authorized")
def telemetry_denied(world: World) -> None:
    register(world)
    base = f"{world.options.regions[0]}.{world.suffix}"
    world.host.files[AGENT_LOG] = agent_log(
        world,
        f'level=error msg="Error connecting to TCS" error="websocket client: unable to dial ecs-t-1.{base} response: '
        '{\\"AccessDeniedException\\":\\"Forbidden\\"}: websocket: bad handshake"',
    )


@fault("cluster-unknown", "the cluster of ecs.config does not exist in this account", "registration.other")
def cluster_unknown(world: World) -> None:
    looping(
        world,
        'level=error msg="Unable to register as a container instance with ECS: operation error ECS: '
        "RegisterContainerInstance, https response error StatusCode: 400, RequestID: 1, ClusterNotFoundException: Cluster "
        'not found."',
    )


@fault("cluster-renamed", "ecs.config names another cluster than the agent has joined", "registration.other")
def cluster_renamed(world: World) -> None:
    looping(
        world,
        "level=critical msg=\"Data mismatch; saved cluster 'plant-7' does not match configured cluster 'plant-8'. Perhaps you "
        'want to delete the configured checkpoint file?"',
        exit="5",
    )
    world.host.files[USER_CONFIG] = "ECS_CLUSTER=plant-8\n"


@fault("token-expired", "AWS takes the agent's credentials for expired", "agent.no-credentials")
def token_expired(world: World) -> None:
    looping(
        world,
        'level=error msg="Unable to register as a container instance with ECS" error="operation error ECS: '
        "RegisterContainerInstance, https response error StatusCode: 400, RequestID: 2, api error ExpiredTokenException: The "
        'security token included in the request is expired"',
    )


@fault("credentials-emptied", "a power cut left root's credentials file without a byte", "agent.no-credentials")
def credentials_emptied(world: World) -> None:
    register(world)
    put_secret(world, "/root/.aws/credentials", "")
    world.host.files[AGENT_LOG] = stamped(
        [
            START,
            'level=error msg="Error getting valid credentials: no valid providers in chain" module=agent.go',
            'level=error msg="Error registering container instance" error="operation error ECS: RegisterContainerInstance, '
            'get identity: get credentials: failed to refresh cached credentials, no valid providers in chain"',
        ]
    )


@fault("credentials-other-profile", "the credentials file holds another profile alone", "agent.no-credentials")
def credentials_other_profile(world: World) -> None:
    register(world)
    keys = "aws_access_key_id = ASIAEXAMPLEEXAMPLE\naws_secret_access_key = secret\naws_session_token = token\n"
    put_secret(world, "/root/.aws/credentials", f"[backup]\n{keys}")


@fault("gpu-without-driver", "GPU support is on, and there is no driver, device or list of GPUs", "gpu.not-found")
def gpu_without_driver(world: World) -> None:
    register(world)
    set_line(world, INSTANCE_CONFIG, "ECS_ENABLE_GPU_SUPPORT", "true")
    text = world.host.files[AGENT_LOG]
    assert isinstance(text, str)
    first, *rest = text.splitlines(keepends=True)
    said = "Config for GPU support is enabled, but GPU information is not found; continuing without it"
    world.host.files[AGENT_LOG] = (
        first + f'level=error msg="{said}" module=nvidia_gpu_manager_unix.go\n' + "".join(rest)
    )


@fault("runtime-refuses", "docker answers, and its runtime starts no container", "docker.not-running")
def runtime_refuses(world: World) -> None:
    """The agent's log is that of the last good run; ecs-init's tells the reason."""
    looping(world, exit="255", times=0)
    world.host.files[AGENT_LOG] = agent_log(world)
    why = "failed to create task for container: OCI runtime create failed: runc create failed: permission denied"
    world.host.files[INIT_LOG] = stamped(
        ['level=info msg="pre-start"', f'level=error msg="could not start Agent: API error (500): {why}"'] * 3
    )


@fault("agent-gone", "ecs-init runs, and no agent process is there", "agent.disconnected")
def agent_gone(world: World) -> None:
    """The log still says that the agent of the run before was connected."""
    register(world)
    stop(world, AGENT)


@fault("region-in-quotes", "the region was pasted with typographic quotation marks", "config.invalid")
def region_in_quotes(world: World) -> None:
    region = world.options.regions[0]
    looping(
        world,
        'level=error msg="Error registering container instance" error="request send failed: dial tcp: lookup '
        f'ecs.\u201c{region}\u201d.amazonaws.com: no such host"',
    )
    world.host.files[INSTANCE_CONFIG] = f"AWS_DEFAULT_REGION=\u201c{region}\u201d\nECS_EXTERNAL=true\n"


@fault("region-zone", "an availability zone is set instead of the region", "config.invalid")
def region_zone(world: World) -> None:
    register(world)
    set_line(world, INSTANCE_CONFIG, "AWS_DEFAULT_REGION", f"{world.options.regions[0]}a")


@fault("region-note", "a note follows the region", "config.invalid")
def region_note(world: World) -> None:
    register(world)
    set_line(world, INSTANCE_CONFIG, "AWS_DEFAULT_REGION", f"{world.options.regions[0]} # plant 7")


@fault("region-dash", "a dash is missing in the region", "config.invalid")
def region_dash(world: World) -> None:
    register(world)
    set_line(world, INSTANCE_CONFIG, "AWS_DEFAULT_REGION", world.options.regions[0].replace("-", "", 1))


@fault(
    "external-missing",
    "the line that makes the agent an external one is gone, the registration is good",
    "registration.broken",
)
def external_missing(world: World) -> None:
    register(world)
    world.host.files[INSTANCE_CONFIG] = f"AWS_DEFAULT_REGION={world.options.regions[0]}\n"


@fault("region-upper", "the region is written in capitals", "config.invalid")
def region_upper(world: World) -> None:
    register(world)
    set_line(world, INSTANCE_CONFIG, "AWS_DEFAULT_REGION", world.options.regions[0].upper())


@fault("boolean-yes", "a switch of ecs.config says yes, which the agent does not know", "config.invalid")
def boolean_yes(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_ENABLE_TASK_IAM_ROLE", "yes")


@fault("duration-bare", "a duration of ecs.config has no unit", "config.invalid")
def duration_bare(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_CONTAINER_STOP_TIMEOUT", "120")


@fault("setting-mistyped", "a name in ecs.config only looks like a setting", "config.invalid")
def setting_mistyped(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATON", "1h")


@variation("settings-many", "many settings, all right")
def settings_many(world: World) -> None:
    register(world)
    for name, value in (
        ("ECS_ENABLE_TASK_IAM_ROLE", "true"),
        ("ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST", "1"),
        ("ECS_CONTAINER_STOP_TIMEOUT", "1m30s"),
        ("ECS_LOGLEVEL", "warn"),
        ("ECS_RESERVED_MEMORY", "64"),
        ("ECS_AVAILABLE_LOGGING_DRIVERS", '["json-file","awslogs"]'),
        ("ECS_INSTANCE_ATTRIBUTES", '{"site":"plant # 7"}'),
        ("MY_OWN_VARIABLE", "hello"),
    ):
        set_line(world, USER_CONFIG, name, value)


@variation("log-json", "the agent writes its log as JSON")
def log_json(world: World) -> None:
    register(world)
    base = f"{world.options.regions[0]}.{world.suffix}"
    rows = [
        {"level": "info", "msg": "Starting Amazon ECS Agent", "version": "1.105.1"},
        {"level": "info", "msg": "Registered container instance with cluster!"},
        {"level": "info", "msg": "Establishing a Websocket connection", "url": f"https://ecs-a-1.{base}/ws"},
        {"level": "info", "msg": "Establishing a Websocket connection", "url": f"https://ecs-t-1.{base}/ws"},
        {"level": "info", "msg": "Connected to ACS endpoint"},
        {"level": "info", "msg": "Connected to TCS endpoint"},
    ]
    world.host.files[AGENT_LOG] = "".join(json.dumps(row) + "\n" for row in rows)
    set_line(world, USER_CONFIG, "ECS_LOG_OUTPUT_FORMAT", "json")


@variation("pull-denied", "a task's image pull is refused by AWS while the agent is connected")
def pull_denied(world: World) -> None:
    register(world)
    world.host.files[AGENT_LOG] = agent_log(
        world,
        'level=error msg="Failed to pull image" error="CannotPullECRContainerError: AccessDeniedException: User is not '
        'authorized to perform: ecr:GetAuthorizationToken"',
    )


@variation("complaint-healed", "the agent was refused, and was connected later")
def complaint_healed(world: World) -> None:
    register(world)
    text = agent_log(world)
    denied = 'level=error msg="Failed to connect to ACS" error="AccessDeniedException: Forbidden" module=acs.go\n'
    lines = text.splitlines(keepends=True)
    world.host.files[AGENT_LOG] = "".join([*lines[:3], denied, *lines[3:]])


@fault("endpoint-policy-denies", "the policy of the VPC endpoint refuses the registration", "agent.not-authorized")
def endpoint_policy_denies(world: World) -> None:
    form = 'level=error msg="Error registering container instance" error="{}"'
    looping(world, _denied(world, "ecs:RegisterContainerInstance", form).replace("identity-based", "VPC endpoint"))


def _not_registered(world: World, answer: str) -> None:
    form = 'level=error msg="Unable to register as a container instance with ECS" error="operation error ECS: '
    form += "RegisterContainerInstance, https response error StatusCode: 400, RequestID: 8a1b2c3d-0001-0002-0003-444455556666, "
    looping(world, f'{form}{answer}" module=client.go', exit="5")


@fault(
    "tags-short-arn", "the agent has tags, and the account gives container instances short ARNs", "agent.not-authorized"
)
def tags_short_arn(world: World) -> None:
    _not_registered(world, "InvalidParameterException: Long arn format must be used for tagging operations")


@fault(
    "registers-as-ec2",
    "the agent registers with the identity of the EC2 instance that it runs on",
    "credentials.ec2-role",
)
def registers_as_ec2(world: World) -> None:
    _not_registered(world, "ClientException: The identity document and identity document signature were not valid.")


@fault(
    "signed-for-another-region", "the agent signs for one region and calls the endpoint of another", "config.invalid"
)
def signed_for_another_region(world: World) -> None:
    _not_registered(
        world, "api error InvalidSignatureException: Credential should be scoped to a valid region, not 'eu-west-1'."
    )


@fault("cluster-inactive", "the cluster of ecs.config was deleted, and AWS calls it inactive", "registration.other")
def cluster_inactive(world: World) -> None:
    _not_registered(world, "ClientException: The referenced cluster was inactive.")
