"""Proxies and devices that mind what a request says: its User-Agent, method, or a header. Other programs pass."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.proxy.site import behind_proxy
from tests.region.faults.tls.inspection import inspected_trusted
from tests.region.world import World

INSPECTED = "tls.intercepted-trusted"
CODE = "proxy.denies-client"


@fault("proxy-lets-browsers-alone", "the proxy lets only browsers and curl pass", CODE)
def proxy_lets_browsers_alone(world: World) -> None:
    behind_proxy(world, lets=["Mozilla/*", "curl/*"])


@fault("target-refused", "a device refuses requests with the header X-Amz-Target", CODE, INSPECTED)
def target_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", refuses=("X-Amz-Target:*",))


@fault("content-type-refused", "a device refuses bodies of the type that the agents send", CODE, INSPECTED)
def content_type_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", refuses=("Content-Type: application/x-amz-json-1.1",))


@fault("chunked-refused", "a device refuses requests whose body comes in chunks", CODE, INSPECTED)
def chunked_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", refuses=("Transfer-Encoding: chunked",))


@fault("token-refused", "a device refuses requests that carry a session token", CODE, INSPECTED)
def token_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", refuses=("X-Amz-Security-Token:*",))


@fault("ssm-agent-refused", "a device refuses the SSM agent's User-Agent alone", CODE, INSPECTED)
def ssm_agent_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", refuses=("aws-sdk-go/*",))


@fault("docker-refused", "a device refuses docker's User-Agent alone", CODE, INSPECTED, arguments=("--with", "ecr"))
def docker_refused(world: World) -> None:
    inspected_trusted(world)
    world.behave("*", refuses=("docker/*",))


@variation("curl-refused", "a proxy refuses curl, wget and Python, which no agent is",
           arguments=("--phase", "register", "--phase", "run"))  # fmt: skip
def curl_refused(world: World) -> None:
    behind_proxy(world, refuses=["curl/*", "Wget/*", "python-*", "Python-*", "ecs-anywhere-*"])
