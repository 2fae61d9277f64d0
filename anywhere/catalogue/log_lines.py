"""What lines of the agents' logs mean: pattern, cause, what to say, how to fix it. A dated table, in the order of judging.

Patterns were tried on recorded runs of the real agents (ECS agent 1.105.1, SSM agent 3.3) and on lines of public
reports; both message forms of the AWS SDK are in it. Sources: amazon-ecs-agent agent/app/agent.go, agent/acs, ecs-init/
engine; amazon-ssm-agent common/identity, core/app/credentialrefresher; the issues named in the rows.
"""

from __future__ import annotations

import re
from functools import cache

from anywhere.catalogue.daemon_lines.refusals import ROWS as REFUSALS
from anywhere.frozen import frozen

DATED = "2026-11-29"


@frozen
class LogLine:
    """One row. `kind` names the symptom; the first row whose pattern fits a line decides. `words` are plain words, one of
    which every such line holds. `cause` is the cause code, empty where the way to AWS is at fault (then the network
    checks name it) or where only the agent's state is known. `says` completes the sentence "the agent ...", `fix` is the
    sentence for a person, and `lasting` marks what no later success takes back."""

    kind: str
    pattern: str
    words: tuple[str, ...]
    says: str = ""
    cause: str = ""
    fix: str = ""
    network: bool = False
    lasting: bool = False


