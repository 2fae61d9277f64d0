"""Rules on what a service names in its task definition: containers, ports, port mappings, volumes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.taskdef.ports import port_range
from anywhere.taskdef.rule import EC2, FARGATE, MANAGED, Case, Mark, fail, over, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node, Unknown

_DISCOVERY_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}\Z")
_DNS_NAME = re.compile(r"[a-z0-9_.][a-z0-9_.-]{0,126}\Z")


@rule(
    "service.references",
    "what a service names in its task definition",
    scope="service",
    launch=(EC2, FARGATE, MANAGED),
    meaning="A load balancer and a registry name a container of the task definition and a port of its mappings, Service "
    "Connect and VPC Lattice the name of a port mapping. A load balancer has a target group or, for a Classic one, a name "
    "and a fixed host port. A "
    "Service Connect service has one client alias, with a DNS name in lower case, and a namespace of its own or its cluster's. "
    "Its access logs need a logConfiguration, its timeout of requests a mapping with an appProtocol. With a Classic Load "
    "Balancer AWS does not support health checks of containers.",
    fine="names containers, ports and mappings that are there",
    source=f"{sources.API}, types LoadBalancer, ServiceRegistry and ServiceConnectService; {sources.SEEN}, "
    "pf-ecs-svc-lb-container-name-missing, pf-ecs-svc-lb-container-port-missing, pf-ecs-service-lb-target-exclusive, "
    "pf-ecs-svc-connect-client-aliases-max, pf-ecs-svc-connect-client-alias-dns-name and "
    "pf-ecs-svc-connect-without-namespace; amazon-ecs-agent#1276; pulumi/pulumi-awsx#1172; aws/aws-sdk-go#818; "
    "aws/aws-sdk-js#1397; terraform-aws-modules/terraform-aws-ecs#89",
)
def references(case: Case, node: Node) -> Iterator[Mark]:
    balancers = list(node.at("loadBalancers").each())
    registries = list(node.at("serviceRegistries").each())
    connect = node.at("serviceConnectConfiguration", "services")
    yield from over(balancers, _target, quiet=True)
    yield from over(balancers, lambda item: _checked(case, item), quiet=True)
    yield from over(registries, _record, quiet=True)
    yield from over((*balancers, *registries), lambda item: _container(case, item), quiet=True)
    named = (*connect.each(), *node.at("vpcLatticeConfigurations").each())
    yield from over(named, lambda item: _port_name(case, item), quiet=True)
    yield from over(connect.each(), _aliases, quiet=True)
    names = (alias.at("dnsName") for service in connect.each() for alias in service.at("clientAliases").each())
    yield from over(names, _dns_name, quiet=True)
    yield from over([node], lambda node: _namespace(case, node), quiet=True)
    yield from over([node.at("serviceConnectConfiguration")], _access_logs, quiet=True)
    yield from over((item.at("discoveryName") for item in connect.each()), _discovery_name, quiet=True)
    yield from over(connect.each(), lambda item: _timeout(case, item), quiet=True)


def _target(item: Node) -> Iterator[Mark]:
    group, classic = item.at("targetGroupArn"), item.at("loadBalancerName")
    if group.filled and classic.filled:
        text = "a load balancer with targetGroupArn and loadBalancerName: ECS takes one of them"
        yield fail(classic, text, "keep targetGroupArn", remove(classic))
    elif not group.filled and not classic.filled and item.filled:
        yield fail(item, "a load balancer without targetGroupArn", "name the target group")
    text = group.text() if group.known else ""
    if text.startswith("arn:") and ":targetgroup/" not in text and not is_placeholder(text):
        yield fail(group, f"{show(text)} is not the ARN of a target group", "write the ARN with :targetgroup/")


def _checked(case: Case, item: Node) -> Iterator[Mark]:
    """Health checks of containers beside a Classic Load Balancer. Source: API reference, type HealthCheck."""
    classic = item.at("loadBalancerName")
    if classic.filled and any(container.at("healthCheck").filled for container in case.containers):
        text = "AWS does not support health checks of containers with a Classic Load Balancer"
        yield warn(classic, text, "use a target group, or take the containers' healthCheck out")


def _record(item: Node) -> Iterator[Mark]:
    if item.at("containerPort").number() and item.at("port").number():  # Terraform shows 0 where there is none
        text = "a registry takes port, or containerName and containerPort, not both"
        yield fail(item.at("port"), text, "keep one of them")


def _container(case: Case, item: Node) -> Iterator[Mark]:
    name, port = item.at("containerName"), item.at("containerPort")
    if case.definition is None or not name.filled or is_placeholder(name.text()):
        return
    found = {container.at("name").text(): container for container in case.containers}
    if not found:
        return
    if name.text() not in found:
        text = f"the service names the container {show(name.text())}, which its task definition does not have"
        yield fail(name, text, f"name one of its containers: {', '.join(found)}")
        return
    number = port.number()
    if number and not _has_port(found[name.text()], number):
        text = f"the service names port {number} of the container {name.text()}, which has no such port mapping"
        yield fail(port, text, "name a containerPort of its port mappings, or add the mapping")
    elif number:
        yield from _mapped(case, item, found[name.text()], number)


def _mapped(case: Case, item: Node, container: Node, number: int) -> Iterator[Mark]:
    """How the port that a service names is mapped."""
    mappings = [one for one in container.at("portMappings").each() if one.at("containerPort").number() == number]
    if len(mappings) > 1:
        text = (
            f"port {number} has {len(mappings)} port mappings: ECS was seen to refuse a service that names such a port"
        )
        yield warn(item.at("containerPort"), text, "keep one mapping of the port, or name another port")
    is_dynamic = bool(mappings) and not any(one.at("hostPort").number() for one in mappings)
    is_classic = item.at("loadBalancerName").filled and not item.at("targetGroupArn").filled
    if is_classic and is_dynamic and case.launch == EC2 and case.mode == "bridge":
        text = f"a Classic Load Balancer needs a fixed host port, and port {number} has none: ECS refuses the service"
        yield fail(item.at("containerPort"), text, "set hostPort, or use a target group")


def _has_port(container: Node, number: int) -> bool:
    """Whether a mapping has this port. Raises NotKnown where one that is not known may have it."""
    for mapping in container.at("portMappings").each():
        span = port_range(mapping.at("containerPortRange").text())
        if mapping.at("containerPort").number() == number or (span and span[0] <= number <= span[1]):
            return True
    return False


def _port_name(case: Case, item: Node) -> Iterator[Mark]:
    name = item.at("portName")
    if case.definition is None or not case.containers or not name.filled or is_placeholder(name.text()):
        return
    mappings = [mapping for container in case.containers for mapping in container.at("portMappings").each()]
    names = [text for mapping in mappings if (text := mapping.at("name").text())]
    if name.text() not in names:
        text = f"the service names the port mapping {show(name.text())}, which its task definition does not have"
        yield fail(name, text, f"use one of {', '.join(names)}" if names else "give the port mapping this name")


def _aliases(item: Node) -> Iterator[Mark]:
    aliases = item.at("clientAliases")
    if aliases.sure > 1:
        yield fail(aliases, f"{aliases.sure} client aliases, and ECS takes 1", "keep one")


def _dns_name(field: Node) -> Iterator[Mark]:
    text = field.text()
    if text and not _DNS_NAME.match(text) and not is_placeholder(text):
        why = f"{show(text)} is not a name that Service Connect takes for clients"
        yield fail(field, why, "use up to 127 lower case letters, digits, _, - and ., and no - in front")


def _discovery_name(field: Node) -> Iterator[Mark]:
    text = field.text()
    if text and not _DISCOVERY_NAME.match(text) and not is_placeholder(text):
        why = f"{show(text)} is not a discovery name of Service Connect"
        yield fail(field, why, "use up to 64 lower case letters, digits, _ and -, and no - in front")


def _access_logs(connect: Node) -> Iterator[Mark]:
    logs = connect.at("accessLogConfiguration")
    if logs.filled and not connect.at("logConfiguration").filled:
        text = "access logs of Service Connect need a logConfiguration beside them, and there is none"
        yield fail(logs, text, "add logConfiguration, or take the access logs out", remove(logs))


def _timeout(case: Case, item: Node) -> Iterator[Mark]:
    """A limit for each request, which TCP does not have. Source: API reference, type TimeoutConfiguration."""
    seconds, name = item.at("timeout", "perRequestTimeoutSeconds"), item.at("portName").text()
    if not seconds.number():
        return
    for mapping in (mapping for container in case.containers for mapping in container.at("portMappings").each()):
        if mapping.at("name").text() == name and not mapping.at("appProtocol").filled:
            text = (
                f"perRequestTimeoutSeconds is for HTTP, HTTP2 and gRPC, and the port mapping {name} has no appProtocol"
            )
            yield fail(seconds, text, "give the mapping an appProtocol, or take the timeout out", remove(seconds))


def _namespace(case: Case, node: Node) -> Iterator[Mark]:
    """Service Connect on a cluster that the template makes without a namespace."""
    connect, cluster = node.at("serviceConnectConfiguration"), node.at("cluster").raw
    resource = case.service.resources.get(cluster.ref) if case.service and isinstance(cluster, Unknown) else None
    if (
        not isinstance(resource, dict)
        or resource.get("Type") != "AWS::ECS::Cluster"
        or not connect.at("enabled").flag()
    ):
        return
    properties = resource.get("Properties") or {}
    if (
        not connect.at("namespace").filled
        and isinstance(properties, dict)
        and "ServiceConnectDefaults" not in properties
    ):
        text = "Service Connect without a namespace, and the cluster of this template has none by default"
        yield fail(connect, text, "set the namespace, or ServiceConnectDefaults of the cluster")
