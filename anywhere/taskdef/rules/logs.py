"""Rules on container logs."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.rule import EVERY, EXTERNAL, FARGATE, MANAGED, Case, Mark, fail, put, rule, skip, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import named

API_DRIVERS = ("json-file", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "awsfirelens")
FARGATE_DRIVERS = ("awslogs", "splunk", "awsfirelens")
MANAGED_DRIVERS = (*FARGATE_DRIVERS, "json-file")
# Enabled without a setting: by ecs-init, and on Windows by the installer. The agent adds awsfirelens itself on Linux.
DEFAULT_LINUX = ("json-file", "syslog", "awslogs", "fluentd", "none", "awsfirelens")
DEFAULT_WINDOWS = ("json-file", "awslogs")
REMOTE_DRIVERS = ("awslogs", "fluentd", "gelf", "splunk", "awsfirelens", "syslog")


@rule(
    "taskdef.log-driver",
    "log driver",
    scope="container",
    launch=EVERY,
    meaning="Fargate has awslogs, splunk and awsfirelens, managed instances json-file too. "
    "On external instances ecs-init enables json-file, syslog, "
    "awslogs, fluentd and none, the Windows installer json-file and awslogs; others must be listed in "
    "ECS_AVAILABLE_LOGGING_DRIVERS on the host, or the task is never placed. Windows has no awsfirelens.",
    fine="the log driver is there",
    source=f"{sources.AGENT_INIT}; {sources.API}, type LogConfiguration; {sources.AGENT_WINDOWS}",
)
def log_driver(case: Case, node: Node) -> Iterator[Mark]:
    driver = node.at("logConfiguration", "logDriver")
    name = driver.text()
    if not node.at("logConfiguration").filled:
        return
    if name not in (*API_DRIVERS, "none"):
        yield fail(driver, f"{named(name)} is no log driver of ECS", f"use one of {', '.join(API_DRIVERS)}")
    elif name == "none":
        why = "the API's list has no driver none, although the agent would take it"
        yield warn(driver, why, "leave the log configuration out, or use json-file", put(driver, "json-file"))
    elif case.launch == FARGATE and name not in FARGATE_DRIVERS:
        yield fail(driver, f"Fargate has no {name} driver", f"use one of {', '.join(FARGATE_DRIVERS)}")
    elif case.launch == MANAGED and name not in MANAGED_DRIVERS:
        yield fail(driver, f"managed instances have no {name} driver", f"use one of {', '.join(MANAGED_DRIVERS)}")
    elif name == "awsfirelens" and case.windows:
        yield fail(driver, "Windows containers do not support FireLens", "use awslogs")
        return
    elif case.launch == EXTERNAL and name not in (DEFAULT_WINDOWS if case.windows else DEFAULT_LINUX):
        why = f"{name} is not enabled on external instances unless the host says so: the task may never be placed"
        yield warn(driver, why, f'add "{name}" to ECS_AVAILABLE_LOGGING_DRIVERS on the hosts')
    yield from _options(case, node.at("logConfiguration"), name)


def _options(case: Case, log: Node, name: str) -> Iterator[Mark]:
    options = log.at("options")
    if name == "awslogs":
        required = ["awslogs-group", "awslogs-region"]
        if case.launch == FARGATE:
            required.append("awslogs-stream-prefix")
        for option in required:
            if not options.at(option).filled:
                yield fail(options, f"awslogs needs the option {option}", f"set {option}")
    routers = [container for container in case.containers if container.at("firelensConfiguration").present]
    if name == "awsfirelens" and not routers:
        why = "awsfirelens needs a log router: a container with firelensConfiguration"
        yield fail(log.at("logDriver"), why, "add the router container, or use another driver")


@rule(
    "taskdef.log-blocking",
    "logs that block the container",
    scope="container",
    launch=(EXTERNAL,),
    meaning="With mode blocking a container stops at its next line of output once the link to the log service is down, "
    "and may not start again until it is back. Without a mode the account setting defaultLogDriverMode decides; "
    "since 2025-06-25 that is non-blocking unless set otherwise. Non-blocking may lose lines.",
    fine="a lost link does not stop the container",
    source=f"{sources.API}, type LogConfiguration, option mode; aws-samples/ecs-external-instance-network-sentry#1",
)
def log_blocking(case: Case, node: Node) -> Iterator[Mark]:
    log = node.at("logConfiguration")
    mode, size = log.at("options", "mode"), log.at("options", "max-buffer-size")
    if not log.filled or log.at("logDriver").text() not in REMOTE_DRIVERS:
        return
    text = mode.text()
    fix = put(mode, "non-blocking")
    if text == "blocking":
        more = [] if size.present else [put(size, "25m")]
        why = "blocking: when the link is down, the container stops at its next line of output"
        yield warn(mode, why, "use non-blocking and a buffer; lines may then be lost", fix, *more)
    elif text == "":
        yield skip(mode, "no mode: the account setting defaultLogDriverMode decides (non-blocking since 2025-06-25)")
    elif text != "non-blocking":
        yield fail(mode, f"{text} is no mode of a log driver", "use non-blocking or blocking", fix)
