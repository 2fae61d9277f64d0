"""What each program sends to a service when it makes its first calls: method, operation, body. Data, no logic.

Sources: the requests of the real agents on the wire (aws/amazon-ecs-agent 1.105.1, aws/amazon-ssm-agent 3.3) and the
public service models for the operation names.
"""

from __future__ import annotations

from collections.abc import Mapping

from anywhere.frozen import frozen

AMZ_JSON = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
OWN = "own"  # the service of an endpoint that is a site's and not AWS's
GO, CURL = "Go-http-client/1.1", "curl/7.88.1"
# As seen; the versions are those of the releases that the facts were taken from.
AGENTS: Mapping[str, str] = {
    "ecs-agent": "Amazon ECS Agent - v1.105.1 (*8dfceca6) (linux; debian_12) (+http://aws.amazon.com/ecs/)",
    "ssm-agent": "aws-sdk-go/1.55.5 (go1.23.12; linux; amd64) amazon-ssm-agent/3.3.3050.0",
    "docker": "docker/28.5.1 go/go1.24.8 git-commit/f8215cc kernel/6.1.0-28-amd64 os/linux arch/amd64",
    "task": "aws-sdk-go/1.55.5 (go1.23.12; linux; amd64) amazon-ssm-agent/3.3.3050.0",
}


@frozen
class Call:
    """One request. `target` is X-Amz-Target, empty where the service has none; `body` empty means a GET; `chunked` sends
    the body without its length. `json` is whether the program reads the answer as JSON and gives up on anything else."""

    target: str = ""
    body: str = ""
    content_type: str = AMZ_JSON
    chunked: bool = False
    json: bool = True


_ECS = "AmazonEC2ContainerServiceV20141113."
_MI = "mi-00000000000000000"
_ARN = "arn:aws:ecs:us-east-1:000000000000:container-instance/default/0"
_POLL = f'{{"cluster":"default","containerInstance":"{_ARN}","zoneId":""}}'

# By component and service; a service that is not listed for its component is asked by GET.
CALLS: Mapping[tuple[str, str], Call] = {
    ("ecs-agent", "ecs"): Call(_ECS + "DiscoverPollEndpoint", _POLL),
    ("ecs-agent", "ecr-api"): Call("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", "{}"),
    ("ecs-agent", "secretsmanager"): Call("secretsmanager.GetSecretValue", '{"SecretId":"anywhere"}'),
    ("ecs-agent", "ssm"): Call("AmazonSSM.GetParameters", '{"Names":["anywhere"],"WithDecryption":true}'),
    ("ssm-agent", "ssm"): Call(
        "AmazonSSM.RequestManagedInstanceRoleToken",
        '{"Fingerprint":"00000000-0000-0000-0000-000000000000"}',
        chunked=True,
    ),
    ("ssm-agent", "ec2messages"): Call(
        "EC2WindowsMessageDeliveryService.GetMessages",
        f'{{"Destination":"{_MI}","MessagesRequestId":"00000000-0000-0000-0000-000000000000","VisibilityTimeoutInSeconds":10}}',
    ),
    ("ssm-agent", "sts"): Call("", "Action=GetCallerIdentity&Version=2011-06-15", FORM, json=False),
    ("ssm-agent", "monitoring"): Call("", "Action=ListMetrics&Version=2010-08-01", FORM, json=False),
    ("ssm-agent", "logs"): Call("Logs_20140328.DescribeLogGroups", "{}"),
    ("docker", "logs"): Call("Logs_20140328.CreateLogStream", '{"logGroupName":"anywhere","logStreamName":"anywhere"}'),
    ("task", "kms"): Call("TrentService.GenerateDataKey", "{}"),
}