STATE_FIX = (
    "Stop ecs, move /var/lib/ecs/data/agent.db away, start ecs. The instance registers anew: the old container instance "
    "has to be deregistered, and its running tasks are orphaned (stop their containers). Then update the ECS agent."
)
# The ECS agent's own log, and ecs-init's, which hands on what docker answered.
ECS_LINES: tuple[LogLine, ...] = (
    LogLine(
        "cluster",
        r"saved cluster '.*?' does not match configured cluster '.*?'",
        ("saved cluster",),
        "stops: its saved state belongs to another cluster",
    ),
    # agent/data/client.go: the file is there, and the system keeps the agent from it.
    LogLine(
        "state-kept",
        r"(?:Error creating data client|BoltDB|previously saved state|new task engine).{0,300}(?:read-only file system|no "
        r"space left on device|permission denied|operation not permitted|input/output error|cannot allocate memory|disk quota "
        r"exceeded|too many open files)",
        ("data client", "BoltDB", "saved state", "task engine"),
        "cannot open its saved state",
        "",
        "Fix what the quoted line names (a file system that is read-only or full, rights), then restart ecs. "
        "Leave /var/lib/ecs/data/agent.db where it is: it may be undamaged.",
    ),
    # agent/app/agent_compatibility_linux.go: the state is undamaged, and the setting left out lets the agent go on with it.
    LogLine(
        "state-limits",
        r"TaskCPUMemLimits setting is incompatible with old state",
        ("TaskCPUMemLimits setting",),
        "stops, since ECS_ENABLE_TASK_CPU_MEM_LIMIT=true is set, and tasks in its saved state were started without such limits",
        "config.invalid",
        "Take ECS_ENABLE_TASK_CPU_MEM_LIMIT out, then restart ecs: the agent goes on with its tasks and leaves these limits "
        "off. To have them, drain the instance first, then set the line again and restart ecs. Leave "
        "/var/lib/ecs/data/agent.db where it is: it is undamaged.",
    ),
    # agent/statemanager: the file of agents before 1.44, read as long as agent.db holds no version.
    LogLine(
        "state-file",
        r"previous data from state file|Could not unmarshal existing state|Unsupported data format: Version",
        ("from state file", "existing state", "Unsupported data format"),
        "cannot load the saved state of an older agent (ecs_agent_data.json)",
        "agent.state-damaged",
        "Stop ecs, move /var/lib/ecs/data/ecs_agent_data.json away, start ecs. The instance registers anew: the old container "
        "instance has to be deregistered, and its running tasks are orphaned (stop their containers).",
    ),
    LogLine(
        "state",
        r"Error loading previously saved state|failed to load .{0,60}BoltDB|Error creating data client|[Cc]orrupted data|"
        r"invalid database|failed to load task engine state",
        ("saved state", "BoltDB", "data client", "orrupted data", "invalid database", "engine state"),
        "cannot load its saved state",
        "agent.state-damaged",
        STATE_FIX,
    ),
    *(LogLine(row.kind, row.pattern, row.words, row.says, row.cause, row.fix) for row in REFUSALS),
    LogLine(
        "proxy",
        r"proxyconnect tcp: |Proxy Authentication Required|\\?\": Forbidden|response: : Forbidden",
        ("proxyconnect", "Proxy Authentication", "Forbidden"),
        "is stopped at the proxy",
        network=True,
    ),
    LogLine(
        "dns",
        r"lookup \S+(?: on \S+:53)?: .*?(?:no such host|i/o timeout|connection refused|server misbehaving)",
        ("lookup ",),
        "cannot resolve a name",
        network=True,
    ),
    LogLine(
        "tls",
        r"x509: |remote error: tls: |TLS handshake timeout|server gave HTTP response to HTTPS",
        ("x509: ", "tls: ", "TLS handshake", "to HTTPS"),
        "gets no TLS connection that it trusts",
        network=True,
    ),
    LogLine("tcp", r"dial tcp \[?[\da-fA-F.:]+\]?:443: ", ("dial tcp",), "cannot connect to an endpoint", network=True),
    LogLine(
        "portal",
        r"failed to decode response body, invalid character",
        ("failed to decode",),
        "is answered by a page for people",
        network=True,
    ),
    LogLine(
        "credentials",
        r"no valid providers in chain|NoCredentialProviders|failed to refresh cached credentials|"
        r"failed to retrieve credentials|SharedCreds(?:Load|Access)|Error getting valid credentials",
        (
            "no valid providers",
            "NoCredentialProviders",
            "cached credentials",
            "retrieve credentials",
            "SharedCreds",
            "valid cred",
        ),
        "finds no credentials",
        "agent.no-credentials",
        "Restart the SSM agent, which writes /root/.aws/credentials, then ecs.",
    ),
    # No answer, in the words of both SDKs and of Go's net/http; the reason proper is in a row above where Go gives one.
    LogLine(
        "no-answer",
        r"request send failed|RequestError: send request failed|net/http: request canceled|Client\.Timeout exceeded|"
        r"operation error \w+: \w+, .*context deadline exceeded",
        ("send failed", "request canceled", "Client.Timeout", "deadline exceeded"),
        "gets no answer from an endpoint",
        network=True,
    ),
    LogLine(
        "apparmor",
        r"An AppArmor policy prevents this sender",
        ("AppArmor policy",),
        "may not create control groups: AppArmor prevents it",
        "docker.agent-incompatible",
        "Update the ECS agent to 1.80.0 or later.",
    ),
    LogLine(
        "runtime",
        r"OCI runtime create failed|failed to create (?:shim )?task|runc(?:\S*)? (?:create|run) failed|"
        r"unknown or invalid runtime name|exec format error|docker-default profile could not be loaded",
        ("OCI runtime", "create task", "create shim", "runc", "runtime name", "exec format", "docker-default"),
        "is not started by docker's runtime",
        "docker.not-running",
        "Docker answers and starts no container: fix what the quoted line names (runtime, containerd, or the machine that this "
        "host runs in), then restart docker and ecs. Containers stop with docker, unless live-restore is set.",
    ),
    # Of each version alone the agent reports at level info that docker does not speak it, which healthy ones do too.
    LogLine(
        "docker-api",
        r"Required minimum docker API version \S+ is not supported|Could not get supported docker versions",
        ("docker API version", "supported docker versions"),
        "stops: this release of Docker and the agent have no API version in common",
        "docker.api-window",
        "Update the ECS agent; where no newer one exists, install another release of Docker. Then restart ecs.",
    ),
    LogLine(
        "task-cgroup",
        r"Unable to initialize cgroup root for ECS",
        ("cgroup root",),
        "stops: it cannot create the control group /ecs, which ECS_ENABLE_TASK_CPU_MEM_LIMIT=true makes it require",
        "agent.restart-loop",
        "Let the agent create it: switch the cpu and memory controllers on for the system (boot line, systemd's delegation), "
        "and see what denies it (kernel log, AppArmor, SELinux). Or take ECS_ENABLE_TASK_CPU_MEM_LIMIT out of "
        "/etc/ecs/ecs.config: the agent then runs, and tasks that set cpu or memory for the task are never placed here. Then "
        "restart ecs.",
    ),
    LogLine(
        "docker",
        r"unable to connect to Docker daemon|Ensure Docker is running|client not found for docker version|"
        r"Cannot connect to the Docker daemon|could not create docker client|could not check Docker for Agent image",
        ("to Docker", "Docker is running", "docker version", "Docker daemon", "docker client", "check Docker"),
        "does not reach docker",
    ),
    LogLine(
        "port",
        r"Error running (?:introspection endpoint|task api).*address already in use",
        ("already in use",),
        "cannot listen on its port",
        lasting=True,
    ),
    LogLine(
        "config",
        r'Invalid format for \\?"?ECS_|Invalid logging drivers|AWS_DEFAULT_REGION has to be set|Error loading config|'
        r"reserved memory is higher than",
        ("Invalid ", "has to be set", "loading config", "reserved memory"),
        "does not accept its settings",
        "config.invalid",
        "Correct the setting that the quoted line names in /etc/ecs/ecs.config, then restart ecs.",
        lasting=True,
    ),
    LogLine(
        "websocket",
        r"unable to dial \S+ response: .*: websocket: bad handshake",
        ("unable to dial",),
        "gets its channel refused",
        network=True,
    ),
    LogLine(
        "silence",
        r"ACS Connection hasn't had any activity for too long",
        ("any activity",),
        "hears nothing",
        network=True,
    ),
    LogLine(
        "refused", r"StatusCode: \d+, RequestID: [^,]*, (?:api error )?\w+: ", ("StatusCode: ",), "is refused by AWS"
    ),
    LogLine(
        "discover",
        r"(?:ACS|tcs): [Uu]nable to discover poll endpoint",
        ("discover poll",),
        "does not get the address of its channel",
        network=True,
    ),
    LogLine(
        "registration",
        r'msg="Unable to register as a container instance|Received (?:non-)?terminal error',
        ("to register", "terminal"),
        "is not registered",
    ),
    LogLine(
        "channel",
        r'msg="Failed to connect to ACS"|msg="Error connecting to TCS"|lost websocket connection with ECS',
        ("to connect to ACS", "connecting to TCS", "lost websocket"),
        "does not get its channel",
        network=True,
    ),
)

