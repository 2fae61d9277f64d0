"""Rules on environment variables: keys that override roles, and proxies that swallow the credentials' address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from anywhere.taskdef.rule import Case, Mark, over, put, remove, rule, skip, warn
from anywhere.taskdef.source.node import Node

KEYS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
CREDENTIALS = "169.254.170.2"
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")


@rule(
    "taskdef.aws-keys",
    "static AWS keys",
    scope="container",
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
        text = f"the value of {name} holds an AWS access key id"
        yield warn(item, text, "use a task role, or a secret", remove(item))


@rule(
    "taskdef.proxy-environment",
    "proxy of the containers",
    scope="container",
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
