"""Rules on placement constraints: how many, their expressions, and attributes that some hosts never have."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.query import Comparison, Query, QueryError, comparisons, evaluate, parse
from anywhere.taskdef.rule import EC2, EVERY, EXTERNAL, FARGATE, Case, Mark, fail, over, remove, rule, skip, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder
from anywhere.taskdef.source.node import Node

MOST = 10
EC2_ATTRIBUTES = ("ecs.ami-id", "ecs.instance-type", "ecs.availability-zone", "ecs.vpc-id", "ecs.subnet-id")
EXTERNAL_ATTRIBUTE = "attribute:ecs.capability.external"


@rule(
    "taskdef.placement-constraint",
    "placement constraints",
    scope="definition",
    launch=EVERY,
    meaning="A definition and its request together may carry ten constraints, each an expression of the cluster query "
    "language; Fargate takes none. External instances have custom attributes and `ecs.capability.external`, which no EC2 "
    "instance has, but none of those that come from EC2's identity document.",
    fine="nothing that keeps it from being placed",
    source=f"{sources.EXTERNAL_PAGE}, considerations; {sources.REGISTER}, field placementConstraints; {sources.QUERY}",
)
def placement_constraint(case: Case, node: Node) -> Iterator[Mark]:
    constraints = node.at("placementConstraints")
    many = constraints.sure
    if case.launch == FARGATE and isinstance(constraints.raw, list) and constraints.filled:
        yield fail(constraints, "Fargate takes no placement constraints", "take them out", remove(constraints))
        return
    if many > MOST:
        yield fail(constraints, f"{many} constraints, and ECS takes ten", "leave ten")
    yield from over(constraints.each(), lambda item: _constraint(case, item))


@rule(
    "service.placement-constraint",
    "placement constraints of a service or request",
    scope="service",
    launch=EVERY,
    meaning="The same as for definitions: at most ten, expressions of the cluster query language, none on Fargate. "
    "`distinctInstance` takes no expression.",
    fine="nothing that keeps it from being placed",
    source=f"{sources.CREATE_SERVICE}, field placementConstraints; {sources.QUERY}",
)
def service_constraint(case: Case, node: Node) -> Iterator[Mark]:
    yield from placement_constraint.judge(case, node)


STRATEGIES = ("placementStrategy", "placementStrategies", "orderedPlacementStrategy")
"""The field in the API, in CloudFormation and in Terraform."""
_INSTANCE = ("instanceid", "host")


@rule(
    "service.placement-strategy",
    "placement strategies",
    scope="service",
    launch=EVERY,
    meaning="`binpack` is by cpu or memory, `spread` by instanceId, host or an attribute, `random` by nothing. Fargate and the "
    "scheduling strategy DAEMON take no placement strategy.",
    fine="placement strategies that ECS takes, or none",
    source=f"{sources.API}, type PlacementStrategy; {sources.SEEN}, pf-ecs-service-fargate-placement, "
    "pf-ecs-svc-binpack-field, pf-ecs-svc-random-with-field and pf-ecs-svc-daemon-with-placement-strategies; "
    "kayac/ecspresso#402",
)
def placement_strategy(case: Case, node: Node) -> Iterator[Mark]:
    strategies = next((field for key in STRATEGIES if (field := node.at(key)).raw), node.at(STRATEGIES[0]))
    if not strategies.filled:
        return
    if case.launch == FARGATE:
        yield fail(strategies, "Fargate takes no placement strategies", "take them out", remove(strategies))
    elif node.at("schedulingStrategy").text() == "DAEMON":
        text = "DAEMON takes no placement strategies: one task goes to every instance"
        yield fail(strategies, text, "take them out", remove(strategies))
    else:
        yield from over(strategies.each(), _strategy, quiet=True)


def _strategy(item: Node) -> Iterator[Mark]:
    kind, field = item.at("type").text().lower(), item.at("field")
    name = field.text()
    if is_placeholder(name):
        return
    if kind == "random" and name:
        yield fail(field, "random takes no field", "take it out", remove(field))
    elif kind == "binpack" and name.lower() not in ("cpu", "memory"):
        yield fail(field, f"binpack is by cpu or memory, not by {name or 'nothing'}", "use cpu or memory")
    elif kind == "spread" and name.lower() not in _INSTANCE and not name.startswith("attribute:"):
        text = f"spread is by instanceId, host or attribute:NAME, not by {name or 'nothing'}"
        yield warn(field, text, "use instanceId or attribute:NAME")


def _constraint(case: Case, item: Node) -> Iterator[Mark]:
    kind, expression = item.at("type").text(), item.at("expression")
    if kind == "distinctInstance":
        if expression.filled:
            text = "distinctInstance takes no expression: ECS refuses one"
            yield fail(expression, text, "take it out, or use memberOf", remove(expression))
        return
    text = expression.text()
    if not text:
        yield fail(item, "memberOf without an expression", "add the expression")
    elif not is_placeholder(text):
        try:
            query = parse(text)
        except QueryError as error:
            yield fail(expression, f"the expression {error}", "write it as attribute:NAME == VALUE")
            return
        yield from _never(case, expression, query)


def _never(case: Case, expression: Node, query: Query | Comparison) -> Iterator[Mark]:
    """What no host of the launch type has."""
    named = {test.subject for test in comparisons(query)}
    has_external = {EC2: False, EXTERNAL: True}.get(case.launch)

    def decide(test: Comparison) -> bool | None:
        if test.subject != EXTERNAL_ATTRIBUTE or has_external is None or "exists" not in test.operator:
            return None
        return has_external is (test.operator == "exists")

    if evaluate(query, decide) is False:
        which = "EC2 instances do not have" if case.launch == EC2 else "every external instance has"
        text = f"{which} the attribute ecs.capability.external: the task is never placed"
        yield fail(expression, text, "take the constraint out, or use another launch type")
    for name in EC2_ATTRIBUTES if case.launch == EXTERNAL else ():
        if f"attribute:{name}" in named:
            advice = "use a custom attribute (ECS_INSTANCE_ATTRIBUTES), ecs.cpu-architecture or ecs.os-type"
            yield warn(expression, f"external instances report no {name} of their own: no host may fit", advice)
    if "ec2InstanceId" in named and case.launch == EXTERNAL:
        yield skip(expression, "on external instances ec2InstanceId is the managed id (mi-...)")