# What the agent goes on without, in its own words (amazon-ecs-agent agent/app/agent.go, agent_unix.go,
# agent_capability.go, agent_capability_unix.go, agent/config/parse_linux.go).
LOST = "agent.feature-lost"
LOST_FEATURES: tuple[LogLine, ...] = (
    LogLine(
        "gpu",
        r"GPU support is enabled, but GPU information is not found|No GPU devices found, ignoring the GPU support config|"
        r"Could not initialize Nvidia GPU Manager|Detecting Nvidia GPU devices failed|"
        r"NVIDIA GPU devices are not (?:yet )?present",
        ("GPU",),
        "goes on without GPUs",
        "gpu.not-found",
        lasting=True,
    ),
    LogLine(
        "task-role",
        r"Task IAM Role (?:for Host Network )?not enabled due to unsup+orted Docker version",
        ("Task IAM Role",),
        "goes on without task roles: tasks that have one are never placed here",
        LOST,
        "Update docker: the agent asks for API 1.19 or newer. Then restart ecs.",
        lasting=True,
    ),
    LogLine(
        "task-limits",
        r"Disabling TaskCPUMemLimit because agent is unable to setup|"
        r"Task CPU \+ Mem Limit disabled due to unsupported Docker version",
        ("TaskCPUMemLimit", "Mem Limit disabled"),
        "goes on without limits of whole tasks: tasks that set cpu or memory for the task are never placed here",
        LOST,
        "Give the agent its control group: switch the cpu and memory controllers on for the system (boot line, systemd's "
        "delegation), see what denies it (kernel log, AppArmor, SELinux), then restart ecs.",
        lasting=True,
    ),
    LogLine(
        "pause",
        r"Failed to load pause container: |Pause container is not loaded, did not append PID and IPC capabilities",
        ("ause container",),
        "goes on without its pause image: tasks that share a PID or IPC namespace are never placed here",
        LOST,
        "Make room where docker keeps its images, see that docker loads images (`docker load`), then restart ecs, which "
        "loads the image from the agent's own.",
        lasting=True,
    ),
    LogLine(
        "volume-plugins",
        r"Scanning plugins failed: |Listing plugins with filters .{0,80} failed: ",
        ("plugins failed", "Listing plugins"),
        "goes on without docker's volume plugins: tasks whose volumes need one are never placed here",
        LOST,
        "See that docker lists its plugins (`docker plugin ls`) and that /run/docker/plugins can be read, then restart ecs.",
        lasting=True,
    ),
    LogLine(
        "gmsa",
        r"gMSA on linux requires domain joined instance|CREDENTIALS_FETCHER_HOST_DIR not found",
        ("gMSA on linux", "CREDENTIALS_FETCHER"),
        "goes on without gMSA: tasks with a credential spec are never placed here",
        LOST,
        "Join the host to the domain and start credentials-fetcher, then restart ecs; or take ECS_GMSA_SUPPORTED out.",
        lasting=True,
    ),
    LogLine(
        "metrics",
        r"Error initializing metrics engine: |Error creating telemetry session: ",
        ("metrics engine", "telemetry session"),
        "goes on without metrics of its tasks",
        LOST,
        "Restart ecs; if the line comes back, see that docker answers (`docker stats --no-stream`).",
        lasting=True,
    ),
)

