"""The SSM agent's own settings, and its words in the logs beside the usual one."""

from __future__ import annotations

import json
import time

from tests.region.faults import fault, variation
from tests.region.faults.agents.settings import SSM_LOG
from tests.region.faults.path.egress import to
from tests.region.software import SSM, SSM_AGENT, register, ssm_log, stop
from tests.region.world import World

SETTINGS = "/etc/amazon/ssm/amazon-ssm-agent.json"
FOLDER = "/var/log/amazon/ssm"
REFUSED = "AccessDeniedException: Systems Manager is unable to assume the role EdgeServers"


def settings(world: World, **sections: object) -> None:
    """The settings file of a registered host."""
    register(world)
    world.host.files[SETTINGS] = json.dumps(sections, indent=4)


def started(world: World, unit: str, ago: float) -> None:
    """The unit's process started so many seconds ago."""
    since = time.clock_gettime(time.CLOCK_BOOTTIME) - ago
    world.host.units[unit].properties["ExecMainStartTimestampMonotonic"] = str(int(since * 1_000_000))


@fault("ssm-settings-no-json", "a comma too many in the SSM agent's settings, with which it ends", "config.invalid")
def ssm_settings_no_json(world: World) -> None:
    register(world)
    world.host.files[SETTINGS] = '{\n    "Profile": {"ShareCreds": true},\n    "Agent": {"Region": ""},\n}\n'
    stop(world, SSM_AGENT)
    world.host.units[SSM].properties |= {
        "ActiveState": "activating", "SubState": "auto-restart", "Result": "success", "NRestarts": "9", "MainPID": "0",
    }  # fmt: skip
    why = "app config could not be loaded - invalid character '}' looking for beginning of object key string"
    row = f"ERROR Error occurred when starting amazon-ssm-agent: {why}\n"
    world.host.files[SSM_LOG] = ssm_log() + time.strftime("%Y-%m-%d %H:%M:%S.0000 ", time.gmtime()) + row


@fault("ssm-settings-kind", "a switch of the SSM agent's settings is in quotes; it still runs", "config.invalid")
def ssm_settings_kind(world: World) -> None:
    settings(world, Profile={"ShareCreds": "true"}, Agent={"SelfUpdate": False})


@fault("ssm-settings-range", "numbers of the SSM agent's settings are outside what it takes", "config.invalid")
def ssm_settings_range(world: World) -> None:
    settings(world, Mds={"CommandRetryLimit": 500}, Ssm={"HealthFrequencyMinutes": 1, "SessionLogsDestination": "Disk"})


@fault(
    "ssm-shares-nothing", "the SSM agent is set to share no credentials, and the old ones are gone", "config.invalid"
)
def ssm_shares_nothing(world: World) -> None:
    settings(world, Profile={"ShareCreds": False, "ShareProfile": ""})
    world.host.files["/root/.aws/credentials"] = ""


@fault("ssm-shares-nothing-yet", "the same, while the credentials of before are still valid", "config.invalid")
def ssm_shares_nothing_yet(world: World) -> None:
    settings(world, profile={"sharecreds": False})


@fault("ssm-other-profile", "the SSM agent writes its credentials into another profile", "config.invalid")
def ssm_other_profile(world: World) -> None:
    settings(world, Profile={"ShareCreds": True, "ShareProfile": "edge"})
    keys = "aws_access_key_id = ASIAEXAMPLEEXAMPLE\naws_secret_access_key = secret\naws_session_token = token\n"
    world.host.files["/root/.aws/credentials"] = f"[edge]\n{keys}"


@fault("ssm-other-region", "the SSM agent's settings name another region than the registration", "config.invalid")
def ssm_other_region(world: World) -> None:
    settings(world, Agent={"Region": "ap-southeast-2"})


@fault("ssm-identity-without-onprem", "the SSM agent looks for an EC2 role alone", "config.invalid")
def ssm_identity(world: World) -> None:
    settings(world, Identity={"ConsumptionOrder": ["EC2"]})


