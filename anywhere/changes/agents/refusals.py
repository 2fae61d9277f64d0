"""Why AWS or an agent says no: each message once, as a code, a line, and what to do."""

from __future__ import annotations

import re

from anywhere.frozen import frozen


@frozen
class Refusal:
    """Why a registration failed: a code, one line, and what to do."""

    code: str
    summary: str
    fix: str


_NEW = "create a new one: aws ssm create-activation --iam-role ROLE --registration-limit N --region REGION"
_NETWORK = "run `anywhere check --region REGION --phase register` on this host: it names the cause"
# By the fixed words of the agent's message (agent/managedInstances, recorded runs); the first that fits.
_REFUSALS: tuple[tuple[str, Refusal], ...] = (
    (
        r"(?i:permission denied|no space left|read-only file system)",
        Refusal("registration.disk", "the SSM agent cannot write its registration", "see df -h /var/lib/amazon"),
    ),
    (r"ActivationExpired", Refusal("activation.expired", "the activation has expired", _NEW)),
    (
        r"RegistrationLimitExceeded",
        Refusal("activation.used-up", "the activation has no uses left", _NEW),
    ),
    (
        r"InvalidActivation",
        Refusal(
            "activation.invalid",
            "Systems Manager does not know this activation: its ID or code is mistyped, it was deleted, or it belongs to "
            "another region or account",
            "compare with: aws ssm describe-activations --region REGION",
        ),
    ),
    (
        r"ThrottlingException|TooManyUpdates|Rate exceeded",
        Refusal(
            "registration.throttled", "Systems Manager throttles registrations", "wait a minute, then run it again"
        ),
    ),
    (
        r"AccessDenied",
        Refusal("registration.refused", "Systems Manager refuses the registration", "ask the activation's owner"),
    ),
    (
        r"Proxy Authentication Required",
        Refusal(
            "proxy.auth-required",
            "the proxy asks the SSM agent for a user and a password",
            "put them into the proxy's URL in a file, and run register again with --proxy-url-file FILE",
        ),
    ),
    (
        r"failed decoding JSON RPC|invalid character '<'|panic: |status code: 40[37]|<html",
        Refusal("registration.foreign-answer", "something that is not Systems Manager answered", _NETWORK),
    ),
    (
        r"status code: 5\d\d|InternalServerError|SerializationError|ServiceUnavailable",
        Refusal(
            "registration.service-error", "Systems Manager answers with an error of its own", "run it again in a minute"
        ),
    ),
    (
        r"no such host|i/o timeout|connection refused|unreachable|TLS handshake|x509|certificate|proxyconnect|Proxy"
        r"|connection reset|EOF|awaiting headers|RequestError",
        Refusal("registration.network", "the SSM agent cannot reach Systems Manager", _NETWORK),
    ),
)


def explain_registration(text: str, region: str) -> Refusal:
    """The meaning of what a failed registration printed."""
    for pattern, refusal in _REFUSALS:
        if re.search(pattern, text):
            return Refusal(refusal.code, refusal.summary, refusal.fix.replace("REGION", region))
    return Refusal(
        "registration.failed",
        "the SSM agent could not register this host",
        "read /var/log/amazon/ssm/amazon-ssm-agent.log on the host, then run register again",
    )


# By the ECS agent's own log lines (recorded runs of 1.105.1; ecs-agent/api/ecs/client); the first that fits.
_AGENT: tuple[tuple[str, Refusal], ...] = (
    (
        r"ClusterNotFoundException|Cluster not found",
        Refusal(
            "cluster.not-found",
            "cluster CLUSTER does not exist in REGION, in the account of the activation",
            "create it (aws ecs create-cluster --cluster-name CLUSTER --region REGION), then AGAIN; for another name give that "
            "--cluster",
        ),
    ),
    (
        r"AccessDenied|is not authorized to perform",
        Refusal(
            "agent.not-authorized",
            "the activation's IAM role has no right for what the ECS agent asks",
            "attach the policy service-role/AmazonEC2ContainerServiceforEC2Role to the role, then: sudo systemctl restart ecs",
        ),
    ),
    (
        r"MachineFingerprintDoesNotMatch",
        Refusal(
            "identity.duplicate",
            "AWS treats this host as another machine than the registered one",
            "clear the registration, then run register again with a fresh activation",
        ),
    ),
    (
        r"InvalidInstanceId|InstanceAlreadyDeregistered|InvalidInstanceID",
        Refusal(
            "registration.broken",
            "Systems Manager no longer knows this host: it was deregistered",
            "clear the registration, then run register again with a fresh activation",
        ),
    ),
    (
        r"client not found for docker version|client version \\S+ is too old|Minimum supported API version",
        Refusal(
            "docker.agent-incompatible",
            "Docker is too new for this ECS agent, or too old",
            "install a newer amazon-ecs-init, then AGAIN",
        ),
    ),
)


def explain_agent(line: str, region: str, cluster: str, again: str = "run register again") -> Refusal | None:
    """The meaning of an agent's line about why it does not come up; None where it fits no known message. `again` is what
    to do once the cause is gone."""
    for pattern, refusal in _AGENT:
        if re.search(pattern, line):
            words = [
                text.replace("AGAIN", again).replace("CLUSTER", cluster).replace("REGION", region)
                for text in (refusal.summary, refusal.fix)
            ]
            return Refusal(refusal.code, *words)
    return None


_INSTALL: tuple[tuple[str, Refusal], ...] = (
    (
        r"No space left|disk is full|not enough free (disk )?space|has no room",
        Refusal("disk.low", "the disk is full", "free space on it (df -h), then run register again"),
    ),
    (
        r"package manager is in use|still installs packages",
        Refusal(
            "package.manager-busy", "another program uses the package manager", "wait for it, then run register again"
        ),
    ),
    (
        r"no package repository",
        Refusal(
            "package.mirror-down",
            "no package repository of this host answers",
            "make one reachable, or install the dependencies by hand, then run register again",
        ),
    ),
    (
        r"",
        Refusal("package.install", "the package manager failed", "fix what it says, then run register again"),
    ),
)


def explain_install(text: str) -> Refusal:
    """The meaning of what the package manager said."""
    return next(refusal for pattern, refusal in _INSTALL if re.search(pattern, text))


def explain_update(text: str) -> Refusal:
    """The meaning of a step of an update that failed: of its packages, or of the agents' start with them."""
    return explain_start(text) if text.startswith("restart ") else explain_install(text)


_START: tuple[tuple[str, Refusal], ...] = (
    (
        r"its start waits for",
        Refusal(
            "unit.waiting",
            "a unit does not start, because its start job waits for another unit",
            "systemctl list-jobs shows the jobs; let that unit finish or take the dependency out, then run register again",
        ),
    ),
    (
        r"\Aenable and start (snap\.)?docker",
        Refusal(
            "docker.not-running",
            "docker does not start",
            "journalctl -u docker -n 50 says why; correct it, then run register again",
        ),
    ),
    (
        r"",
        Refusal("agent.disconnected", "an agent does not start", "read the unit's journal, then run register again"),
    ),
)


def explain_start(text: str) -> Refusal:
    """The meaning of a unit that does not come up."""
    return next(refusal for pattern, refusal in _START if re.search(pattern, text))