# A complaint that no row knows: it is quoted all the same.
OTHER = LogLine("other", r"(?!)", (), "reports an error")
# Codes of a shell and of docker: 125 to 127 are of a container that was never started.
ENDED = LogLine(
    "ended",
    r"(?!)",
    (),
    "ends soon after its start",
    fix="Read what it wrote last (`docker logs ecs-agent`, /var/log/ecs/ecs-agent.log) and fix that, then restart ecs.",
)
# ecs-init/engine/engine.go (containerFailureAgentExitCode) and Go's runtime: 2 is a panic, 128 and more a signal.
CRASHED = LogLine(
    "crashed",
    r"(?!)",
    (),
    "crashes",
    fix="Update the ECS agent. If the newest crashes too, `docker logs ecs-agent` shows where: report that to AWS "
    "(aws/amazon-ecs-agent).",
)
KILLED = LogLine(
    "killed",
    r"(?!)",
    (),
    "is killed",
    fix="Find out who kills it: the kernel logs it where memory was short (`dmesg`), docker where somebody stopped its "
    "container (`docker events --since 1h --until 0s --filter container=ecs-agent`).",
)


@cache
def compiled(rows: tuple[LogLine, ...]) -> tuple[tuple[LogLine, re.Pattern[str]], ...]:
    """The patterns, made when the first log is read: most runs read none."""
    return tuple((row, re.compile(row.pattern)) for row in rows)


@cache
def by_kind() -> dict[str, LogLine]:
    """The rows of the ECS agent by their kind."""
    return {row.kind: row for row in (*ECS_LINES, *LOST_FEATURES, OTHER, ENDED, CRASHED, KILLED)}


def first_match(rows: tuple[LogLine, ...], line: str) -> LogLine | None:
    """The row that a line belongs to."""
    return next((row for row, pattern in compiled(rows) if pattern.search(line)), None)


# A line that was cut ends within its quotes.
_FIELD = re.compile(r'\b(msg|error|err)=(?:"((?:[^"\\]|\\.)*)(?:"|\\?$)|(\S+))')

# What the AWS SDK for Go puts before the service's own words (aws-sdk-go-v2 aws/transport/http/response_error.go).
_TRANSPORT = re.compile(r"https response error StatusCode: \d+, RequestID: [\w-]*, (?:HostID: [^,]*, )?(?:api error )?")
_STAMPS = re.compile(r"^\d{4}-\d\d-\d\d \S+ (?:ERROR|CRITICAL|WARN|INFO) ")


def message(line: str) -> str:
    """What a line says, without its stamps: the message and the error behind it, at most 420 characters: room
    for who may not do what to what, and which policy says so."""
    found = {}
    for name, value, bare in _FIELD.findall(line):
        found[name] = value.replace('\\"', '"') or bare
    said = ": ".join(found[name].rstrip(": ") for name in ("msg", "error", "err") if found.get(name))
    said = _TRANSPORT.sub("", said or _STAMPS.sub("", line.strip()))
    return said if len(said) <= 420 else said[:417] + "..."
