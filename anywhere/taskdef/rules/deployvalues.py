"""Documented values of a deployment configuration, and what belongs together in it."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.rule import Mark, fail, over, put, remove, warn
from anywhere.taskdef.source.node import Node, NotKnown

# Least and most. Source: API reference, types LinearConfiguration and CanaryConfiguration.
_RANGES = {
    ("linearConfiguration", "stepPercent"): (3, 100),
    ("linearConfiguration", "stepBakeTimeInMinutes"): (0, 1440),
    ("canaryConfiguration", "canaryPercent"): (0.1, 100),
    ("canaryConfiguration", "canaryBakeTimeInMinutes"): (0, 1440),
}
_NOT_PAUSED = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")


def values(settings: Node) -> Iterator[Mark]:
    """What a deployment configuration says beside the documented values."""
    yield from over((settings.at(*keys) for keys in _RANGES), _within, quiet=True)
    yield from over([settings], _early, quiet=True)
    yield from over(settings.at("lifecycleHooks").each(), _hook, quiet=True)


def _within(field: Node) -> Iterator[Mark]:
    kind, name = field.pointer.split("/")[-2:]
    least, most = _RANGES[kind, name]
    number = _amount(field)
    if number is not None and not least <= number <= most:
        near = least if number < least else most
        text = f"{name} is {field.text()}, and is {least} to {most}"
        yield fail(field, text, f"use {near}", put(field, near))


def _amount(field: Node) -> float | None:
    text = field.text()
    try:
        return float(text) if text else None
    except ValueError:
        raise NotKnown(field, "") from None


def _early(settings: Node) -> Iterator[Mark]:
    """Early success criteria. Source: API reference, type DeploymentEarlySuccessCriteria."""
    criteria, least = settings.at("earlySuccessCriteria"), settings.at("minimumHealthyPercent")
    if not criteria.at("enable").flag():
        return
    strategy = settings.at("strategy").text()
    if strategy not in ("", "ROLLING"):
        text = f"early success criteria are for the strategy ROLLING, not for {strategy}"
        yield warn(criteria, text, "take them out, or use ROLLING", remove(criteria))
    percent = criteria.at("healthyPercent")
    missing = [name for name in ("healthyPercent", "sourceServiceRevisionCleanup") if not criteria.at(name).present]
    if missing:
        yield fail(criteria, f"early success criteria need {' and '.join(missing)}", f"set {' and '.join(missing)}")
    healthy, minimum = percent.number(), least.number()
    if healthy is not None and minimum is not None and healthy < minimum:
        text = f"healthyPercent is {healthy}, below minimumHealthyPercent ({minimum})"
        yield fail(percent, text, f"use {minimum} or more", put(percent, minimum))


def _hook(hook: Node) -> Iterator[Mark]:
    """One lifecycle hook. Source: API reference, type DeploymentLifecycleHook."""
    stages = hook.at("lifecycleStages")
    if not stages.filled:
        yield fail(hook, "a lifecycle hook without lifecycleStages", "name the stages")
    if hook.at("targetType").text() != "PAUSE":
        if not hook.at("hookTargetArn").filled:
            yield fail(hook, "a lifecycle hook without hookTargetArn", "name the Lambda function, or use PAUSE")
        return
    for stage in stages.each():
        if stage.text() in _NOT_PAUSED:
            yield fail(stage, f"a PAUSE hook at {stage.text()}, where ECS takes none", "use another stage")
