"""Rules on environment variables: keys that override roles, and proxies that swallow the credentials' address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from anywhere.taskdef.rule import EVERY, Case, Mark, fail, over, put, remove, rule, skip, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import named

MOST_FILES = 10
_FILE = re.compile(r"arn:aws[a-z-]*:s3:::[^/\s]+/(?:\S.*)?\.env\Z")
_SECRET = re.compile(r"arn:aws[a-z-]*:(?:secretsmanager|ssm):")
_PARAMETER = re.compile(r"arn:aws[a-z-]*:ssm:[^:]*:[^:]*:parameter/")
KEYS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
CREDENTIALS = "169.254.170.2"
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_MANAGER = re.compile(r"arn:aws[a-z-]*:secretsmanager:")
# Parts of a secret's ARN up to its name, and with JSON key, stage and version. Source: amazon-ecs-agent, asmsecret.go
_NAMED, _DETAILED = 7, 10


@rule(
    "taskdef.aws-keys",
    "static AWS keys",
    scope="container",
    launch=EVERY,
    meaning="Access keys in the environment override the task role, are not rotated, are shown to everyone who may "
    "describe the definition, and are a known reason for ECS Exec to fail.",
    fine="no static keys",
    source="AWS SDKs, order of the credential chain; amazon-ssm-agent#435",
)
def aws_keys(case: Case, node: Node) -> Iterator[Mark]:
    yield from over(node.at("environment").each(), _plain)
    for item in node.at("secrets").each():
        name = item.at("name")
        if name.text() in KEYS:
            text = f"{name.text()} comes from a secret and still overrides the task role"
            yield warn(item, text, "use a task role", remove(item))


def _plain(item: Node) -> Iterator[Mark]:
    name, value = item.at("name").text(), item.at("value")
    if name in KEYS and value.filled:
        yield warn(item, f"{name} is in the definition: it overrides the task role", "use a task role", remove(item))
    elif value.known and _KEY_ID.search(value.text()):
        text = f"the value of {named(name)} holds an AWS access key id"
        yield warn(item, text, "use a task role, or a secret", remove(item))


@rule(
    "taskdef.proxy-environment",
    "proxy of the containers",
    scope="container",
    launch=EVERY,
    meaning="Containers do not inherit the host's proxy. Where the definition sets one, NO_PROXY must name "
    "169.254.170.2, "
    "or SDKs ask the proxy for the task's credentials and metadata.",
    fine="a proxy leaves the credentials' address alone, or there is none",
    source="amazon-ecs-agent#2809; AWS: ECS developer guide, http_proxy_config (the agent's own exclusions)",
)
def proxy_environment(case: Case, node: Node) -> Iterator[Mark]:
    environment = node.at("environment")
    items = list(environment.each())
    named = {item.at("name").text(): item.at("value") for item in items}
    proxy = next((value for name, value in named.items() if name.upper() in PROXIES and value.filled), None)
    if proxy is None:
        return
    exclusions = [(name, value) for name, value in named.items() if name.upper() == "NO_PROXY"]
    if node.at("environmentFiles").filled and not exclusions:
        yield skip(proxy, "a proxy is set; whether NO_PROXY names 169.254.170.2 is in an environment file")
        return
    if not exclusions:
        text = f"a proxy without NO_PROXY: requests for credentials to {CREDENTIALS} go to the proxy"
        addition = {"name": "NO_PROXY", "value": f"{CREDENTIALS},169.254.169.254"}
        at = ("add", environment.pointer + "/-", addition)
        yield warn(environment, text, f"add NO_PROXY={CREDENTIALS},169.254.169.254", at)
    for name, value in exclusions:
        if not _excluded(value.text()):
            text = f"{name} lacks {CREDENTIALS}: requests for credentials go to the proxy"
            longer = ",".join(part for part in (value.text().strip(" ,"), CREDENTIALS) if part)
            yield warn(value, text, f"add {CREDENTIALS} to {name}", put(value, longer))


def _excluded(text: str) -> bool:
    """Whether a NO_PROXY value covers the credentials' address, by name or by network."""
    for part in re.split(r"[,\s]+", text):
        if part in ("*", CREDENTIALS):
            return True
        try:
            if "/" in part and ipaddress.ip_address(CREDENTIALS) in ipaddress.ip_network(part, strict=False):
                return True
        except ValueError:
            continue
    return False


