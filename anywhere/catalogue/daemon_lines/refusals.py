"""AWS's refusals by exception name: what each means for an agent, who has to act, and the fix. A dated table.

ECS (RegisterContainerInstance, DiscoverPollEndpoint, the channels), SSM (registration, role token, health ping) and STS; the
common errors of all of them. A refusal is AWS's own answer: the way there works. Sources: the service models (ecs-2014-11-13,
ssm-2014-11-06, sts-2011-06-15), "Common Errors" of the three API references, amazon-ecs-agent ecs-agent/acs/model and
tcs/model, amazon-ssm-agent agent/ssm and core/app/credentialrefresher; wire captures of both agents.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from anywhere.frozen import frozen

DATED = "2026-11-29"
OWNER, REGISTRAR, HOST, NOBODY = "owner", "registrar", "host", "nobody"


@frozen
class Refusal:
    """One row: `kind` names it, `pattern` fits the exception's name or the telling text, `words` are plain words one of which
    every such line holds. `says` completes "the agent ..."; `who` has to act: the account's owner, whoever registers the
    host, this host, or nobody (AWS, wait). `cause` is the code."""

    kind: str
    pattern: str
    words: tuple[str, ...]
    says: str
    who: str
    fix: str
    cause: str


WAIT = "Wait: the agent backs off and tries again by itself."
ROLE = (
    "The account's owner: attach the managed policies AmazonEC2ContainerServiceforEC2Role and "
    "AmazonSSMManagedInstanceCore to the role that the activation names; if they are attached, an organization policy "
    "(SCP) or a permissions boundary denies it."
)

# The first row that fits decides.
ROWS: tuple[Refusal, ...] = (
    Refusal(
        "account-blocked",
        r"BlockedException|[Aa]ccount (?:\d{12} )?is (?:currently )?(?:blocked|suspended|closed)|PendingVerification|"
        r"pending verification",
        ("Blocked", "ccount ", "ending verification", "PendingVerification"),
        "is refused by AWS: the account is blocked or not yet verified",
        OWNER,
        "The account's owner: open a case with AWS Support; nothing on this host helps.",
        "agent.not-authorized",
    ),
    Refusal(
        "region-off",
        r"OptInRequired|SubscriptionRequired|RegionDisabledException|STS is not activated in this region|not subscribed to",
        ("OptInRequired", "SubscriptionRequired", "RegionDisabled", "not activated", "not subscribed"),
        "is refused by AWS: the account has not enabled this region or service",
        OWNER,
        "The account's owner: enable the region (Account, AWS Regions) and STS in it, or register the host in a "
        "region that is on.",
        "agent.not-authorized",
    ),
    # IAM User Guide, using-service-linked-roles; Amazon ECS Developer Guide, "Using service-linked roles for Amazon ECS".
    Refusal(
        "service-role",
        r"assume the service[- ]linked role|service[- ]linked role .{0,40}(?:does not exist|could not be found)",
        ("service linked role", "service-linked role"),
        "is refused by AWS: the account has no service-linked role for Amazon ECS",
        OWNER,
        "The account's owner: create it (`aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`), then "
        "restart ecs.",
        "agent.not-authorized",
    ),
    Refusal(
        "role-gone",
        r"(?:[Uu]nable|not able|cannot|[Ff]ailed) to assume (?:the )?role|cannot be assumed|NoSuchEntity(?:Exception)?|"
        r"role .{0,120}(?:does not exist|could not be found)|InvalidRole\b",
        ("assume", "NoSuchEntity", "does not exist", "could not be found", "InvalidRole"),
        "is refused by AWS: the role of the activation is gone, or does not trust ssm.amazonaws.com",
        OWNER,
        "The account's owner: create the role of the activation again under its name, with ssm.amazonaws.com as "
        "trusted service, or give the instance another role in Fleet Manager.",
        "agent.not-authorized",
    ),
    Refusal(
        "denied",
        r"AccessDenied(?:Exception)?\b|is not authorized to perform|with an explicit deny|UnauthorizedOperation|"
        r"\bNotAuthorized(?:Exception)?\b|AuthFailure|UnauthorizedException",
        ("AccessDenied", "not authorized", "explicit deny", "Unauthorized", "NotAuthorized", "AuthFailure"),
        "is refused by AWS",
        OWNER,
        ROLE + " Systems Manager Quick Setup may have replaced the role: see the instance in Fleet Manager.",
        "agent.not-authorized",
    ),
    Refusal(
        "cluster-unknown",
        r"ClusterNotFoundException|InvalidClusterException|[Cc]luster (?:\S+ )?(?:was )?not found|cluster (?:is|was) "
        r"(?:inactive|not active)",
        ("ClusterNotFound", "InvalidCluster", "luster ", "not found"),
        "is refused by AWS: the cluster does not exist in this account and region",
        REGISTRAR,
        "Create the cluster in the account and region of the registration, or correct ECS_CLUSTER in /etc/ecs/ecs.config.",
        "registration.other",
    ),
    Refusal(
        "type-changed",
        r"[Ii]nstance type changes are not supported|current instance type does not match",
        ("nstance type",),
        "is refused by AWS: the saved container instance is of another instance type",
        HOST,
        "Stop ecs, move /var/lib/ecs/data/agent.db away, start ecs: the host registers as a new container instance. "
        "Deregister the old one; its running tasks are orphaned.",
        "agent.state-damaged",
    ),
    # "is inactive": the answer to an agent that registers its saved instance again (amazon-ecs-agent issue 583).
    Refusal(
        "deregistered",
        r'msg="Container instance is deregistered"|reconnectDelay="?1h0m0s|InactiveInstanceException|'
        r"InvalidInstance(?:Id)?(?:Exception)?\b|Not existing InstanceId|[Cc]ontainer instance \S+ is inactive",
        ("is deregistered", "reconnectDelay", "InactiveInstance", "InvalidInstance", "existing InstanceId", "is inactive"),
        "is refused by AWS: this instance is deregistered",
        REGISTRAR,
        "Reset the host, then register it with a fresh activation.",
        "",
    ),
    Refusal(
        "fingerprint",
        r"MachineFingerprintDoesNotMatch",
        ("MachineFingerprint",),
        "is refused by AWS: this is another machine than the one that was registered (fingerprint mismatch)",
        REGISTRAR,
        "Reset the host and register it again with a fresh activation; never copy a registered disk to another machine.",
        "registration.broken",
    ),
    Refusal(
        "clock",
        r"Signature (?:expired|not yet current)|RequestExpired|RequestTimeTooSkewed|RequestInTheFuture|"
        r"time stamp.{0,40}(?:too old|in the future)",
        ("Signature ", "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture", "time stamp"),
        "is refused by AWS: the clock of this host was wrong",
        HOST,
        "Set the clock by the site's time source (`chronyc makestep`, or restart systemd-timesyncd), then restart the "
        "SSM agent and ecs.",
        "clock.skewed",
    ),
    Refusal(
        "no-header",
        r"MissingAuthenticationToken(?:Exception)?|IncompleteSignature(?:Exception)?|Missing Authentication Token",
        ("MissingAuthentication", "IncompleteSignature", "Missing Authentication"),
        "is refused by AWS: the request came without its signature, as where a proxy takes the Authorization header away",
        HOST,
        "Have the proxy pass Authorization, X-Amz-Date and X-Amz-Security-Token on; then restart the agent.",
        "agent.no-credentials",
    ),
    # The document of the EC2 instance goes with keys of another account, or with the request of an external instance.
    Refusal(
        "ec2-identity",
        r"identity document.{0,60}not valid",
        ("identity document",),
        "is refused by AWS: it registers with the identity of an EC2 instance, which is not the one of its credentials",
        HOST,
        "Take the instance profile (IAM role) off this EC2 instance: the ECS agent looks there before it looks at the SSM "
        "agent's credentials. Check that ECS_EXTERNAL=true is in /var/lib/ecs/ecs.config, then restart ecs.",
        "credentials.ec2-role",
    ),
    Refusal(
        "scope",
        r"Credential should be scoped to a valid [Rr]egion",
        ("scoped to a valid",),
        "is refused by AWS: it signs for another region than that of the endpoint it calls",
        HOST,
        "Let AWS_DEFAULT_REGION and the endpoint (ECS_BACKEND_HOST, AWS_ENDPOINT_URL) in /etc/ecs/ecs.config and "
        "/var/lib/ecs/ecs.config name one region, that of the registration. Then restart ecs.",
        "config.invalid",
    ),
    Refusal(
        "long-arn",
        r"[Ll]ong arn format must be",
        ("arn format",),
        "is refused by AWS: it has tags, and this account still gives container instances short ARNs, which carry none",
        OWNER,
        "The account's owner: switch the setting containerInstanceLongArnFormat on (`aws ecs put-account-setting-default "
        "--name containerInstanceLongArnFormat --value enabled`). Or take ECS_CONTAINER_INSTANCE_TAGS out of "
        "/etc/ecs/ecs.config. Then restart ecs.",
        "agent.not-authorized",
    ),
    Refusal(
        "token",
        r"ExpiredToken(?:Exception)?\b|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|"
        r"SignatureDoesNotMatch|InvalidAccessKeyId|security token included in the request is "
        r"(?:expired|invalid)|IDPCommunicationError",
        ("ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId", "InvalidSignature", "SignatureDoes", "InvalidAccessKey",
         "security token", "IDPCommunication"),
        "is refused by AWS: its credentials are expired or not valid",
        HOST,
        "Restart the SSM agent, which writes fresh credentials, then ecs. If the clock was wrong, set it first; if the "
        "region was enabled only lately, wait until its credentials count there.",
        "agent.no-credentials",
    ),
    Refusal(
        "quota",
        r"LimitExceededException|ServiceQuotaExceeded(?:Exception)?|AttributeLimitExceeded(?:Exception)?|[Qq]uota "
        r"(?:is )?exceeded",
        ("LimitExceeded", "QuotaExceeded", "uota "),
        "is refused by AWS: a quota of the account or the cluster is used up",
        OWNER,
        "The account's owner: deregister container instances that are gone, or raise the quota (Service Quotas, Amazon "
        "ECS). At most 10 attributes go into ECS_INSTANCE_ATTRIBUTES.",
        "agent.not-authorized",
    ),
    Refusal(
        "throttled",
        r"Throttl(?:ing|ed)(?:Exception)?\b|Rate "
        r"exceeded|TooManyRequests(?:Exception)?|TooManyUpdates|RequestLimitExceeded",
        ("Throttl", "Rate exceeded", "TooMany", "RequestLimit"),
        "is throttled by AWS and tries again by itself",
        NOBODY,
        WAIT + " Start the agents of a fleet in waves.",
        "agent.disconnected",
    ),
    Refusal(
        "aws-side",
        r"\bServerException\b|InternalServer(?:Error|Exception)|InternalFailure|InternalError\b|"
        r"ServiceUnavailable(?:Exception)?",
        ("ServerException", "InternalServer", "InternalFailure", "InternalError", "ServiceUnavailable"),
        "is answered by AWS with an error of its own",
        NOBODY,
        WAIT + " See https://health.aws.amazon.com/ for the region; the request id in the line is what AWS Support asks "
        "for.",
        "agent.disconnected",
    ),
    Refusal(
        "parameter",
        r"InvalidParameter(?:Value|Combination)?(?:Exception)?\b|ValidationE(?:xception|rror)|ResourceValidationException|"
        r"BadRequestException|MalformedQueryString|PlatformUnknownException|UnsupportedFeatureException|invalid attribute|"
        r"client performing invalid action|InvalidArnException",
        ("InvalidParameter", "Validation", "BadRequest", "Malformed", "PlatformUnknown", "UnsupportedFeature", "invalid a",
         "InvalidArn"),
        "is refused by AWS: a value that it sends is not valid (cluster name, attribute, tag)",
        HOST,
        "Correct ECS_CLUSTER, ECS_INSTANCE_ATTRIBUTES and ECS_CONTAINER_INSTANCE_TAGS in /etc/ecs/ecs.config by what "
        "the quoted line names, then restart ecs. An agent that is very old is updated.",
        "",
    ),
)  # fmt: skip

# What SSM answers to a registration, and what the agent itself refuses to send.
ACTIVATION: tuple[Refusal, ...] = (
    Refusal(
        "activation-expired",
        r"ActivationExpired|activation (?:has|is) expired",
        ("Expired", "expired"),
        "the activation has expired",
        REGISTRAR,
        "Register with a fresh activation.",
        "registration.broken",
    ),
    Refusal(
        "activation-used-up",
        r"RegistrationLimitExceeded|registration limit",
        ("LimitExceeded", "limit"),
        "the activation's registration limit is used up",
        REGISTRAR,
        "Raise the limit of the activation (a new one is needed for that), or register with a fresh one.",
        "registration.broken",
    ),
    Refusal(
        "activation-invalid",
        r"InvalidActivation(?:Id)?\b",
        ("InvalidActivation",),
        "AWS does not know this activation",
        REGISTRAR,
        "The activation's id or code is wrong, it was deleted, or it belongs to another region or account: register "
        "with a fresh activation of this region.",
        "registration.broken",
    ),
    Refusal(
        "activation-short",
        r"minimum field size of (?:20|36)",
        ("minimum field size",),
        "the activation's id or code is too short: a part of it was not copied, and nothing was sent",
        REGISTRAR,
        "Copy the id (36 characters) and the code (20 characters) again. The activation is not used up.",
        "registration.broken",
    ),
    Refusal(
        "already",
        r"InstanceAlreadyRegistered",
        ("AlreadyRegistered",),
        "AWS has this instance registered already",
        REGISTRAR,
        "Deregister the managed instance in Systems Manager, then register with a fresh activation.",
        "registration.broken",
    ),
    Refusal(
        "endpoint",
        r"MissingEndpoint|Unable to determine endpoint|unknown endpoint",
        ("ndpoint",),
        "the region of the registration is no AWS region",
        REGISTRAR,
        "Register again with the right region. The activation is not used up.",
        "registration.broken",
    ),
    Refusal(
        "page",
        r"SerializationError|failed to (?:unmarshal|decode|decoding)",
        ("Serialization", "failed "),
        "something other than AWS answers: a filter or a login page on the path",
        HOST,
        "Fix what the network findings name, then register again. The activation is not used up.",
        "",
    ),
)  # fmt: skip


# AWS names the kind of policy: "because no TYPE policy allows the ACTION action", "with an explicit deny in a TYPE policy"
# (IAM User Guide, troubleshoot_access-denied.html; AWS Security Blog, "Enhanced access denied error messages with policy
# ARNs"). Where several kinds refuse, it names one.
_BY = re.compile(
    r"(?i)(because no|explicit deny in (?:an?|the)) (VPC endpoint|service control|resource control|session|identity-based|"
    r"resource-based) polic|(because no|explicit deny in (?:an?|the)) (permissions boundary)"
)
BY_POLICY = {
    "vpc endpoint": "The account's owner: allow the action in the policy of the VPC endpoint through which this host reaches "
    "AWS (VPC console, Endpoints, Policy). Attaching policies to the role does not help.",
    "service control": "The organization's administrators: the service control policy (SCP) of this account has to allow the "
    "action. Attaching policies to the role does not help.",
    "resource control": "The organization's administrators: the resource control policy (RCP) has to allow the action. "
    "Attaching policies to the role does not help.",
    "session": "The account's owner: the policy of the role's session has to allow the action.",
    "resource-based": "The account's owner: the policy of the resource that the line names has to allow the action.",
    "permissions boundary": "The account's owner: the permissions boundary of the role has to allow the action. Attaching "
    "policies to the role does not help.",
    "identity-based": "The account's owner: take the Deny statement for this action out of the role's policies.",
}


def refusing_policy(text: str) -> str:
    """The kind of policy that AWS names as the one that refuses, as a key of BY_POLICY; empty where it names none, or where
    the role's own policies only lack the action."""
    found = _BY.search(text)
    if found is None:
        return ""
    how, kind = (found[1] or found[3]).lower(), (found[2] or found[4]).lower()
    return "" if kind == "identity-based" and how == "because no" else kind


def denied_fix(kind: str, fix: str, text: str) -> str:
    """The fix of a refusal of this kind, by the policy where AWS names it, else the usual one."""
    return BY_POLICY.get(refusing_policy(text), fix) if kind == "denied" else fix


@cache
def _compiled(rows: tuple[Refusal, ...]) -> tuple[tuple[Refusal, re.Pattern[str]], ...]:
    return tuple((row, re.compile(row.pattern)) for row in rows)


def refusal(text: str, rows: tuple[Refusal, ...] = ROWS) -> Refusal | None:
    """The row that an answer of AWS belongs to, with the fix for this answer; None for anything else."""
    found = next((row for row, pattern in _compiled(rows) if pattern.search(text)), None)
    return found and replace(found, fix=denied_fix(found.kind, found.fix, text))
