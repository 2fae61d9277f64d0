"""Rules on FireLens, which routes the logs of containers through another container of the task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anywhere.taskdef.rule import EC2, EVERY, EXTERNAL, FARGATE, Case, Edit, Mark, fail, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.dependencies import named_containers, waits_for, way
from anywhere.taskdef.rules.logforms import is_flag
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node, NotKnown

DRIVER = "awsfirelens"
# Source: amazon-ecs-agent, agent/s3/s3.go, ParseS3ARN
_S3_OBJECT = re.compile(r"arn:[^:]+:s3:::[^/]+/.+")
_S3_URL = re.compile(r"s3://([^/\s]+/\S+)\Z")
_OPTIONS = ("enable-ecs-log-metadata", "config-file-type", "config-file-value")
# The option that names the output, by the type of the router, and options that need no output.
# Source: amazon-ecs-agent, agent/taskresource/firelens/firelensconfig_unix.go, addOutputSection; the last two are docker's.
_OUTPUT = {"fluentbit": "Name", "fluentd": "@type"}
_WITHOUT_OUTPUT = frozenset(
    ("include-pattern", "exclude-pattern", "log-driver-buffer-limit", "mode", "max-buffer-size")
)


@rule(
    "taskdef.firelens",
    "FireLens",
    scope="definition",
    launch=EVERY,
    meaning="A task has one log router, which is a container with `firelensConfiguration`, and a container that logs with "
    "awsfirelens: ECS refuses a router without. The router's options are "
    "enable-ecs-log-metadata, config-file-type (file or s3) and config-file-value, which is an object's ARN with s3. "
    "Fargate reads a file only. Windows containers do not support FireLens. The options of awsfirelens name the output with "
    "`Name` (fluentbit) or `@type` (fluentd), spelled so. The router's `user` is a number. In bridge mode without Service "
    "Connect the agent needs the router's address before it creates a container that logs to it.",
    fine="one log router that logs can reach, or none",
    source=f"{sources.API}, type FirelensConfiguration; {sources.FIRELENS}; "
    "amazon-ecs-agent, GetFirelensContainer, ParseS3ARN, addOutputSection, addFirelensContainerDependency and SetOwnership; "
    f"{sources.AGENT_WINDOWS}; cloudposse/terraform-aws-ecs-container-definition#47; pulumi/pulumi-awsx#552; "
    "aws-samples/amazon-ecs-firelens-examples#12",
)
def firelens(case: Case, node: Node) -> Iterator[Mark]:
    routers = [container for container in case.containers if container.at("firelensConfiguration").filled]
    for more in routers[1:]:
        text = "a second log router: a task has one"
        yield fail(more.at("firelensConfiguration"), text, "keep one", remove(more.at("firelensConfiguration")))
    yield from over(routers, lambda router: _system(case, router.at("firelensConfiguration")))
    yield from over(routers, lambda router: _router(case, router.at("firelensConfiguration", "options")))
    for router in routers[:1]:
        yield from _sent(case, router)


def _system(case: Case, router: Node) -> Iterator[Mark]:
    if case.windows:
        yield fail(router, "Windows containers do not support FireLens", "use the driver awslogs", remove(router))


def _router(case: Case, options: Node) -> Iterator[Mark]:
    for key in options.raw if isinstance(options.raw, dict) else ():
        if key not in _OPTIONS:
            yield warn(options.at(key), f"{show(key)} is not an option of FireLens", f"use {', '.join(_OPTIONS)}")
    yield from over([options.at("enable-ecs-log-metadata")], _metadata, quiet=True)
    kind, value = options.at("config-file-type"), options.at("config-file-value")
    if kind.filled and kind.text() not in ("file", "s3"):
        yield fail(kind, f"{show(kind.text())} is not a type of configuration file", "use file or s3")
    elif kind.text() == "s3" and case.launch == FARGATE:
        yield fail(kind, "Fargate reads FireLens's configuration from a file of the image only", "use file")
    if kind.filled and not value.filled:
        yield fail(options, "config-file-type without config-file-value", "name the file")
    elif kind.text() == "s3" and case.launch != FARGATE:
        yield from over([value], _object, quiet=True)


def _metadata(switch: Node) -> Iterator[Mark]:
    text = switch.text()
    if text and not is_flag(text) and not is_placeholder(text):
        why = f"{show(text)} is neither true nor false: the agent ignores it and adds no metadata"
        yield warn(switch, why, "write true or false", put(switch, "true"))


def _object(value: Node) -> Iterator[Mark]:
    text = value.text()
    if _S3_OBJECT.search(text) or is_placeholder(text):
        return
    bucket = _S3_URL.match(text)
    edits = [put(value, f"arn:aws:s3:::{bucket[1]}")] if bucket else []
    yield fail(value, f"{show(text)} is not the ARN of an object in S3", "write arn:aws:s3:::BUCKET/KEY", *edits)


def _sent(case: Case, router: Node) -> Iterator[Mark]:
    """What keeps logs from the router; nothing where it is not known which containers send theirs, or of which system."""
    try:
        senders = [one for one in case.containers if one.at("logConfiguration", "logDriver").text() == DRIVER]
        is_linux, mode = not case.windows, case.mode
    except NotKnown:
        return
    if not senders and is_linux:
        text = f"a log router, and no container logs with {DRIVER}: ECS refuses that"
        yield fail(
            router.at("firelensConfiguration"), text, f"set logDriver {DRIVER}, or take firelensConfiguration out"
        )
    yield from over(senders if is_linux else (), lambda sender: _output(case, router, sender), quiet=True)
    if is_linux and case.launch in (EXTERNAL, EC2):
        yield from over([router.at("user")], _user, quiet=True)
        if mode == "bridge":
            yield from over([router], lambda router: _order(case, router, senders), quiet=True)


def _output(case: Case, router: Node, sender: Node) -> Iterator[Mark]:
    log = sender.at("logConfiguration")
    options, wanted = log.at("options"), _OUTPUT.get(router.at("firelensConfiguration", "type").text())
    names = list(options.raw) if options.present and isinstance(options.raw, dict) else []
    names += [item.at("name").text() for item in log.at("secretOptions").each()]
    given = [name for name in names if name not in _WITHOUT_OUTPUT]
    if wanted is None or wanted in given or not given or not options.known:
        return
    near = next((name for name in given if name.lower() == wanted.lower() and options.at(name).known), "")
    edits: list[Edit] = [remove(options.at(near)), put(options.at(wanted), options.at(near).raw)] if near else []
    is_agent = case.launch in (EXTERNAL, EC2)  # of Fargate's own it is not established
    effect = ": the agent does not start the router" if is_agent else ""
    text = f"the options of {DRIVER} lack {wanted}, which names the output{effect}"
    say = fail if is_agent else warn
    yield say(options, text, f"write {wanted} in place of {near}" if near else f"add {wanted}", *edits)


def _user(user: Node) -> Iterator[Mark]:
    name = user.text().partition(":")[0]
    if name and not name.isdecimal() and not is_placeholder(name):
        text = f"the log router's user is {show(name)}: agents from 1.96.0 take a number, and do not start the router"
        yield warn(user, text, "write the number of the user, for example 0 for root")


def _order(case: Case, router: Node, senders: Sequence[Node]) -> Iterator[Mark]:
    """Containers that the agent creates before the router has an address. It orders them itself where the router waits for
    no container."""
    named = named_containers(case)
    waits = {name: waits_for(container, name, named) for name, container in named.items()}
    own = router.at("name").text()
    # On EC2 a service may use Service Connect, with which each container has its address before it is created.
    say, mode = (
        (fail, "in bridge mode") if case.launch == EXTERNAL else (warn, "in bridge mode without Service Connect")
    )
    for sender in senders:
        name, driver = sender.at("name").text(), sender.at("logConfiguration", "logDriver")
        if name == own:
            text = f"{mode} a log router cannot log to itself: the agent needs its address first"
            yield say(driver, text, "use json-file or awslogs for the router")
        elif own not in waits or name not in waits or way(name, own, waits):
            continue
        elif way(own, name, waits):
            text = f"{mode} {name} needs the log router's address, and the router waits for {name}: neither starts"
            yield say(driver, text, "take the router's dependency out, or use network mode host")
        elif waits[own]:
            links = sender.at("dependsOn")
            entry = {"containerName": own, "condition": "START"}
            edit = ("add", links.pointer + "/-", entry) if isinstance(links.raw, list) else put(links, [entry])
            text = f"{name} may be created before the log router, which waits for {waits[own][0][0]}, has an address"
            yield warn(driver, text, f"add a dependency of {name} on {own} with the condition START", edit)
