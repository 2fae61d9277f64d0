"""Rules on the deployments of a service: how many tasks an update may stop and add, zones, what counts during one."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from anywhere.taskdef.rule import EVERY, EXTERNAL, FARGATE, Case, Mark, fail, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.deployvalues import values
from anywhere.taskdef.source.node import Node, NotKnown

LEAST_DEFAULT, MOST_DEFAULT = 100, 200
"""Of a service with the scheduling strategy REPLICA that says nothing. Source: API reference, DeploymentConfiguration."""
_SHIFTS = {"linearConfiguration": "LINEAR", "canaryConfiguration": "CANARY"}


@rule(
    "service.deployment",
    "deployments",
    scope="service",
    launch=EVERY,
    meaning="`minimumHealthyPercent` is at most 100, `maximumPercent` at least 100, and not both are 100. A rolling update "
    "must be able to stop or to add a task: ECS rounds the lower limit up and the upper one down. Rebalancing across zones "
    "needs zones, which external instances do not have, and a maximumPercent above 100. The circuit breaker, alarms and "
    "strategies are for the controller ECS. Steps, bake times, early success criteria and lifecycle hooks have the "
    "documented values. LINEAR and CANARY shift the traffic of a load balancer or of Service Connect; BLUE_GREEN runs without "
    "one too.",
    fine="an update can replace the tasks",
    source=f"{sources.API}, type DeploymentConfiguration and those below it; {sources.SEEN}, "
    "pf-ecs-service-deployment-percent and pf-ecs-svc-min-healthy-over-max-percent; flowcommerce/delta#95; aws/aws-cdk#32259; "
    f"{sources.GUIDE}, service-rebalancing, deploy-linear-service, deploy-canary-service, blue-green-deployment-implementation",
)
def deployment(case: Case, node: Node) -> Iterator[Mark]:
    settings = node.at("deploymentConfiguration")
    yield from over([settings], _bounds)
    yield from over([node], lambda service: _standstill(case, service), quiet=True)
    yield from over([node], lambda service: _rebalancing(case, service), quiet=True)
    yield from over([node], _breaker, quiet=True)
    yield from over([settings], _shift, quiet=True)
    yield from values(settings)
    if not is_described(node):
        yield from over([node], lambda service: _traffic(case, service), quiet=True)


def is_described(node: Node) -> bool:
    """Whether ECS has printed this service: it is there, and shows what a request must not say."""
    return any(node.at(name).raw is not None for name in ("serviceArn", "deployments", "runningCount"))


def is_rolling(node: Node) -> bool:
    """Whether updates of this service replace its tasks step by step. Raises NotKnown."""
    controller, strategy = node.at("deploymentController", "type"), node.at("deploymentConfiguration", "strategy")
    return controller.text() in ("", "ECS") and strategy.text() in ("", "ROLLING")


def stops_none(percent: int, wanted: int) -> bool:
    """Whether a rolling update may stop none of so many tasks."""
    return ceil(wanted * percent / 100) >= wanted


def _bounds(settings: Node) -> Iterator[Mark]:
    least, most = settings.at("minimumHealthyPercent"), settings.at("maximumPercent")
    low, high = least.number(), most.number()
    if low is not None and not 0 <= low <= 100:
        near = 0 if low < 0 else 100
        yield fail(least, f"minimumHealthyPercent is {low}, and is 0 to 100", f"use {near}", put(least, near))
    if high is not None and high < 100:
        yield fail(most, f"maximumPercent is {high}, and is at least 100", "use 100 or more", put(most, 100))


def _standstill(case: Case, node: Node) -> Iterator[Mark]:
    """A rolling update that may neither stop a task nor add one."""
    settings = node.at("deploymentConfiguration")
    if node.at("schedulingStrategy").text() == "DAEMON" or not is_rolling(node):
        return
    has_defaults = case.takes("launchType")  # an update keeps what the service has
    low = settings.at("minimumHealthyPercent").number()
    high = settings.at("maximumPercent").number()
    if low is None or high is None:
        if not has_defaults:
            return
        low, high = LEAST_DEFAULT if low is None else low, MOST_DEFAULT if high is None else high
    wanted = node.at("desiredCount").number() or 0
    if low == 100 and high == 100:
        text = "minimumHealthyPercent and maximumPercent are both 100: ECS refuses that, as no update could start"
        yield fail(settings, text, _advice(wanted or 1))
    elif wanted > 0 and low <= 100 <= high and stops_none(low, wanted) and wanted * high // 100 <= wanted:
        tasks = "1 task" if wanted == 1 else f"{wanted} tasks"
        text = f"an update never ends: of {tasks} it may stop none (minimum {low} %) and add none (maximum {high} %)"
        yield warn(settings, text, _advice(wanted))


def _advice(wanted: int) -> str:
    return (
        f"set minimumHealthyPercent to {that_stops(wanted)} (a task stops first), or maximumPercent to 200 (needs room)"
    )


def that_stops(wanted: int) -> str:
    """The values of minimumHealthyPercent with which an update may stop one of so many tasks."""
    most = (wanted - 1) * 100 // wanted
    return f"{most} or less" if most else "0"


def _rebalancing(case: Case, node: Node) -> Iterator[Mark]:
    switch = node.at("availabilityZoneRebalancing")
    if switch.text() != "ENABLED" or is_described(node):
        return
    most = node.at("deploymentConfiguration", "maximumPercent").number()
    off = put(switch, "DISABLED")
    if case.launch == EXTERNAL:
        text = "external instances have no Availability Zones to rebalance"
        yield fail(switch, text, "use DISABLED", off)
    elif node.at("schedulingStrategy").text() == "DAEMON":
        yield fail(switch, "Availability Zone rebalancing does not support DAEMON services", "use DISABLED", off)
    elif most is not None and most <= 100:
        text = f"Availability Zone rebalancing starts a task before it stops one, and maximumPercent is {most}"
        yield fail(switch, text, "use DISABLED, or raise maximumPercent", off)
    elif any(item.at("loadBalancerName").filled for item in node.at("loadBalancers").each()):
        text = "Availability Zone rebalancing does not support Classic Load Balancers"
        yield warn(switch, text, "use DISABLED, or a target group", off)


def _breaker(node: Node) -> Iterator[Mark]:
    controller = node.at("deploymentController", "type").text()
    settings = node.at("deploymentConfiguration")
    if controller not in ("CODE_DEPLOY", "EXTERNAL"):
        return
    strategy = settings.at("strategy")
    if strategy.text() in (*_SHIFTS.values(), "BLUE_GREEN"):
        text = f"the strategy {strategy.text()} is for the deployment controller ECS, not for {controller}"
        yield warn(strategy, text, "take it out, or use the controller ECS", remove(strategy))
    for name, what in (("deploymentCircuitBreaker", "the circuit breaker is"), ("alarms", "alarms are")):
        if settings.at(name).at("enable").flag():
            text = f"{what} for the deployment controller ECS, not for {controller}"
            advice = f"take {name} out, or use the controller ECS"
            yield warn(settings.at(name), text, advice, remove(settings.at(name)))


def _shift(settings: Node) -> Iterator[Mark]:
    strategy = settings.at("strategy").text()
    for name, wanted in _SHIFTS.items():
        if settings.at(name).filled and strategy != wanted:
            text = f"{name} is valid with the strategy {wanted} only, not with {strategy or 'ROLLING (unset)'}"
            yield warn(settings.at(name), text, f"use the strategy {wanted}, or take it out")


def _traffic(case: Case, node: Node) -> Iterator[Mark]:
    """Strategies that shift traffic step by step, without what ECS could shift."""
    field = node.at("deploymentConfiguration", "strategy")
    strategy = field.text()
    if strategy not in _SHIFTS.values():
        return
    needs = f"{strategy} needs an Application or Network Load Balancer or Service Connect"
    advice = "use ROLLING, or BLUE_GREEN, which also runs without"
    if case.launch == EXTERNAL:
        yield fail(field, f"{needs}, and external instances have neither", advice)
    elif case.takes("launchType") and not _has_traffic(node):
        yield fail(field, f"{needs}, and the service has neither", advice)


def _has_traffic(node: Node) -> bool:
    connect = node.at("serviceConnectConfiguration", "enabled")
    return node.at("loadBalancers").filled or node.at("vpcLatticeConfigurations").filled or connect.flag()


@rule(
    "service.grace-period",
    "health check grace period",
    scope="service",
    launch=EVERY,
    meaning="`healthCheckGracePeriodSeconds` counts for health checks of a load balancer, of VPC Lattice and of containers. "
    "ECS has refused it for services without a load balancer; the present API text says that it is unused there.",
    fine="a grace period where there is a health check, or none",
    source=f"{sources.CREATE_SERVICE}, field healthCheckGracePeriodSeconds; hashicorp/terraform-provider-aws#31104; "
    "cfn-lint#3612",
)
def grace_period(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("healthCheckGracePeriodSeconds")
    seconds = field.number() or 0
    if seconds < 0:
        yield fail(field, f"the grace period is negative ({seconds} s)", "use 0 or more", put(field, 0))
    if seconds <= 0 or not case.takes("launchType"):
        return
    if node.at("loadBalancers").filled or node.at("vpcLatticeConfigurations").filled or case.definition is None:
        return
    try:
        has_check = any(container.at("healthCheck").filled for container in case.containers)
    except NotKnown:
        return
    if not has_check:
        text = "the grace period has no effect: there is no load balancer and no container with a health check"
        yield warn(field, text, "take it out, or give a container a healthCheck", remove(field))


@rule(
    "service.role",
    "role for load balancers",
    scope="service",
    launch=EVERY,
    meaning="`role` is for services with a load balancer whose tasks do not use awsvpc; others use the service-linked role, "
    "and so do services with several target groups or a registry.",
    fine="no role, or one for a load balancer",
    source=f"{sources.CREATE_SERVICE}, field role; {sources.SEEN}, pf-ecs-svc-role-with-awsvpc and "
    "pf-ecs-svc-role-without-load-balancers; hashicorp/terraform-provider-aws#4657; "
    "aws/containers-roadmap#461",
)
def role(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("role")
    if not field.filled:
        return
    advice = "take it out: ECS uses its service-linked role"
    if case.launch == EXTERNAL:
        yield fail(field, "external instances have no load balancers, so ECS takes no role", advice, remove(field))
    elif not node.at("loadBalancers").filled:
        yield fail(field, "a role is valid for services with a load balancer only", advice, remove(field))
    elif case.launch == FARGATE or (case.definition is not None and case.mode == "awsvpc"):
        yield fail(field, "with awsvpc ECS uses its service-linked role, and refuses another", advice, remove(field))
    elif node.at("loadBalancers").sure > 1 or node.at("serviceRegistries").filled:
        text = "with several target groups or a registry ECS uses its service-linked role, and refuses another"
        yield fail(field, text, advice, remove(field))
