"""Rules on the network of services: load balancers, discovery, interfaces, IPv6."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.rule import EC2, EXTERNAL, FARGATE, Case, Mark, fail, note, over, put, remove, rule, skip, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.services import version_of
from anywhere.taskdef.source.node import Node, NotKnown, Unknown

MOST_SUBNETS, MOST_GROUPS = 16, 5


@rule(
    "service.load-balancer",
    "load balancers",
    scope="service",
    meaning="External instances have no load balancing of the service. Fargate, and EC2 with awsvpc, take Application "
    "and Network Load Balancers whose target group has the type ip; no Classic Load Balancer. With bridge and host the type is "
    "instance.",
    fine="no load balancer that the launch type refuses",
    source=f"{sources.EXTERNAL_PAGE}, networking; {sources.AWSVPC_PAGE}; {sources.FARGATE_PAGE}; "
    "hashicorp/terraform-provider-aws#12252",
)
def load_balancer(case: Case, node: Node) -> Iterator[Mark]:
    balancers, lattice = node.at("loadBalancers"), node.at("vpcLatticeConfigurations")
    if case.launch == EXTERNAL:
        if balancers.filled:
            advice = (
                "run a reverse proxy on the hosts with a fixed port, or a balancer of the site before fixed host ports"
            )
            yield fail(balancers, "external instances have no service load balancing", advice, remove(balancers))
        if lattice.filled:
            yield skip(lattice, "no source says whether VPC Lattice reaches external instances")
        return
    if not balancers.filled:
        return
    if case.launch == EC2 and case.definition is None:
        yield skip(balancers, "which target type is right depends on the task definition, which is not here")
    elif case.launch == FARGATE or case.mode == "awsvpc":
        yield from over(balancers.each(), lambda item: _by_address(case, item))
    elif case.mode in ("bridge", "host"):
        yield from over(balancers.each(), lambda item: _by_instance(case, item), quiet=True)


def _by_instance(case: Case, item: Node) -> Iterator[Mark]:
    group = item.at("targetGroupArn")
    if _target_type(case, group) == "ip":
        text = f"the target group has the type ip, and with {case.mode} must have instance"
        yield fail(group, text, "set TargetType to instance, or use awsvpc")


def _by_address(case: Case, item: Node) -> Iterator[Mark]:
    classic, group = item.at("loadBalancerName"), item.at("targetGroupArn")
    if classic.filled:
        text = "a Classic Load Balancer cannot reach tasks by address"
        yield fail(classic, text, "use an Application or Network Load Balancer")
        return
    kind = _target_type(case, group)
    if kind is None:
        yield skip(group, "the target group must have the type ip; it is not in this document")
    elif kind != "ip":
        yield fail(group, f"the target group has the type {kind}, and must have ip", "set TargetType to ip")


def _target_type(case: Case, group: Node) -> str | None:
    """The target type of a group that the template itself makes; None where it is not known."""
    raw: object = group.raw
    resources = case.service.resources if case.service else {}
    resource = resources.get(raw.ref) if isinstance(raw, Unknown) else None
    if not isinstance(resource, dict) or resource.get("Type") != "AWS::ElasticLoadBalancingV2::TargetGroup":
        return None
    properties = resource.get("Properties", {})
    kind = properties.get("TargetType", "instance") if isinstance(properties, dict) else None
    return kind if isinstance(kind, str) else None


@rule(
    "service.discovery",
    "service discovery",
    scope="service",
    meaning="External instances have no service discovery. Elsewhere a service has one registry, and with bridge or "
    "host "
    "it names container and port, of SRV records. A registry without SRV records takes no port with awsvpc.",
    fine="no registry that the launch type refuses",
    source=f"{sources.EXTERNAL_PAGE}, networking; {sources.API}, type ServiceRegistry; {sources.GUIDE}, service-discovery; "
    f"{sources.SEEN}, pf-ecs-svc-registries-port-with-awsvpc",
)
def discovery(case: Case, node: Node) -> Iterator[Mark]:
    registries = node.at("serviceRegistries")
    if not registries.filled:
        return
    if case.launch == EXTERNAL:
        advice = "use fixed host ports with the site's DNS, or a registry of your own"
        yield fail(registries, "external instances have no service discovery", advice, remove(registries))
        return
    items = list(registries.each())
    if registries.sure > 1:
        yield fail(registries, "a service has one registry", "keep one", *(remove(item) for item in items[:0:-1]))
    if case.definition and case.launch == EC2 and case.mode in ("bridge", "host"):
        for item in items:
            if not (item.at("containerName").filled and item.at("containerPort").filled):
                text = f"with {case.mode} a registry names containerName and containerPort"
                yield fail(item, text, "name the container and its port")
    if case.definition:
        yield from over(items, lambda item: _records(case, item), quiet=True)


def _records(case: Case, item: Node) -> Iterator[Mark]:
    """What the DNS records of a registry that the template itself makes ask for."""
    kinds = _record_types(case, item.at("registryArn"))
    if not kinds:
        return
    if case.launch == EC2 and case.mode in ("bridge", "host") and "SRV" not in kinds:
        text = f"with {case.mode} a registry has SRV records only, and this one has {', '.join(sorted(kinds))}"
        yield fail(item, text, "use records of the type SRV, or awsvpc")
    elif (case.launch == FARGATE or case.mode == "awsvpc") and "SRV" not in kinds:
        for field in (item.at("containerPort"), item.at("port")):
            if field.number():
                text = f"a registry with {', '.join(sorted(kinds))} records takes no port: ECS refuses one"
                yield fail(field, text, "take it out, or use records of the type SRV", remove(field))


def _record_types(case: Case, registry: Node) -> set[str]:
    """The types of a Cloud Map service's records; none where they are not known."""
    raw = registry.raw
    resource = case.service.resources.get(raw.ref) if case.service and isinstance(raw, Unknown) else None
    if not isinstance(resource, dict) or resource.get("Type") != "AWS::ServiceDiscovery::Service":
        return set()
    properties = resource.get("Properties")
    config = properties.get("DnsConfig") if isinstance(properties, dict) else None
    records = config.get("DnsRecords") if isinstance(config, dict) else None
    kinds = [record.get("Type") for record in records if isinstance(record, dict)] if isinstance(records, list) else []
    return {kind for kind in kinds if isinstance(kind, str)} if all(isinstance(kind, str) for kind in kinds) else set()


