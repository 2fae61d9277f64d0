"""The documented limits of services and of requests to run tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from anywhere.taskdef.rule import EVERY, FARGATE, Case, Mark, fail, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.deployment import is_described
from anywhere.taskdef.rules.names import tags
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node

MOST_TASKS = 10
_RESOLUTIONS = (20, 60)
_METRICS = ("CPUUtilization", "MemoryUtilization")
MOST_OVERRIDES = 8192  # characters, those of JSON included
_LISTS = (("containerInstances", 10, "container instances"), ("placementStrategy", 5, "placement strategies"))
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
_STARTED = re.compile(r"[A-Za-z0-9_/-]*\Z")
MOST_STARTED, MOST_OF_START = 128, 36


@rule(
    "service.limits",
    "limits of a service or request",
    scope="service",
    launch=EVERY,
    meaning="RunTask starts up to 10 tasks, StartTask names up to 10 container instances, and there are up to 5 placement "
    "strategies. A service's name has up to 255 letters, numbers, _ and -, `startedBy` up to 128. Overrides have up to 8192 "
    "characters, name containers of the definition, and size ephemeral storage on Fargate only. RunTask propagates no tags "
    "of a service. Tags follow the rules of those of definitions. A service names its task definition and, but for DAEMON, "
    "its desired count. Metrics of a service are CPUUtilization and MemoryUtilization, every 20 or 60 seconds.",
    fine="within the limits of services and requests",
    source=f"{sources.RUN_TASK}; {sources.API}, StartTask, TaskOverride and ContainerOverride; {sources.CREATE_SERVICE}",
)
def limits(case: Case, node: Node) -> Iterator[Mark]:
    yield from over((node.at("count"), node.at("desiredCount")), _number, quiet=True)
    for field, most, what in _LISTS:
        if (many := node.at(field).sure) > most:
            yield fail(node.at(field), f"{many} {what}, and ECS takes {most}", f"name {most} or fewer")
    yield from over([node.at("serviceName")], _service_name, quiet=True)
    yield from over([node.at("propagateTags")], lambda field: _propagated(case, field), quiet=True)
    yield from over([node], lambda node: _complete(case, node), quiet=True)
    if not is_described(node):
        yield from tags.judge(case, node)
    yield from over(node.at("monitoring", "metricConfigurations").each(), _metric, quiet=True)
    is_start = node.at("containerInstances").raw is not None
    yield from over([node.at("startedBy")], lambda field: _started_by(field, is_start), quiet=True)
    overrides = node.at("overrides")
    yield from _size(overrides)
    yield from over(overrides.at("containerOverrides").each(), lambda item: _container(case, item), quiet=True)
    yield from over([overrides.at("ephemeralStorage")], lambda item: _storage(case, item), quiet=True)


def _complete(case: Case, node: Node) -> Iterator[Mark]:
    """What a request to create a service needs; the command line may give it in the place of the document."""
    is_request = case.service is not None and case.service.kind == "service" and bool(case.service.fields)
    if not is_request or not case.takes("launchType") or is_described(node):
        return
    if node.at("deploymentController", "type").text() == "EXTERNAL":
        return
    if not node.at("taskDefinition").filled:
        yield warn(node, "the service names no task definition, and ECS refuses one without", "set taskDefinition")
    if not node.at("desiredCount").present and node.at("schedulingStrategy").text() != "DAEMON":
        yield warn(
            node, "the service has no desiredCount, and ECS refuses a REPLICA service without", "set desiredCount"
        )


def _number(field: Node) -> Iterator[Mark]:
    number = field.number() or 0
    name = field.pointer.rpartition("/")[2]
    if number < 0:
        yield fail(field, f"{name} is negative ({number})", "use 0 or more")
    elif name == "count" and number > MOST_TASKS:
        yield fail(
            field, f"{number} tasks, and one call of RunTask starts up to {MOST_TASKS}", "call it more than once"
        )


def _propagated(case: Case, field: Node) -> Iterator[Mark]:
    if (
        field.text() == "SERVICE"
        and case.service
        and case.service.kind == "run"
        and not case.takes("containerInstances")
    ):
        text = "RunTask refuses propagateTags SERVICE: there is no service"
        yield fail(field, text, "use TASK_DEFINITION", put(field, "TASK_DEFINITION"))


def _metric(item: Node) -> Iterator[Mark]:
    seconds = item.at("resolutionSeconds")
    if seconds.number() not in (None, *_RESOLUTIONS):
        yield fail(seconds, f"resolutionSeconds is {seconds.text()}, and is 20 or 60", "use 20 or 60", put(seconds, 60))
    for name in item.at("metricNames").each():
        if name.text() not in _METRICS and not is_placeholder(name.text()):
            yield warn(
                name, f"{show(name.text())} is not a metric that the API text names", f"use {' or '.join(_METRICS)}"
            )


def _service_name(field: Node) -> Iterator[Mark]:
    text = field.text()
    if text and not _NAME.match(text) and not is_placeholder(text):
        why = f"{show(text)} is not a name of a service: up to 255 letters, numbers, _ and -"
        yield fail(field, why, "use another name")


def _started_by(field: Node, is_start: bool) -> Iterator[Mark]:
    text = field.text()
    if len(text) > MOST_STARTED:
        yield fail(field, f"startedBy has {len(text)} characters, and ECS takes {MOST_STARTED}", "shorten it")
    elif is_start and len(text) > MOST_OF_START:
        why = (
            f"startedBy has {len(text)} characters: for StartTask the API text allows {MOST_OF_START}, for RunTask more"
        )
        yield warn(field, why, "shorten it")
    elif not _STARTED.match(text) and not is_placeholder(text):
        why = f"startedBy {show(text)} has other characters than letters, numbers, -, _ and /"
        yield warn(field, why, "use the characters that the API text allows")


def _size(overrides: Node) -> Iterator[Mark]:
    if not isinstance(overrides.raw, dict):
        return
    size = len(json.dumps(overrides.raw, separators=(",", ":"), ensure_ascii=False, default=lambda value: ""))
    if size > MOST_OVERRIDES:
        text = f"the overrides have {size:,} characters, and ECS takes {MOST_OVERRIDES:,}"
        yield fail(overrides, text, "move values to the definition, to environment files or to secrets")


def _container(case: Case, item: Node) -> Iterator[Mark]:
    name = item.at("name")
    if case.definition is None or not item.filled:
        return
    if not name.filled:
        yield fail(item, "an override without the name of its container", "name the container")
    elif name.text() not in [container.at("name").text() for container in case.containers]:
        text = f"overrides {name.text()}, which is not a container of this task"
        yield fail(name, text, "name one of its containers")


def _storage(case: Case, storage: Node) -> Iterator[Mark]:
    if storage.present and case.launch != FARGATE:
        yield fail(storage, "only Fargate sizes ephemeral storage", "take it out", remove(storage))
