"""The rows of the endpoint catalogue: one for each host a component connects to. Data, no logic."""

from __future__ import annotations

from anywhere.evidence import Scheme
from anywhere.frozen import frozen

_ECS_PAGE = "AWS: ECS clusters for the external launch type"
_REGISTRATION = "AWS: registering an external instance"
_SCRIPT = "aws/amazon-ecs-agent scripts/ecs-anywhere-install.sh"


@frozen
class Service:
    """A row. `host` and `dualstack` are templates over region, suffix and dualstack_suffix, `*` for what varies;
    `sharded` rows are numbered where the `*` stands. `worldwide` hosts have no regional, FIPS or dual-stack form.
    `dualstack_in` limits the dual-stack name to these partitions; those of `dualstack_apart` have one below their own
    suffix, where the others have none."""

    name: str
    host: str
    component: str
    phases: tuple[str, ...]
    purpose: str
    source: str
    dualstack: str = ""
    scheme: Scheme = "https"
    path: str = "/"
    required: bool = True
    feature: str = ""
    note: str = ""
    sharded: bool = False
    worldwide: bool = False
    dualstack_in: tuple[str, ...] = ()
    dualstack_apart: tuple[str, ...] = ()


_EKS_DOMAINS = "AWS: EKS Anywhere domains; docker/sbx-releases issue 525"
_CDN = "the registry chooses among several such hosts and may change them"

_R = "{region}.{suffix}"
_D = "{region}.{dualstack_suffix}"
_S3_DUALSTACK = "s3.dualstack." + _R
_DISCOVERED = "DiscoverPollEndpoint returns the number only after registration, and it may change: allow the pattern"

CORE = (
    Service(
        "ecs", "ecs." + _R, "ecs-agent", ("register", "run"),
        "register the container instance, find the poll endpoints, report task states", _ECS_PAGE, "ecs." + _D,
    ),
    Service(
        "ecs-a", "ecs-a-*." + _R, "ecs-agent", ("run",),
        "agent communication: tasks to start and stop, their credentials, heartbeats", _ECS_PAGE,
        scheme="wss", path="/ws", sharded=True, note=_DISCOVERED,
    ),
    Service(
        "ecs-t", "ecs-t-*." + _R, "ecs-agent", ("run",),
        "telemetry: metrics and health of tasks and of the instance", _ECS_PAGE,
        scheme="wss", path="/ws", sharded=True, note=_DISCOVERED,
    ),
    Service(
        "ssm", "ssm." + _R, "ssm-agent", ("register", "run"),
        "register the managed instance, renew its credentials, report its state", _ECS_PAGE, "ssm." + _D,
    ),
    Service(
        "ssmmessages", "ssmmessages." + _R, "ssm-agent", ("run",),
        "control channel: commands and sessions", _ECS_PAGE, "ssmmessages." + _D,
        scheme="wss", path="/v1/control-channel/mi-00000000000000000?role=subscribe&stream=input",
    ),
    Service(
        "ec2messages", "ec2messages." + _R, "ssm-agent", ("run",),
        "fallback for commands while the control channel is down", _ECS_PAGE, "ec2messages." + _D, required=False,
        note="AWS lists it as required; SSM agents from 3.3.40.0 use it only when ssmmessages is unavailable",
    ),
    Service(
        "s3", "s3." + _R, "installer", ("install",),
        "packages of both agents and their signatures (buckets amazon-ecs-agent-{region} and amazon-ssm-{region})",
        _SCRIPT, _S3_DUALSTACK, path="/amazon-ssm-{region}/latest/VERSION",
        note="path-style: the bucket is in the path, not in the name",
    ),
)  # fmt: skip