@rule(
    "service.service-connect",
    "Service Connect",
    scope="service",
    launch=(EXTERNAL,),
    meaning="External agents take the Service Connect capability out.",
    fine="no Service Connect",
    source=f"{sources.AGENT_CAPABILITY}; {sources.GUIDE}, service-connect",
)
def service_connect(case: Case, node: Node) -> Iterator[Mark]:
    connect = node.at("serviceConnectConfiguration")
    if connect.at("enabled").flag():
        advice = "use fixed host ports with the site's DNS, or a proxy of your own"
        yield fail(connect, "external instances have no Service Connect", advice, remove(connect))


@rule(
    "service.network-configuration",
    "subnets and security groups",
    scope="service",
    meaning="A network configuration belongs to awsvpc: always with it, never without. It names 1 to 16 subnets and at "
    "most 5 security groups; tasks on EC2 get no public address.",
    fine="a network configuration exactly where awsvpc needs it",
    source=f"{sources.CREATE_SERVICE}, field networkConfiguration; {sources.AWSVPC_PAGE}; {sources.FARGATE_PAGE}",
)
def network_configuration(case: Case, node: Node) -> Iterator[Mark]:
    network = node.at("networkConfiguration")
    if case.launch == EXTERNAL:
        if network.filled:
            text = "external instances have no VPC interface to configure"
            yield fail(network, text, "take it out", remove(network))
        return
    mode = _mode(case)
    if mode is None:
        if network.filled:
            yield skip(network, "right with awsvpc only, and the task definition is not here")
    elif mode != "awsvpc" and network.filled:
        yield fail(network, f"the network mode {mode} takes no network configuration", "take it out", remove(network))
    elif mode == "awsvpc" and not network.filled and not case.is_update:
        yield fail(network, "awsvpc needs subnets, and there is no network configuration", "name subnets and groups")
    if network.filled and mode in (None, "awsvpc"):
        yield from _interfaces(case, network.at("awsvpcConfiguration"))


def _mode(case: Case) -> str | None:
    if case.launch == FARGATE:
        return "awsvpc"
    return case.mode if case.definition else None


