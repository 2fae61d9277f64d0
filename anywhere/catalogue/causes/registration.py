"""Causes that stop a registration: the activation, the packages, the cluster and the role."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_SSM = "aws/amazon-ssm-agent agent/managedInstances; recorded runs of 3.3.x"
_ECS = "aws/amazon-ecs-agent ecs-agent/api/ecs/client; recorded runs of 1.105.1"
_NEW = (
    "Create an activation (`aws ssm create-activation --iam-role ROLE --registration-limit N --region REGION`), "
    "then run register again with it."
)
_HERE = "anywhere/artifacts/verify.py; docs/decisions/090-openpgp.md"
_SAID = "The message of `amazon-ssm-agent -register`."


def _fail(code: str, title: str, meaning: str, found: str, fix: str, source: str) -> CauseText:
    return CauseText(code, "fail", title, meaning, found, fix, source)


REGISTRATION_CAUSES: tuple[CauseText, ...] = (
    _fail(
        "registration.missing",
        "This host is not registered",
        "There is no instance whose state could be shown: the SSM agent's vault names none.",
        "`anywhere status` alone asks for it; for a check before registration this is no fault.",
        "Register the host: `sudo anywhere register --region REGION --cluster CLUSTER --activation-file FILE`.",
        _SSM,
    ),
    _fail(
        "activation.missing",
        "No activation was given",
        "The host is not registered yet, and a registration spends one use of an activation.",
        "The vault of the SSM agent names no instance.",
        "Give --activation-file FILE, --activation-stdin, or the variables ANYWHERE_ACTIVATION_ID and "
        "ANYWHERE_ACTIVATION_CODE.",
        _SSM,
    ),
    _fail(
        "activation.expired",
        "The activation has expired",
        "An activation lives 24 hours unless created with another end, and 30 days at most.",
        _SAID,
        _NEW,
        _SSM,
    ),
    _fail(
        "activation.used-up",
        "The activation has no uses left",
        "Each registration spends one use; the limit is 1 unless created with more.",
        _SAID,
        _NEW,
        _SSM,
    ),
    _fail(
        "activation.invalid",
        "Systems Manager does not know the activation",
        "Its ID or code is mistyped, it was deleted, or it belongs to another region or account.",
        _SAID,
        "Compare with `aws ssm describe-activations --region REGION`. The code cannot be read back: create a new one.",
        _SSM,
    ),
    _fail(
        "registration.throttled",
        "Systems Manager throttles registrations",
        "Too many hosts register at once in this account and region.",
        _SAID,
        "Wait a minute, then run register again; for a fleet use a smaller --wave.",
        _SSM,
    ),
    _fail(
        "registration.refused",
        "Systems Manager refuses the registration",
        "A policy of the account, or the state of the activation's role, forbids it.",
        _SAID,
        "Ask the owner of the activation to check its role and the account's policies.",
        _SSM,
    ),
    _fail(
        "registration.foreign-answer",
        "Something that is not Systems Manager answered the registration",
        "A portal, a filter or a proxy answered in its place, with a web page or an empty body.",
        _SAID,
        "Run `anywhere check --phase register` on the host: it names who answers.",
        _SSM,
    ),
    _fail(
        "registration.service-error",
        "Systems Manager answered with an error of its own",
        "The service or a proxy before it answered 5xx four times within ten seconds.",
        _SAID,
        "Run register again in a minute.",
        _SSM,
    ),
    _fail(
        "registration.network",
        "The SSM agent cannot reach Systems Manager",
        "The check before the registration passed, so the network changed meanwhile, or it treats the agent otherwise.",
        _SAID,
        "Run `anywhere check --phase register` on the host: it names the cause.",
        _SSM,
    ),
    _fail(
        "registration.disk",
        "The SSM agent cannot write its registration",
        "The file system of /var/lib/amazon/ssm is full or read-only, or the command did not run as root.",
        _SAID,
        "Free space there (df -h /var/lib/amazon), then run register again.",
        _SSM,
    ),
    _fail(
        "registration.failed",
        "The SSM agent could not register the host",
        "Its message is none of those that are known: the program itself does not run, or it is of another version.",
        _SAID,
        "Read /var/log/amazon/ssm/amazon-ssm-agent.log on the host, then run register again.",
        _SSM,
    ),
    _fail(
        "cluster.not-found",
        "The cluster does not exist",
        "The ECS agent is registered with Systems Manager, but its cluster is not in this region and account.",
        "The ECS agent's log: ClusterNotFoundException.",
        "Create it (`aws ecs create-cluster --cluster-name NAME --region REGION`), or run register again with --cluster.",
        _ECS,
    ),
    _fail(
        "package.download",
        "A package could not be downloaded",
        "The mirror or S3 does not answer, refuses, or has no such file.",
        "The download itself, with four tries that go on where the last one ended.",
        "Where nothing answers, open the way to the URL in the message, or fetch on a connected machine (`anywhere "
        "artifacts fetch`). Where the answer is 403 or 404, correct the region, the version or the architecture.",
        "anywhere/artifacts/download.py",
    ),
    _fail(
        "package.untrusted",
        "Nobody who is trusted vouches for a package",
        "Its signature is missing, bad, by an unknown, expired or revoked key, or the file is cut short or a web page.",
        "OpenPGP verification in this program, against pinned fingerprints and --keyring, before anything is unpacked.",
        "Fetch it again. For a mirror that signs again, name its public key with --keyring FILE.",
        _HERE,
    ),
    _fail(
        "package.manager-busy",
        "The package manager is in use by another program",
        "Unattended upgrades or an administrator hold the lock of dpkg or rpm for longer than two minutes.",
        "The message of the package manager.",
        "Wait for that program, then run register again.",
        "anywhere/changes/install/packages.sh",
    ),
    _fail(
        "package.mirror-down",
        "No package repository of the host answers",
        "What the agents or Docker depend on is not installed, and cannot be fetched.",
        "The message of the package manager.",
        "Make a repository reachable, or install the packages that the message names by hand, then run register again.",
        "anywhere/changes/install/packages.sh",
    ),
    _fail(
        "package.install",
        "The package manager could not install a package",
        "A dependency is missing or broken, or a script of the package failed.",
        "The message of the package manager.",
        "Fix what the message says with the package manager, then run register again.",
        "anywhere/changes/install/packages.sh",
    ),
)