@rule(
    "taskdef.environment",
    "environment, secrets and environment files",
    scope="container",
    launch=EVERY,
    meaning="A variable has a name; a secret's name is unique among variables and secrets, and its value is that of Secrets "
    "Manager or of the Parameter Store; a secret's ARN ends with its name, or with NAME:KEY:STAGE:VERSION; a parameter may "
    "be named without its ARN. Credentials of a registry are in Secrets Manager. Up to ten environment files are "
    "objects in S3 whose names end in .env.",
    fine="variables that ECS takes",
    source=f"{sources.API}, types EnvironmentFile and Secret; {sources.GUIDE}, specifying-sensitive-data; "
    "amazon-ecs-agent, agent/taskresource/asmsecret/asmsecret.go and agent/asm/asm.go",
)
def environment(case: Case, node: Node) -> Iterator[Mark]:
    variables, secrets = list(node.at("environment").each()), list(node.at("secrets").each())
    plain = [item.at("name").raw for item in variables]
    yield from over((*variables, *secrets), _named, quiet=True)
    yield from _repeated(variables, plain)
    hidden: set[object] = set()
    for item in secrets:
        name = item.at("name").raw
        if isinstance(name, str) and (name in plain or name in hidden):
            text = f"the secret {name} has the name of another variable of this container: ECS refuses it"
            yield fail(item.at("name"), text, "keep one of the two", remove(item))
        hidden.add(name)
    fetched = (*secrets, *node.at("logConfiguration", "secretOptions").each())
    yield from over((item.at("valueFrom") for item in fetched), _value_from, quiet=True)
    yield from over([node.at("repositoryCredentials", "credentialsParameter")], _registry, quiet=True)
    files = node.at("environmentFiles")
    if files.sure > MOST_FILES:
        yield fail(files, f"{files.sure} environment files, ECS takes {MOST_FILES}", "join them")
    yield from over(files.each(), _file, quiet=True)


def _named(item: Node) -> Iterator[Mark]:
    name = item.at("name")
    if not name.filled:
        yield fail(item, "a variable without a name", "give it a name, or take it out", remove(item))
    elif "=" in name.text():
        yield fail(name, f"{show(name.text())} is not a name of a variable: it holds =", "write name and value apart")


def _repeated(variables: list[Node], names: list[object]) -> Iterator[Mark]:
    for at, item in enumerate(variables):
        if isinstance(names[at], str) and names[at] in names[:at]:
            yield warn(item, f"the variable {names[at]} is set twice: the last one counts", "keep one", remove(item))


def _value_from(field: Node) -> Iterator[Mark]:
    text = field.text()
    if is_placeholder(text):
        return
    if not text.startswith("arn:"):
        if field.raw == "" or text.count(":") > 1:
            why = f"{show(text)} is not the name of a parameter: secrets of Secrets Manager are named by their ARN"
            yield fail(field, why, "write the ARN of the secret, or the name of a parameter")
        return
    parts = text.split(":")
    if not _SECRET.match(text):
        why = f"{show(text)} is neither of Secrets Manager nor of the Parameter Store"
        yield fail(field, why, "write the ARN of a secret or parameter")
    elif parts[2] == "ssm" and not _PARAMETER.match(text):
        why = f"{show(text)} is not the ARN of a parameter"
        yield fail(field, why, "write arn:aws:ssm:REGION:ACCOUNT:parameter/NAME")
    elif parts[2] == "secretsmanager" and len(parts) not in (_NAMED, _DETAILED):
        yield _uneven(field, text, len(parts))


def _uneven(field: Node, text: str, parts: int) -> Mark:
    """A secret's ARN with too few or too many parts: the three after the name may be empty, and none may be missing."""
    why = "the secret's ARN does not end with NAME or NAME:KEY:STAGE:VERSION"
    if _NAMED < parts < _DETAILED:
        right = text + ":" * (_DETAILED - parts)
        return fail(field, why, f"write {right}", put(field, right))
    return fail(field, why, "write secret:NAME or secret:NAME:KEY:STAGE:VERSION at its end")


def _registry(field: Node) -> Iterator[Mark]:
    text = field.text()
    if text.startswith("arn:") and not _MANAGER.match(text) and not is_placeholder(text):
        why = f"{show(text)} is not of Secrets Manager, which holds the credentials of registries"
        yield fail(field, why, "write the ARN or the name of a secret")


def _file(item: Node) -> Iterator[Mark]:
    value = item.at("value")
    text = value.text()
    if not _FILE.match(text) and not is_placeholder(text):
        yield fail(value, f"{show(text)} is not the ARN of a .env object in S3", "write arn:aws:s3:::BUCKET/PATH.env")
