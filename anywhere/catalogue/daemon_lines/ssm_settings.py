"""Settings of the SSM agent (amazon-ssm-agent.json): sections, keys and their kinds.

Source: amazon-ssm-agent agent/appconfig/contracts.go, appconfig.go, appconfig_parser.go (2024-10), and the keys that newer
releases and installers add (UseDualStackEndpoint, CredentialRetryMaxSleepSeconds). Go's JSON ignores the case of keys,
leaves unknown ones aside, and refuses the complete file where a value is of another kind: then the agent ends.
"""

from __future__ import annotations

from collections.abc import Mapping

from anywhere.errors import did_you_mean

TEXT, NUMBER, SWITCH, LIST = "text in quotes", "an integer", "true or false, without quotes", "a list"
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "Profile": {
        "ShareCreds": SWITCH, "ShareProfile": TEXT, "ForceUpdateCreds": SWITCH, "KeyAutoRotateDays": NUMBER,
    },
    "Mds": {
        "Endpoint": TEXT, "CommandWorkersLimit": NUMBER, "CommandWorkerBufferLimit": NUMBER, "StopTimeoutMillis": NUMBER,
        "CommandRetryLimit": NUMBER,
    },
    "Ssm": {
        "Endpoint": TEXT, "HealthFrequencyMinutes": NUMBER, "AssociationFrequencyMinutes": NUMBER,
        "AssociationRetryLimit": NUMBER, "CustomInventoryDefaultLocation": TEXT,
        "AssociationLogsRetentionDurationHours": NUMBER, "RunCommandLogsRetentionDurationHours": NUMBER,
        "SessionLogsRetentionDurationHours": NUMBER, "SessionLogsDestination": TEXT, "PluginLocalOutputCleanup": TEXT,
        "OrchestrationDirectoryCleanup": TEXT, "CredentialRetryMaxSleepSeconds": NUMBER,
    },
    "Mgs": {
        "Region": TEXT, "Endpoint": TEXT, "StopTimeoutMillis": NUMBER, "SessionWorkersLimit": NUMBER,
        "SessionWorkerBufferLimit": NUMBER, "DeniedPortForwardingRemoteIPs": LIST,
    },
    "Agent": {
        "Name": TEXT, "Version": TEXT, "Region": TEXT, "ServiceDomain": TEXT, "OrchestrationRootDir": TEXT,
        "DownloadRootDir": TEXT, "ContainerMode": SWITCH, "SelfUpdate": SWITCH, "SelfUpdateScheduleDay": NUMBER,
        "TelemetryMetricsToCloudWatch": SWITCH, "TelemetryMetricsToSSM": SWITCH, "TelemetryMetricsNamespace": TEXT,
        "LongRunningWorkerMonitorIntervalSeconds": NUMBER, "ShouldPurgeInstanceProfileRoleCreds": SWITCH,
        "AuditExpirationDay": NUMBER, "ForceFileIPC": SWITCH, "GoMaxProcForAgentWorker": NUMBER,
        "UseDualStackEndpoint": SWITCH,
    },
    "Os": {"Lang": TEXT, "Name": TEXT, "Version": TEXT},
    "S3": {"Endpoint": TEXT, "Region": TEXT, "LogBucket": TEXT, "LogKey": TEXT},
    "Birdwatcher": {"ForceEnable": SWITCH},
    "Kms": {"Endpoint": TEXT, "RequireKMSChallengeResponse": SWITCH},
    "Identity": {"Ec2SystemInfoDetectionResponse": TEXT, "ConsumptionOrder": LIST, "CustomIdentities": LIST},
}  # fmt: skip
# Lowest and highest value (None: no limit), and what the agent takes in place of any other, without a word in its log
# (appconfig_parser.go, constants.go). 0 is what a template writes for "not set".
RANGES: Mapping[tuple[str, str], tuple[int, int | None, int]] = {
    ("Profile", "KeyAutoRotateDays"): (0, 365, 0),
    ("Agent", "LongRunningWorkerMonitorIntervalSeconds"): (30, 1800, 60),
    ("Agent", "SelfUpdateScheduleDay"): (1, 7, 7),
    ("Agent", "AuditExpirationDay"): (3, 30, 7),
    ("Mds", "CommandWorkersLimit"): (1, None, 5),
    ("Mds", "CommandWorkerBufferLimit"): (1, None, 5),
    ("Mds", "CommandRetryLimit"): (1, 100, 15),
    ("Mds", "StopTimeoutMillis"): (10000, 1000000, 20000),
    ("Mgs", "SessionWorkerBufferLimit"): (1, None, 1),
    ("Ssm", "HealthFrequencyMinutes"): (5, 60, 5),
    ("Ssm", "AssociationFrequencyMinutes"): (5, 60, 10),
    ("Ssm", "AssociationLogsRetentionDurationHours"): (8, None, 24),
    ("Ssm", "RunCommandLogsRetentionDurationHours"): (8, None, 336),
}
# Words that the agent takes; any other is the first of them, without a word in its log.
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Ssm", "SessionLogsDestination"): ("none", "disk"),
    ("Ssm", "PluginLocalOutputCleanup"): ("default", "after-execution", "after-upload"),
    ("Ssm", "OrchestrationDirectoryCleanup"): ("default", "clean-success", "clean-success-failed"),
}
IDENTITIES = ("OnPrem", "ECS", "EC2", "CustomIdentity")
_FOLDED = {section.lower(): {key.lower(): kind for key, kind in keys.items()} for section, keys in SETTINGS.items()}


def wrong_kind(section: str, key: str, value: object) -> str:
    """The kind that a value has to be of; empty where it is, where it is null, and for a key that is not in the table."""
    kind = _FOLDED.get(section.lower(), {}).get(key.lower(), "")
    if value is None or not kind:
        return ""
    right = {
        TEXT: isinstance(value, str),
        NUMBER: isinstance(value, int) and not isinstance(value, bool),
        SWITCH: isinstance(value, bool),
        LIST: isinstance(value, list),
    }[kind]
    return "" if right else kind


def out_of_range(section: str, key: str, value: object) -> str:
    """Why the agent takes another value in place of this one; empty where it takes this one."""
    place = (section.lower(), key.lower())
    for names, (lowest, highest, default) in RANGES.items():
        if place == (names[0].lower(), names[1].lower()) and isinstance(value, int) and not isinstance(value, bool):
            if value == 0 or (value >= lowest and (highest is None or value <= highest)):
                return ""
            limits = f"from {lowest} to {highest}" if highest else f"{lowest} or more"
            return f"is {value}, and the agent takes {limits}: without a word it goes on with {default}"
    for names, words in CHOICES.items():
        if place == (names[0].lower(), names[1].lower()) and isinstance(value, str) and value and value not in words:
            return f"is {value[:40]}, which the agent does not know ({', '.join(words)}): it goes on with {words[0]}"
    return ""


def near_section(name: str) -> str:
    """`did you mean Profile?` for a section that only looks like one; empty for any other."""
    return "" if name.lower() in _FOLDED else did_you_mean(name, SETTINGS, cutoff=0.75)


def near_key(section: str, name: str) -> str:
    """`did you mean ShareCreds?` for a key that only looks like one of its section, or that belongs into another."""
    known = next((keys for title, keys in SETTINGS.items() if title.lower() == section.lower()), {})
    if not known or name.lower() in _FOLDED[section.lower()]:
        return ""
    return did_you_mean(name, known, cutoff=0.8)
