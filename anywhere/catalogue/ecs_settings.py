"""The settings of the ECS agent and what each takes. A dated table.

Source: amazon-ecs-agent agent/config/config.go, agent/config/parse.go, agent/utils/utils.go (ParseBool), README.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from anywhere.catalogue.regions import is_region, near_region
from anywhere.errors import did_you_mean

DATED = "2026-11-29"

# What Go's strconv.ParseBool takes; anything else is the setting's default.
TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
_DURATION = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?)(?:ns|us|µs|ms|s|m|h))*|0"
)
_CLUSTER = re.compile(r"[A-Za-z0-9_-]{1,255}|arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9_-]{1,255}")
_TYPOGRAPHIC = re.compile("[\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2032\u2033\u00b4]")
_INVISIBLE = re.compile("[\u00a0\u200b\u200c\u200d\u2060\ufeff]")

BOOLEANS = (
    *("ECS_UPDATES_ENABLED", "ECS_DISABLE_METRICS", "ECS_DISABLE_PRIVILEGED", "ECS_SELINUX_CAPABLE"),
    *("ECS_APPARMOR_CAPABLE", "ECS_ENABLE_TASK_ENI", "ECS_ENABLE_TASK_IAM_ROLE", "ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP"),
    *("ECS_ENABLE_TASK_CPU_MEM_LIMIT", "ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT", "ECS_AUDIT_LOGFILE_DISABLED"),
    *("ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST", "ECS_DISABLE_IMAGE_CLEANUP", "ECS_AWSVPC_BLOCK_IMDS"),
    *(
        "ECS_ENABLE_CONTAINER_METADATA",
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE",
        "ECS_SHARED_VOLUME_MATCH_FULL_CONFIG",
    ),
    *("ECS_POLL_METRICS", "ECS_DISABLE_DOCKER_HEALTH_CHECK", "ECS_ENABLE_GPU_SUPPORT", "ECS_EBSTA_SUPPORTED"),
    *("ECS_ENABLE_INF_SUPPORT", "ECS_DISABLE_TASK_METADATA_AZ", "ECS_ENABLE_SPOT_INSTANCE_DRAINING"),
    *("ECS_ENABLE_RUNTIME_STATS", "ECS_EXCLUDE_IPV6_PORTBINDING", "ECS_WARM_POOLS_CHECK", "ECS_ENABLE_FIRELENS_ASYNC"),
    *("ECS_CHECKPOINT", "ECS_ENABLE_HIGH_DENSITY_ENI", "ECS_ENABLE_PROMETHEUS_METRICS"),
    *(
        "ECS_OFFHOST_INTROSPECTION_ACCESS_ENABLED",
        "ECS_SKIP_LOCALHOST_TRAFFIC_FILTER",
        "ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS",
    ),
)
DURATIONS = (
    *(
        "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION",
        "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION_JITTER",
        "ECS_IMAGE_PULL_TIMEOUT",
    ),
    *("ECS_IMAGE_MINIMUM_CLEANUP_AGE", "NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE", "ECS_IMAGE_CLEANUP_INTERVAL"),
    *("ECS_POLLING_METRICS_WAIT_DURATION", "ECS_CONTAINER_STOP_TIMEOUT", "ECS_MANIFEST_PULL_TIMEOUT"),
    *("ECS_CONTAINER_START_TIMEOUT", "ECS_CONTAINER_CREATE_TIMEOUT", "ECS_IMAGE_PULL_INACTIVITY_TIMEOUT"),
    "ECS_CGROUP_CPU_PERIOD",
)
NUMBERS = ("ECS_RESERVED_MEMORY", "ECS_NUM_IMAGES_DELETE_PER_CYCLE", "ECS_TASK_PIDS_LIMIT", "ECS_LOG_MAX_ROLL_COUNT")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "ECS_LOGLEVEL": ("debug", "info", "warn", "error", "crit", "none"),
    "ECS_LOGLEVEL_ON_INSTANCE": ("debug", "info", "warn", "error", "crit", "none"),
    "ECS_LOG_OUTPUT_FORMAT": ("logfmt", "json"),
    "ECS_LOG_ROLLOVER_TYPE": ("size", "hourly", "date", "none"),
    "ECS_IMAGE_PULL_BEHAVIOR": ("default", "always", "once", "prefer-cached"),
    "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM": ("none", "ec2_instance"),
    "ECS_ENGINE_AUTH_TYPE": ("dockercfg", "docker"),
    "ECS_INSTANCE_IP_COMPATIBILITY": ("ipv4", "ipv6"),
}
OTHERS = (
    *(
        "ECS_CLUSTER",
        "ECS_EXTERNAL",
        "ECS_BACKEND_HOST",
        "ECS_DATADIR",
        "ECS_HOST_DATA_DIR",
        "ECS_LOGFILE",
        "ECS_AUDIT_LOGFILE",
    ),
    *("ECS_AVAILABLE_LOGGING_DRIVERS", "ECS_RESERVED_PORTS", "ECS_RESERVED_PORTS_UDP", "ECS_INSTANCE_ATTRIBUTES"),
    *("ECS_CONTAINER_INSTANCE_TAGS", "ECS_ENGINE_AUTH_DATA", "ECS_AGENT_LABELS", "ECS_VOLUME_PLUGIN_CAPABILITIES"),
    *("ECS_AGENT_CONFIG_FILE_PATH", "ECS_AGENT_PID_NAMESPACE_HOST", "ECS_AGENT_APPARMOR_PROFILE", "ECS_CGROUP_PATH"),
    *(
        "ECS_CNI_PLUGINS_PATH",
        "ECS_DETAILED_OS_FAMILY",
        "ECS_DOMAIN_JOINED_LINUX_INSTANCE",
        "ECS_DYNAMIC_HOST_PORT_RANGE",
    ),
    *("ECS_ENABLE_CPU_UNBOUNDED_WINDOWS_WORKAROUND", "ECS_ENABLE_MEMORY_UNBOUNDED_WINDOWS_WORKAROUND"),
    *("ECS_EXCLUDE_UNTRACKED_IMAGE", "ECS_FSX_WINDOWS_FILE_SERVER_SUPPORTED", "ECS_GMSA_SUPPORTED", "ECS_LOG_DRIVER"),
    *("ECS_LOG_OPTS", "ECS_LOG_MAX_FILE_SIZE_MB", "ECS_NVIDIA_RUNTIME", "ECS_TASK_METADATA_RPS_LIMIT"),
    *("ECS_UPDATE_DOWNLOAD_DIR", "ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES", "ECS_FTEST_FORCE_NET_HOST"),
    *(
        "ECS_AGENT_RUN_PRIVILEGED",
        "ECS_TASK_CPU_MEM_LIMIT",
        "ECS_CREDENTIAL_SPEC_SUPPORTED",
        "ECS_GMSA_DOMAINLESS_SUPPORTED",
    ),
)
KNOWN = (*BOOLEANS, *DURATIONS, *NUMBERS, *CHOICES, *OTHERS)


def complaint(name: str, value: str) -> tuple[str, bool] | None:
    """What is wrong with a value, and whether the agent does not work with it (else it only ignores the setting); None
    for a value that is right, empty or of a setting that is not in the table."""
    if mark := _TYPOGRAPHIC.search(value) or _INVISIBLE.search(value):
        shown = "an invisible character" if _INVISIBLE.match(mark[0]) else f"a typographic quotation mark ({mark[0]})"
        return f"holds {shown}: write {_plain(value)}", True
    if value and " #" in value and name.startswith(("ECS_", "AWS_")) and not value.startswith(("{", "[")):
        return (
            f"has a note behind its value, which the agent reads as a part of it: write {value.partition(' #')[0]}",
            True,
        )
    judge = _JUDGES.get(name)
    return judge(value) if judge and value.strip() else None


def right_value(name: str, value: str) -> str:
    """The value that was meant, where only one can have been; empty where a person has to say."""
    plain = _plain(value).partition(" #")[0].strip() if not value.startswith(("{", "[")) else _plain(value)
    if name == "AWS_DEFAULT_REGION" and not is_region(plain):
        near = re.findall(r"[a-z]{2}(?:-[a-z]+)+-\d", near_region(plain))
        plain = near[0] if len(near) == 1 else plain.lower() if is_region(plain.lower()) else plain.rstrip("abcdef")
    if name in BOOLEANS and plain.lower() in ("yes", "on", "enabled", "y"):
        plain = "true"
    if name in BOOLEANS and plain.lower() in ("no", "off", "disabled", "n"):
        plain = "false"
    return plain if plain and plain != value and complaint(name, plain) is None else ""


def near_setting(name: str) -> str:
    """`did you mean ECS_CLUSTER?` for a name that only looks like a known one; empty for any other."""
    if name in KNOWN or not name.upper().startswith(("ECS_", "ECS-", "NON_ECS")):
        return ""
    return did_you_mean(name.replace("-", "_"), KNOWN, cutoff=0.86)


def _plain(value: str) -> str:
    return _INVISIBLE.sub("", _TYPOGRAPHIC.sub("", value)).strip()


def _boolean(value: str) -> tuple[str, bool] | None:
    if value.strip() in TRUE | FALSE:
        return None
    return f"is no boolean ({value.strip()[:40]}), so the agent takes its default: write true or false", True


# The least that the agent takes, in seconds, and what it goes on with below it (config.go, config_unix.go, parse.go).
BOUNDS: Mapping[str, tuple[float, str, str]] = {
    "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION": (1, "1s", "3h"),
    "ECS_IMAGE_PULL_INACTIVITY_TIMEOUT": (60, "1m", "1m"),
    "ECS_IMAGE_CLEANUP_INTERVAL": (600, "10m", "30m"),
    "ECS_CONTAINER_STOP_TIMEOUT": (1, "1s", "1s"),
    "ECS_CONTAINER_START_TIMEOUT": (45, "45s", "45s"),
    "ECS_CONTAINER_CREATE_TIMEOUT": (60, "1m", "1m"),
    "ECS_MANIFEST_PULL_TIMEOUT": (30, "30s", "30s"),
    "ECS_CGROUP_CPU_PERIOD": (0.008, "8ms", "100ms"),
}
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def _bounded(name: str) -> Callable[[str], tuple[str, bool] | None]:
    least, shown, instead = BOUNDS[name]

    def judge(value: str) -> tuple[str, bool] | None:
        if wrong := _duration(value):
            return wrong
        parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", value)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if seconds == 0 or seconds >= least:
            return None
        return f"is {value.strip()}, and the agent takes {shown} or more: it goes on with {instead}", False

    return judge


def _port_range(value: str) -> tuple[str, bool] | None:
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", value.strip())
    if found and 0 < int(found[1]) <= int(found[2] or found[1]) < 65536:
        return None
    return (
        f"is no range of ports ({value.strip()[:40]}), so the agent takes the kernel's: write it as 40000-50000",
        False,
    )


def _rates(value: str) -> tuple[str, bool] | None:
    if re.fullmatch(r"\s*[1-9]\d*\s*,\s*[1-9]\d*\s*", value):
        return None
    return f"is not two numbers ({value.strip()[:40]}), so the agent takes 40,60: write RATE,BURST", False


def _duration(value: str) -> tuple[str, bool] | None:
    if _DURATION.fullmatch(value.strip()):
        return None
    return (
        f"is no duration ({value.strip()[:40]}), so the agent takes its default: write a unit, as in 30s, 10m or 3h",
        False,
    )


def _number(value: str) -> tuple[str, bool] | None:
    return None if re.fullmatch(r"-?\d+", value.strip()) else (f"is no whole number ({value.strip()[:40]})", False)


LARGEST_RESERVE = 65535  # MiB: agent/config/parse.go, parseEnvVariableUint16


def _reserve(value: str) -> tuple[str, bool] | None:
    if re.fullmatch(r"[0-9]{1,5}", value) and int(value) <= LARGEST_RESERVE:
        return None
    shown = value.strip()[:40]
    return (
        f"is no whole number of MiB up to {LARGEST_RESERVE} ({shown}): the agent ignores it and reserves nothing",
        False,
    )


def _region(value: str) -> tuple[str, bool] | None:
    return None if is_region(value) else (f"is no AWS region: {value[:40]}{near_region(value)}", True)


def _cluster(value: str) -> tuple[str, bool] | None:
    if _CLUSTER.fullmatch(value.strip()):
        return None
    return f"cannot be the name of a cluster: {value[:60]} (letters, digits, - and _ alone)", True


def _choice(allowed: tuple[str, ...]) -> Callable[[str], tuple[str, bool] | None]:
    def judge(value: str) -> tuple[str, bool] | None:
        if value.strip().lower() in allowed:
            return None
        hint = did_you_mean(value, allowed, f"known are {', '.join(allowed)}")
        return f"is unknown to the agent ({value.strip()[:40]}), which takes its default; {hint}", False

    return judge


_JUDGES: Mapping[str, Callable[[str], tuple[str, bool] | None]] = {
    **dict.fromkeys(BOOLEANS, _boolean),
    **dict.fromkeys(DURATIONS, _duration),
    **dict.fromkeys(NUMBERS, _number),
    "ECS_RESERVED_MEMORY": _reserve,
    **{name: _choice(allowed) for name, allowed in CHOICES.items()},
    **{name: _bounded(name) for name in BOUNDS},
    "ECS_DYNAMIC_HOST_PORT_RANGE": _port_range,
    "ECS_TASK_METADATA_RPS_LIMIT": _rates,
    "AWS_DEFAULT_REGION": _region,
    "ECS_CLUSTER": _cluster,
}