def _interfaces(case: Case, vpc: Node) -> Iterator[Mark]:
    subnets, groups, public = vpc.at("subnets"), vpc.at("securityGroups"), vpc.at("assignPublicIp")
    if isinstance(subnets.raw, list) or subnets.raw is None:
        many = subnets.sure if subnets.sure > MOST_SUBNETS else len(subnets.raw or ())
        if many == 0 or subnets.sure > MOST_SUBNETS:
            yield fail(subnets, f"{many} subnets: 1 to {MOST_SUBNETS} can be named", "name 1 to 16 of one VPC")
    if groups.sure > MOST_GROUPS:
        text = f"{groups.sure} security groups: at most {MOST_GROUPS} can be named"
        yield fail(groups, text, "name 5 or fewer of one VPC")
    if case.launch == EC2 and public.text() == "ENABLED":
        text = "tasks on EC2 instances get no public address"
        advice = "use private subnets with a NAT gateway"
        yield fail(public, text, advice, put(public, "DISABLED"))


@rule(
    "service.dual-stack",
    "conditions for IPv6",
    scope="service",
    launch=(EC2, FARGATE),
    meaning="A task gets an IPv6 address when the account setting dualStackIPv6 is on for its caller, VPC and "
    "subnet have "
    "IPv6, the subnet assigns addresses, and: on Fargate, platform 1.4.0 or newer (Linux) or 1.0.0 (Windows); on EC2, "
    "awsvpc on Linux with agent 1.45.0 or newer. Each condition that the document does not show is listed.",
    fine="no IPv6 without awsvpc",
    source=f"{sources.AWSVPC_PAGE}; {sources.FARGATE_PAGE}; {sources.GUIDE}, dual-stack",
)
def dual_stack(case: Case, node: Node) -> Iterator[Mark]:
    if _mode(case) not in (None, "awsvpc"):
        return
    unknown = ["the account setting dualStackIPv6 of the caller"]
    unmet: list[str] = []
    asked = _from_subnets(case, node, unknown, unmet)
    _from_platform(case, node, unknown, unmet)
    if unmet and asked:
        text = f"the subnets have IPv6, and tasks get no address: {'; '.join(unmet)}"
        yield warn(node, text, "meet the condition, or do without IPv6", unmet=unmet, unknown=unknown)
    elif unmet:
        yield note(node, f"tasks get no IPv6 address: {'; '.join(unmet)}", unmet=unmet, unknown=unknown)
    else:
        yield skip(node, f"tasks get an IPv6 address if: {'; '.join(unknown)}", unknown=unknown)


def _from_subnets(case: Case, node: Node, unknown: list[str], unmet: list[str]) -> bool:
    """What the template's own subnets say; whether any of them has IPv6."""
    resources = case.service.resources if case.service else {}
    found = []
    for item in node.at("networkConfiguration", "awsvpcConfiguration", "subnets").each():
        resource = resources.get(item.raw.ref) if isinstance(item.raw, Unknown) else None
        is_subnet = isinstance(resource, dict) and resource.get("Type") == "AWS::EC2::Subnet"
        found.append((resource or {}).get("Properties") or {} if is_subnet else None)
    known = [item for item in found if isinstance(item, dict)]
    if not found or len(known) < len(found):
        unknown += ["IPv6 of VPC and subnet", "automatic assignment of IPv6 addresses in the subnet"]
        return False
    with_block = [item for item in known if "Ipv6CidrBlock" in item or "Ipv6IpamPoolId" in item]
    if not with_block:
        unmet.append("the subnets have no IPv6 block")
    elif not all(item.get("AssignIpv6AddressOnCreation") in (True, "true") for item in with_block):
        unmet.append("a subnet does not assign IPv6 addresses")
    return bool(with_block)


def _from_platform(case: Case, node: Node, unknown: list[str], unmet: list[str]) -> None:
    try:
        windows = case.windows if case.definition else None
    except NotKnown:
        windows = None
    if case.launch == EC2:
        unknown.append("an agent of 1.45.0 or newer")
        if windows:
            unmet.append("Windows on EC2 has no IPv6")
        elif windows is None:
            unknown.append("a Linux task with awsvpc")
        return
    text = node.at("platformVersion").text()
    version = version_of(text)
    if version and version < (1, 4, 0) and not windows:
        (unmet if windows is False else unknown).append(f"platform 1.4.0 or newer on Linux (here {text})")