FEATURE_ROWS = (
    Service(
        "ecr-api", "api.ecr." + _R, "ecs-agent", ("run",), "token for private registries",
        "AWS: Amazon ECR endpoints and quotas", "ecr." + _D, feature="ecr",
    ),
    Service(
        "ecr-dkr", "*.dkr.ecr." + _R, "docker", ("run",), "private registry: image manifests",
        "AWS: Amazon ECR endpoints and quotas", "*.dkr-ecr.{region}.on.aws", feature="ecr",
        note="* is the account number of the registry", dualstack_in=("aws",),
    ),
    Service(
        "ecr-layers", "prod-{region}-starport-layer-bucket.s3." + _R, "docker", ("run",),
        "private registry: image layers",
        "AWS: Amazon ECR interface VPC endpoints; awsdocs/amazon-ecr-user-guide issue 24", feature="ecr",
    ),
    Service(
        "ecr-public", "public.ecr.aws", "docker", ("run",), "public registry: tokens, image manifests",
        "AWS: making requests to Amazon ECR Public", path="/v2/", feature="ecr-public", worldwide=True,
        note="images named ecr-public.aws.com, the form for IPv6, need that host instead",
    ),
    Service(
        "ecr-public-cdn", "d2glxqk2uabbnd.cloudfront.net", "docker", ("run",), "public registry: image layers",
        _EKS_DOMAINS, feature="ecr-public", worldwide=True, required=False, note=_CDN,
    ),
    Service(
        "ecr-public-cdn", "d5l0dvt14r5h8.cloudfront.net", "docker", ("run",), "public registry: image layers",
        _EKS_DOMAINS, feature="ecr-public", worldwide=True, required=False, note=_CDN,
    ),
    Service(
        "docker-hub", "registry-1.docker.io", "docker", ("run",), "Docker Hub: image manifests",
        "Docker: allowlist", path="/v2/", feature="docker-hub", worldwide=True,
    ),
    Service(
        "docker-hub-auth", "auth.docker.io", "docker", ("run",), "Docker Hub: tokens",
        "Docker: allowlist", path="/token", feature="docker-hub", worldwide=True,
    ),
    Service(
        "docker-hub-cdn", "production.cloudflare.docker.com", "docker", ("run",), "Docker Hub: image layers",
        "Docker: allowlist", feature="docker-hub", worldwide=True, required=False, note=_CDN,
    ),
    Service(
        "docker-hub-cdn", "production.cloudfront.docker.com", "docker", ("run",), "Docker Hub: image layers",
        "Docker: allowlist", feature="docker-hub", worldwide=True, required=False, note=_CDN,
    ),
    Service(
        "docker-hub-cdn", "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com", "docker",
        ("run",), "Docker Hub: image layers", "Docker: allowlist", feature="docker-hub", worldwide=True,
        required=False, note=_CDN,
    ),
    Service(
        "logs", "logs." + _R, "docker", ("run",), "awslogs driver: container logs",
        "AWS: using the awslogs log driver", "logs." + _D, feature="logs",
        note="the Docker daemon connects, so the proxy of the docker unit counts",
    ),
    Service(
        "secretsmanager", "secretsmanager." + _R, "ecs-agent", ("run",), "secrets and private registry logins",
        "AWS: specifying sensitive data", "secretsmanager." + _R, feature="secrets",
        dualstack_apart=("aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"),
    ),
    Service(
        "ssm", "ssm." + _R, "ecs-agent", ("run",), "secrets in SSM parameters",
        "AWS: specifying sensitive data", "ssm." + _D, feature="secrets",
    ),
    Service(
        "ssmmessages", "ssmmessages." + _R, "task", ("run",), "ECS Exec sessions into containers",
        "AWS: using Amazon ECS Exec", "ssmmessages." + _D, feature="exec", scheme="wss",
        path="/v1/control-channel/mi-00000000000000000?role=subscribe&stream=input",
        note="from the network of the container; logs, s3 and kms too where sessions are logged or encrypted",
    ),
    Service(
        "s3", "s3." + _R, "ecs-agent", ("run",), "environment files and FireLens configuration",
        "AWS: passing environment variables", _S3_DUALSTACK, feature="s3",
        path="/amazon-ssm-{region}/latest/VERSION",
    ),
    Service(
        "s3-buckets", "*.s3." + _R, "ecs-agent", ("run",), "environment files and FireLens configuration",
        "AWS: passing environment variables", "*." + _S3_DUALSTACK, feature="s3", note="* is the bucket",
    ),
    Service(
        "kms", "kms." + _R, "task", ("run",), "encrypted ECS Exec sessions", "AWS: using Amazon ECS Exec",
        "kms." + _D, feature="kms", note="secrets are decrypted by the service, not from here",
    ),
    Service(
        "sts", "sts." + _R, "ssm-agent", ("run",), "identity of the credentials, in `ssm-cli get-diagnostics`",
        "aws/amazon-ssm-agent agent/cli/diagnostics", "sts." + _D, feature="sts", required=False,
    ),
    Service(
        "monitoring", "monitoring." + _R, "ssm-agent", ("run",), "CloudWatch metrics of the SSM agent",
        "aws/amazon-ssm-agent agent/cli/diagnostics", "monitoring." + _D, feature="monitoring", required=False,
    ),
    Service(
        "logs", "logs." + _R, "ssm-agent", ("run",), "CloudWatch logs of the SSM agent",
        "aws/amazon-ssm-agent agent/cli/diagnostics", "logs." + _D, feature="monitoring", required=False,
    ),
    Service(
        "installer", "amazon-ecs-agent.s3.amazonaws.com", "installer", ("install",),
        "the install script and its signature", _REGISTRATION, feature="installer", worldwide=True,
    ),
    Service(
        "installer-keys", "raw.githubusercontent.com", "installer", ("install",),
        "public keys of both agents' packages", _SCRIPT, feature="installer", worldwide=True,
        path="/aws/amazon-ecs-agent/master/scripts/amazon-ecs-agent.gpg",
        note="in no AWS list; asked only where gpg is installed; over IPv6 it may be missing",
    ),
    Service(
        "installer-docker", "download.docker.com", "installer", ("install",),
        "Docker packages on CentOS, Fedora, Debian, Ubuntu", _SCRIPT, feature="installer", worldwide=True,
        path="/linux/", note="not with --docker-install-source distro or none, nor where docker is there already",
    ),
)  # fmt: skip

SERVICES = CORE + FEATURE_ROWS