@fault(
    "ssm-worker-hibernates", "the SSM agent's worker hibernates, in the words of newer releases", "agent.not-authorized"
)
def ssm_worker_hibernates(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(f"[ssm-agent-worker] Entering SSM Agent Worker hibernate - {REFUSED}")


@fault(
    "ssm-log-rolled",
    "the line with the reason of a hibernation is in the log before this one",
    "agent.not-authorized",
)
def ssm_log_rolled(world: World) -> None:
    register(world)
    now = time.strftime("%Y-%m-%d %H:%M:%S.0000", time.gmtime())
    world.host.files |= {
        f"{FOLDER}/amazon-ssm-agent.log.4": ssm_log().replace(time.strftime("%Y-"), "2020-"),
        f"{FOLDER}/amazon-ssm-agent.log.5": ssm_log(f"[ssm-agent-worker] Entering SSM Agent hibernate - {REFUSED}"),
        SSM_LOG: f"{now} INFO [ssm-agent-worker] Backing off health check to every 1500 seconds for 7500 seconds.\n",
    }


@fault("ssm-log-errors-alone", "the SSM agent's log is gone, and errors.log holds the refusal", "agent.not-authorized")
def ssm_log_errors(world: World) -> None:
    register(world)
    now = time.strftime("%Y-%m-%d %H:%M:%S.0000", time.gmtime())
    row = "[retrieveCredsWithRetry @ credentialrefresher.go.236] [CredentialRefresher] Retrieve credentials produced aws error:"
    world.host.files |= {SSM_LOG: "", f"{FOLDER}/errors.log": f"{now} ERROR {row} {REFUSED}\n"}


@fault("ssm-log-moved", "seelog.xml moves the SSM agent's log, which holds the refusal", "agent.not-authorized")
def ssm_log_moved(world: World) -> None:
    register(world)
    world.host.files |= {
        "/etc/amazon/ssm/seelog.xml": '<seelog minlevel="info"><outputs><rollingfile type="size" '
        f'filename="{FOLDER}/site/agent.log" maxsize="30000000"/><filter levels="error,critical"><rollingfile '
        f'type="size" filename="{FOLDER}/errors.log"/></filter></outputs></seelog>\n',
        f"{FOLDER}/site/agent.log": ssm_log(f"[ssm-agent-worker] Entering SSM Agent hibernate - {REFUSED}"),
        SSM_LOG: None,
    }


CHANNEL = (
    "[ssm-agent-worker] [MessageService] [MGSInteractor] Failed to get controlchannel token, error: CreateControlChannel "
    "failed with error: createControlChannel request failed: unexpected response from the service <AccessDeniedException>"
    "<Message>User: arn:aws:sts::123456789012:assumed-role/ecsAnywhereRole/mi-0123456789abcdef0 is not authorized to "
    "perform: ssmmessages:CreateControlChannel on resource: * because no identity-based policy allows the "
    "ssmmessages:CreateControlChannel action</Message></AccessDeniedException>"
)


@fault("ssm-channel-denied", "the role may not open the channel to ssmmessages", "agent.not-authorized")
def ssm_channel_denied(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(CHANNEL)


@fault(
    "ssm-channel-lost", "the SSM agent waits to try for its channel again, and the way works now", "agent.disconnected"
)
def ssm_channel_lost(world: World) -> None:
    register(world)
    url = f"https://ssmmessages.{world.options.regions[0]}.{world.suffix}/v1/control-channel/mi-0123456789abcdef0"
    world.host.files[SSM_LOG] = ssm_log(
        "[ssm-agent-worker] [MessageService] [MGSInteractor] Failed to get controlchannel token, error: CreateControlChannel "
        f'failed with error: createControlChannel request failed: failed to make http client call: Post "{url}": context '
        "deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    )


@fault("ssm-channel-blocked", "the same, and the way to ssmmessages is closed", "egress.endpoint-blocked")
def ssm_channel_blocked(world: World) -> None:
    ssm_channel_lost(world)
    world.router.block(to(world.addresses("ssmmessages")))


@variation("ssm-channel-allowed-since", "the role might not open the channel to ssmmessages, and may now")
def ssm_channel_allowed(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(
        CHANNEL, "[ssm-agent-worker] [MessageService] [MGSInteractor] Set up control channel successfully"
    )


@fault("ssm-not-enabled", "the SSM agent runs, and is not started at boot", "agent.disconnected")
def ssm_not_enabled(world: World) -> None:
    register(world)
    world.host.units[SSM].enabled = False


@variation("ssm-settings-many", "the settings file of the SSM agent's package, and keys of newer releases")
def ssm_settings_many(world: World) -> None:
    settings(
        world,
        Profile={"ShareCreds": True, "ShareProfile": "", "ForceUpdateCreds": False, "KeyAutoRotateDays": 0},
        Mds={"CommandWorkersLimit": 5, "StopTimeoutMillis": 20000, "Endpoint": "", "CommandRetryLimit": 15},
        Ssm={"Endpoint": "", "HealthFrequencyMinutes": 60, "CredentialRetryMaxSleepSeconds": 60,
             "SessionLogsDestination": "disk"},
        Agent={"Region": world.options.regions[0], "UseDualStackEndpoint": False, "SiteOwner": "ops"},
        Identity={"ConsumptionOrder": ["OnPrem"]}, Os={"Lang": "en-US", "Name": "", "Version": "1"}, Site={"Rack": 7},
    )  # fmt: skip


@variation("ssm-log-of-old-run", "the SSM agent runs anew since an hour, and its log is of a run that hibernated")
def ssm_log_of_old_run(world: World) -> None:
    register(world)
    started(world, SSM, 3600)
    world.host.files[SSM_LOG] = ssm_log(f"[ssm-agent-worker] Entering SSM Agent hibernate - {REFUSED}")
    world.host.times[SSM_LOG] = time.time() - 86400


def worker_words(world: World, *rows: str) -> None:
    """The core's lines about its worker, of the last minutes."""
    register(world)
    lines = (
        time.strftime("%Y-%m-%d %H:%M:%S.0000 ", time.gmtime(time.time() - 60 + n)) + row for n, row in enumerate(rows)
    )
    world.host.files[SSM_LOG] = ssm_log() + "".join(f"{line}\n" for line in lines)


NOT_RUNNING = "INFO [amazon-ssm-agent] [WorkerProvider] Worker ssm-agent-worker is not running, starting worker process"
REFUSED_BY_HOST = "fork/exec /usr/bin/ssm-agent-worker: operation not permitted"


@fault(
    "ssm-worker-refused", "an allow list of programs lets the SSM agent run and not its worker", "agent.disconnected"
)
def ssm_worker_refused(world: World) -> None:
    why = f"ERROR [amazon-ssm-agent] [WorkerProvider] failed to start worker ssm-agent-worker, {REFUSED_BY_HOST}"
    worker_words(world, NOT_RUNNING, why, NOT_RUNNING, why)
    stop(world, "/usr/bin/ssm-agent-worker")


@variation("ssm-worker-started-again", "the SSM agent's worker could not start once, and runs since")
def ssm_worker_again(world: World) -> None:
    why = f"ERROR [amazon-ssm-agent] [WorkerProvider] failed to start worker ssm-agent-worker, {REFUSED_BY_HOST}"
    worker_words(
        world,
        NOT_RUNNING,
        why,
        NOT_RUNNING,
        "INFO [amazon-ssm-agent] [WorkerProvider] Worker ssm-agent-worker (pid:81) started",
    )


PING = "[ssm-agent-worker] [HealthCheck] HealthCheck reporting agent health."
UNHEARD = "[ssm-agent-worker] [HealthCheck] error when calling AWS APIs. error details - "


@fault("ssm-ping-denied", "the role lacks the right to the SSM agent's health ping", "agent.not-authorized")
def ssm_ping_denied(world: World) -> None:
    register(world)
    who = "User: arn:aws:sts::123456789012:assumed-role/EdgeServers/mi-0123456789abcdef0"
    why = f"AccessDeniedException: {who} is not authorized to perform: ssm:UpdateInstanceInformation on resource: *"
    world.host.files[SSM_LOG] = ssm_log(PING, UNHEARD + why)


@variation("ssm-ping-heard", "the SSM agent's health ping was refused once and throttled once, and is heard")
def ssm_ping_heard(world: World) -> None:
    register(world)
    refused = UNHEARD + "AccessDeniedException: not authorized to perform: ssm:UpdateInstanceInformation"
    world.host.files[SSM_LOG] = ssm_log(PING, refused, PING, UNHEARD + "ThrottlingException: Rate exceeded")


UNWRITTEN = (
    "[CredentialRefresher] Failed to write credentials to disk even with force, retrying: open /root/.aws/credentials: "
)


@fault("ssm-cannot-write", "the SSM agent has new credentials, and their file is held", "agent.no-credentials")
def ssm_cannot_write(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(UNWRITTEN + "operation not permitted")


@fault("ssm-no-room", "the SSM agent has new credentials, and no room to write them", "disk.low")
def ssm_no_room(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(UNWRITTEN + "no space left on device")


@variation("ssm-written-since", "the SSM agent could not write its credentials once, and has since")
def ssm_written_since(world: World) -> None:
    register(world)
    since = "[CredentialRefresher] Next credential rotation will be in 29.9 minutes"
    world.host.files[SSM_LOG] = ssm_log(UNWRITTEN + "no space left on device", since)


EC2_ERROR = "[ssm-agent-worker] Entering SSM Agent Worker hibernate - EC2RoleRequestError: no EC2 instance role found"


@fault(
    "ssm-acts-as-ec2",
    "the SSM agent found no registration at its start, and acts as an EC2 instance",
    "agent.disconnected",
)
def ssm_acts_as_ec2(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(EC2_ERROR)


@fault("ssm-set-to-ec2", "the SSM agent acts as an EC2 instance, since its settings name that alone", "config.invalid")
def ssm_set_to_ec2(world: World) -> None:
    settings(world, Identity={"ConsumptionOrder": ["EC2"]})
    world.host.files[SSM_LOG] = ssm_log(EC2_ERROR)


UNSAVED = (
    "[CredentialRefresher] Failed to save new expiration: open /var/lib/amazon/ssm/runtimeconfig/identity_config.json: "
)
OVERDUE = "[CredentialRefresher] Next credential rotation will be in -3.4125 minutes"


@fault("ssm-rotation-overdue", "the SSM agent cannot write its credentials, whose rotation is overdue", "disk.low")
def ssm_rotation_overdue(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(UNWRITTEN + "no space left on device", OVERDUE)


@fault("ssm-date-unsaved", "the SSM agent cannot save when its credentials end", "mount.unsuitable")
def ssm_date_unsaved(world: World) -> None:
    register(world)
    world.host.files[SSM_LOG] = ssm_log(UNSAVED + "read-only file system", OVERDUE)


@variation("ssm-date-saved-since", "the SSM agent could not save once when its credentials end, and has since")
def ssm_date_saved_since(world: World) -> None:
    register(world)
    since = "[CredentialRefresher] Next credential rotation will be in 29.9 minutes"
    world.host.files[SSM_LOG] = ssm_log(UNSAVED + "read-only file system", since)
