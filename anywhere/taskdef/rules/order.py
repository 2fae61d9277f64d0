"""The order in which a template makes its resources: what a service needs to be there when it is created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anywhere.taskdef.rule import EC2, FARGATE, MANAGED, Case, Mark, over, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.cloudformation import named_resources
from anywhere.taskdef.source.node import Node, Unknown

_LISTENERS = ("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule")
_DEPTH = 50


@rule(
    "service.order",
    "order of a service and its load balancer",
    scope="service",
    launch=(EC2, FARGATE, MANAGED),
    meaning="ECS refuses a service whose target group has no load balancer yet. A template that makes both names the listener, "
    "or its rule, in `DependsOn` of the service.",
    fine="the listener is made before the service, or elsewhere",
    source="aws/aws-cdk#1160; aws-samples/ecs-refarch-cloudformation#5; eddmann/serverless-fargate#23; "
    f"{sources.CREATE_SERVICE}, field loadBalancers",
)
def order(case: Case, node: Node) -> Iterator[Mark]:
    resources = case.service.resources if case.service else {}
    if not resources or case.service is None:
        return
    before = _before(case.service.name, resources)
    yield from over(node.at("loadBalancers").each(), lambda item: _made(item, resources, before), quiet=True)


def _made(item: Node, resources: Mapping[str, Any], before: set[str]) -> Iterator[Mark]:
    raw = item.at("targetGroupArn").raw
    group = raw.ref if isinstance(raw, Unknown) else ""
    if not isinstance(resources.get(group), dict):
        return
    listeners = [name for name, one in resources.items() if _is_listener(one) and group in named_resources(one)]
    if listeners and before.isdisjoint(listeners):
        text = f"the service may be made before {listeners[0]}: ECS refuses a target group without a load balancer"
        yield warn(item, text, f"add DependsOn: {listeners[0]} to the service")


def _is_listener(resource: object) -> bool:
    return isinstance(resource, dict) and resource.get("Type") in _LISTENERS


def _before(name: str, resources: Mapping[str, Any]) -> set[str]:
    """All resources that are made before this one."""
    found: set[str] = set()
    left = {name}
    for _ in range(_DEPTH):
        left = {other for one in left for other in named_resources(resources.get(one)) if other in resources} - found
        found |= left
        if not left:
            break
    return found
