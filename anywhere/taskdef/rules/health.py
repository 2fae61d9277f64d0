"""Rules on health checks and on restarts of single containers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.taskdef.rule import EVERY, FARGATE, Case, Mark, fail, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.node import Node

# Field: least, most. Source: API reference, types HealthCheck and ContainerRestartPolicy.
HEALTH = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}
PERIOD = (60, 1800)
MOST_CODES = 50
KINDS = ("CMD", "CMD-SHELL")
_CONSOLE = re.compile(r"(?is)\s*CMD(?:-SHELL)?\s*(?:,.*)?")


def _within(field: Node, least: int, most: int, unit: str) -> Iterator[Mark]:
    number = field.number()
    if number is not None and not least <= number <= most:
        name, near = field.pointer.rpartition("/")[2], least if number < least else most
        text = f"{name} is {number}{unit}, ECS takes {least} to {most}"
        yield fail(field, text, f"use {near}", put(field, near))


@rule(
    "taskdef.health-check",
    "health check",
    scope="container",
    launch=EVERY,
    meaning="The command starts with CMD or CMD-SHELL; interval is 5 to 300 s, timeout 2 to 60 s, retries 1 to 10, start "
    "period 0 to 300 s.",
    fine="a health check that ECS takes, or none",
    source=f"{sources.API}, type HealthCheck",
)
def health_check(case: Case, node: Node) -> Iterator[Mark]:
    check = node.at("healthCheck")
    if not check.filled:
        return
    yield from over([check.at("command")], _command)
    yield from over(map(check.at, HEALTH), _number)


def _number(field: Node) -> Iterator[Mark]:
    name = field.pointer.rpartition("/")[2]
    return _within(field, *HEALTH[name], "" if name == "retries" else " s")


def _command(command: Node) -> Iterator[Mark]:
    words = list(command.each())
    if isinstance(command.raw, list) and not words:
        yield fail(command, "the health check has an empty command", "start it with CMD or CMD-SHELL")
        return
    if not words:
        return
    first = words[0].text()
    if first == "NONE":
        text = "NONE turns an image's own check off in docker; AWS documents CMD and CMD-SHELL only"
        yield warn(words[0], text, "leave the health check out: ECS ignores the image's own")
    elif _CONSOLE.fullmatch(first) and first not in KINDS and not _is_windows_shell(words):
        yield _as_the_console_shows_it(words[0], len(words) == 1)
    elif first not in KINDS:
        text = "the command of a health check starts with CMD or CMD-SHELL"
        advice = "put CMD-SHELL in front" if len(words) == 1 else "put CMD in front"
        kind = "CMD-SHELL" if len(words) == 1 else "CMD"
        yield fail(words[0], text, advice, ("add", command.pointer + "/0", kind))
    elif len(words) == 1:
        yield fail(command, f"{first} without a command to run", "add the command")
    elif first == "CMD-SHELL" and len(words) > 2:
        text = "the shell runs only the word after CMD-SHELL; the others become its arguments $0, $1"
        yield warn(command, text, "write the complete command as one word, or use CMD")


def _is_windows_shell(words: list[Node]) -> bool:
    """Whether `cmd` is the program, as in `cmd /c exit 0`."""
    return len(words) > 1 and words[1].text().startswith("/") and words[0].text().lower() == "cmd"


def _as_the_console_shows_it(word: Node, is_alone: bool) -> Mark:
    """The console's `CMD-SHELL, curl ...` stands for two words (type HealthCheck), in capital letters."""
    kind, _, rest = word.text().partition(",")
    text = "the command of a health check starts with the word CMD or CMD-SHELL, alone and in capital letters"
    if not rest.strip():
        return fail(word, text, f"write {kind.strip().upper()}", put(word, kind.strip().upper()))
    is_plain = is_alone and kind.strip().upper() == "CMD-SHELL"
    edits = (put(word, rest.strip()), ("add", word.pointer, "CMD-SHELL")) if is_plain else ()
    advice = (
        "write the command as a word of its own" if is_plain else "write each word of the command as one of its own"
    )
    return fail(word, text, advice, *edits)


@rule(
    "taskdef.restart-policy",
    "restarts of a container",
    scope="container",
    launch=EVERY,
    meaning="`restartAttemptPeriod` is 60 to 1800 seconds, and at most 50 exit codes are ignored. Windows containers on "
    "Fargate have none.",
    fine="a restart policy that ECS takes, or none",
    source=f"{sources.API}, type ContainerRestartPolicy; {sources.GUIDE}, container-restart-policy",
)
def restart_policy(case: Case, node: Node) -> Iterator[Mark]:
    policy = node.at("restartPolicy")
    if not policy.filled:
        return
    if case.launch == FARGATE and policy.at("enabled").flag() and case.windows:
        text = "Windows containers on Fargate have no restart policy"
        yield fail(policy, text, "take it out", remove(policy))
    yield from over([policy.at("restartAttemptPeriod")], lambda field: _within(field, *PERIOD, " s"))
    codes = policy.at("ignoredExitCodes")
    if codes.sure > MOST_CODES:
        text = f"{codes.sure} exit codes to ignore, ECS takes {MOST_CODES}"
        yield fail(codes, text, f"name {MOST_CODES} or fewer", remove(codes))
